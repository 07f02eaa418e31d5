"""``export``: images of a project with their label maps, as a zip, a folder of files or a dataset folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import done, notice, progress_bar, stdout
from core.cli.results import find_project
from core.errors import DatasetError
from core.exports.choice import chosen_maps, kinds_in_words
from core.exports.files import USUAL_PARTS, Part
from core.exports.names import safe_stem
from core.exports.package import Packed, write_package
from core.exports.request import COUNTS, TRAINING, ExportRequest, Form
from core.exports.sinks import folder_sink, zip_sink
from core.store.records import ImageRecord, Split
from core.store.store import Store, current_store
from core.wording import counted

_LISTED = 20


def export(
    project: Annotated[str, typer.Argument(help="Name or id of the project.")],
    out: Annotated[Path, typer.Option(help="Zip file or folder to create.")],
    image: Annotated[
        list[str] | None, typer.Option(help="Name or id of an image, repeatable. Default: all images.")
    ] = None,
    stack: Annotated[str, typer.Option(help="Export only the planes of this stack.")] = "",
    split: Annotated[list[Split] | None, typer.Option(help="Export only images of this split.")] = None,
    labels: Annotated[
        str,
        typer.Option(
            help="Label maps to export: counts (newest approved correction, otherwise prediction, otherwise "
            "reference), training (training labels; dataset folders only), approved, reference, model:ID, "
            "imported:NAME. Default: counts; training for dataset folders."
        ),
    ] = "",
    form: Annotated[
        Form,
        typer.Option("--as", help=("Output format: files, or dataset or nnunet (folders that can be imported again).")),
    ] = Form.FILES,
    include: Annotated[
        list[Part] | None, typer.Option(help="File types to include with the format files; repeatable.")
    ] = None,
    full_size: Annotated[bool, typer.Option(help="Export overlays at full size.")] = False,
) -> None:
    """Export images of a project with their label maps, like *Export* in the app.

    Example: `python -m core export "My images" --out liver.zip --include label-tiff --include objects`

    A dataset folder that can be imported again: `python -m core export Liver --as dataset --out liver-dataset`
    """
    store = current_store()
    owner = find_project(store, project)
    images = _chosen(store.images.all(owner.id), image or [], stack, split or [], owner.name)
    request = ExportRequest(
        project_id=owner.id,
        image_ids=tuple(image.id for image in images),
        labels=labels or (COUNTS if form is Form.FILES else TRAINING),
        form=form,
        parts=tuple(include or USUAL_PARTS),
        title=owner.name,
        full_size=full_size,
    )
    maps = chosen_maps(store, owner.id, request.labels, None, request.image_ids)
    stdout.print(
        f"{counted(len(images), 'image')}: {kinds_in_words(maps) or 'no label maps'}", highlight=False, markup=False
    )
    with progress_bar("export") as progress:
        packed = _write(store, request, out, progress)
    for line in packed.left_out[:_LISTED]:
        notice(line)
    if len(packed.left_out) > _LISTED:
        notice(f"and {len(packed.left_out) - _LISTED} more; manifest.csv lists all of them.")
    done(f"{counted(packed.files, 'file')} of {counted(packed.images, 'image')}: {out}")


def _write(store: Store, request: ExportRequest, out: Path, progress: object) -> Packed:
    """Into a zip or a folder, by the name's ending; what is there is never replaced."""
    if out.suffix.lower() == ".zip" and out.exists():
        raise DatasetError(f"{out} exists already.", "Choose a new file name.")
    out.parent.mkdir(parents=True, exist_ok=True)
    root = f"{safe_stem(request.title)}_{datetime.now():%Y-%m-%d}"
    opened = zip_sink(out, root) if out.suffix.lower() == ".zip" else folder_sink(out)
    with opened as sink:
        return write_package(store, request, sink, person=None, work=out.parent, progress=progress)  # type: ignore[arg-type]


def _chosen(
    images: tuple[ImageRecord, ...], names: list[str], stack: str, splits: list[Split], project: str
) -> list[ImageRecord]:
    """The images that are meant, in the project's order."""
    known = {image.name for image in images} | {image.id for image in images}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DatasetError(f"The project {project} has no image {unknown[0]!r}.", "Check the name on the Data page.")
    found = [
        image
        for image in images
        if (not names or image.name in names or image.id in names)
        and (not stack or image.stack == stack)
        and (not splits or image.split in splits)
    ]
    if not found:
        raise DatasetError(f"No image of the project {project} matches.", "Remove a filter.")
    return found
