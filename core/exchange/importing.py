"""Taking in a model in whatever form it comes: a bundle, a model folder, an nnU-Net results folder or zip.

Everything that opens the files, and the trial run of the model, happens in a guarded process (`core.outside.guarded`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from core.errors import ModelError
from core.exchange.bundle import is_bundle, unpack_bundle
from core.exchange.check import check_model_works
from core.exchange.nnunet_import import convert_nnunet, trained_names
from core.imaging.lengths import checked_pixel_size
from core.models.store import CARD_FILE, ModelStore, StoredModel, open_model
from core.outside.boundary import file_boundary
from core.outside.child import report_progress
from core.outside.guarded import GIB, Limits, Subject, guarded_with
from core.outside.links import is_plain_file, require_no_links_below
from core.scratch import scratch_folder

_LIMITS: Final = Limits(memory_bytes=24 * GIB, busy_s=600, wall_s=900)
"""The largest networks of nnU-Net have 1.5 GB of weights a fold, of which some copies are in memory; each step of the
work (unpacking, converting, trying out) may take so long."""


def import_model(
    path: Path,
    store: ModelStore,
    *,
    pixel_size_nm: float | None = None,
    name: str | None = None,
    inside: str | None = None,
    **card: Any,
) -> StoredModel:
    """Bring a model into the store, under an id that is free; what it is, is found out by looking.

    Parameters
    ----------
    path
        A bundle (zip), a folder with card.json, an nnU-Net results folder, or a zip of
        ``nnUNetv2_export_model_to_zip``.
    store
        Where it goes.
    pixel_size_nm
        Pixel size of the training instead of what the model says; nnU-Net's own say none.
    name
        Name to show, and to make the id of; the model's own by default.
    inside
        Which of several trained nnU-Net configurations in it, as `trained_in` names them.
    card
        As of `ModelStore.add_free`.

    Raises
    ------
    ModelError
        Nothing is there, it is no model that can be used, or it does not work when it is tried out.
    StorageFullError
        The store cannot be written.
    """
    if not path.exists():
        raise ModelError(f"{path} does not exist.", "Check the path.")
    if pixel_size_nm is not None:
        checked_pixel_size(pixel_size_nm, error=ModelError)
    with scratch_folder("import") as scratch:
        subject = Subject(path.name, ModelError)
        folder, wanted = guarded_with(_LIMITS, subject, ready_model, path, scratch, pixel_size_nm, name, inside)
        return store.add_free(folder, wanted, name=name, pixel_size_nm=pixel_size_nm, **card)


def trained_in(path: Path) -> tuple[str, ...]:
    """The trained nnU-Net configurations in a folder or zip, 3D ones too; empty for a bundle of ours.

    Returns
    -------
    tuple of str
        Each as the path of its folder, with slashes; "" for ``path`` itself.

    Raises
    ------
    ModelError
        It cannot be opened, or must not be trusted.
    """
    return guarded_with(_LIMITS, Subject(path.name, ModelError), trained_names, path)


def ready_model(
    path: Path, scratch: Path, pixel_size_nm: float | None, name: str | None, inside: str | None = None
) -> tuple[Path, str]:
    """Within the guarded process: make a model folder of what came, and try it out.

    Parameters
    ----------
    path, pixel_size_nm, name, inside
        As for `import_model`.
    scratch
        An empty folder to work in.

    Returns
    -------
    Path, str
        The folder, and the name to make an id of.

    Raises
    ------
    ModelError
        As for `import_model`.
    """
    with file_boundary(path.name, kind=ModelError):
        folder, wanted = _model_folder(path, scratch, pixel_size_nm, name, inside)
        report_progress()
        check_model_works(folder)
    return folder, wanted


def _model_folder(
    path: Path, scratch: Path, pixel_size_nm: float | None, name: str | None, inside: str | None
) -> tuple[Path, str]:
    if path.is_dir():
        require_no_links_below(path, ModelError, levels=1)
        if is_plain_file(path / CARD_FILE):
            return path, name or open_model(path).id
    elif is_bundle(path):
        folder = unpack_bundle(path, scratch)
        return folder, name or open_model(folder).id
    return convert_nnunet(path, scratch, pixel_size_nm=pixel_size_nm, name=name, inside=inside)
