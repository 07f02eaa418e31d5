"""A sample sheet taken over: specimens, conditions, splits, stacks and pixel sizes of many images at once.

Reading changes nothing: `plan_sheet` says what would change, `apply_sheet` does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from core.access.roles import Permission, require
from core.curation.images import change_image, change_pixel_sizes
from core.datasets.image_facts import FACT_CHARS, FACTS, facts_of
from core.datasets.sample_sheet import COLUMNS, Names, nm_of, read_facts
from core.errors import DatasetError
from core.imaging.image import PixelSize
from core.store.images import STACK_NAME_LENGTH
from core.store.records import ImageRecord, Split
from core.store.store import Store

_LENGTHS: Final = {**dict.fromkeys(FACTS, FACT_CHARS), "stack": STACK_NAME_LENGTH}
"""What is longer is cut, as everywhere."""


@dataclass(frozen=True, slots=True)
class SheetChange:
    """What a sheet says of an image that is not so yet.

    Parameters
    ----------
    image
        As it is now.
    fields
        Name of each field to its new value, as `core.curation.images.change_image` takes them.
    """

    image: ImageRecord
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """What a sheet would change.

    Parameters
    ----------
    changes
        Images that would change, in the order of the images.
    same
        How many images it names that are so already.
    strays
        Names in the sheet that no image (or specimen) has.
    unclear
        Names that several images have: nothing changes for them.
    ignored
        Heads of columns that mean nothing here.
    """

    changes: tuple[SheetChange, ...]
    same: int
    strays: tuple[str, ...]
    unclear: tuple[str, ...]
    ignored: tuple[str, ...]

    @property
    def sizes(self) -> dict[float, list[str]]:
        """New pixel sizes in nm, each with the ids of the images that the sheet gives it."""
        found: dict[float, list[str]] = {}
        for change in self.changes:
            size: PixelSize | None = change.fields.get("pixel_size")
            if size is not None and size.nm is not None:
                found.setdefault(size.nm, []).append(change.image.id)
        return found


def sheet_of(images: Sequence[ImageRecord]) -> pd.DataFrame:
    """The sheet as it is now, to be filled in and read again."""
    rows = [
        (image.name, *facts_of(image).values(), str(image.split), image.stack, image.pixel_size.nm, image.id)
        for image in images
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def plan_sheet(text: str | bytes, images: Sequence[ImageRecord]) -> SheetPlan:
    """Read a sheet and say what would change; empty cells leave things as they are.

    Parameters
    ----------
    text
        As `core.datasets.sample_sheet.read_facts` takes it, which says how images are found.
    images
        Of the project.

    Raises
    ------
    DatasetError
        As `read_facts`; or planes of one stack get several pixel sizes.
    """
    names = {image.id: Names(image.name, image.stack, image.specimen) for image in images}
    facts = read_facts(text, names)
    changes = [_changed(image, facts.said[image.id]) for image in images if image.id in facts.said]
    _require_one_size_a_stack(changes, facts.said)
    wanted = tuple(change for change in changes if change.fields)
    return SheetPlan(wanted, len(changes) - len(wanted), facts.strays, facts.unclear, facts.ignored)


def apply_sheet(store: Store, plan: SheetPlan, *, by: str) -> int:
    """Change the images as planned. Returns how many.

    A pixel size becomes that of all planes of the image's stack; predictions under way with another one are cancelled.

    Raises
    ------
    AccessError
        ``by`` may not manage the project; nothing is changed then.
    NotFoundError
        An image was deleted for good meanwhile; those before it are changed, the sheet can be taken over again.
    """
    for project_id in {change.image.project_id for change in plan.changes}:
        require(store, project_id, by, Permission.MANAGE)
    for change in plan.changes:
        fields = {name: value for name, value in change.fields.items() if name != "pixel_size"}
        if fields:
            change_image(store, change.image.id, by=by, **fields)
    for nm, image_ids in plan.sizes.items():  # once stacks are as the sheet says
        change_pixel_sizes(store, image_ids, nm, by=by)
    return len(plan.changes)


def _require_one_size_a_stack(changes: Sequence[SheetChange], said: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse several pixel sizes for the planes of one stack, which were taken at one."""
    sizes: dict[str, dict[float, str]] = {}
    changing = {change.fields.get("stack", change.image.stack) for change in changes if "pixel_size" in change.fields}
    for change in changes:
        stack, cell = change.fields.get("stack", change.image.stack), said[change.image.id].get("pixel_size_nm")
        if stack in changing and stack and cell:
            sizes.setdefault(stack, {})[nm_of(cell)] = change.image.name
    for stack, names in sizes.items():
        if len(names) > 1:
            several = " and ".join(f"{nm:g} nm ({name})" for nm, name in names.items())
            raise DatasetError(
                f"Planes of the stack {stack} get several pixel sizes: {several}.",
                "All planes of a stack have one pixel size: use the same for all.",
            )


def _changed(image: ImageRecord, row: Mapping[str, str]) -> SheetChange:
    """What is not so yet."""
    fields: dict[str, Any] = {}
    for name, length in _LENGTHS.items():
        if name in row and row[name][:length] != getattr(image, name):
            fields[name] = row[name][:length]
    if "stack" in fields:
        fields["z_index"] = image.z_index
    if "split" in row and row["split"] != image.split:
        fields["split"] = Split(row["split"])
    if "pixel_size_nm" in row:
        nm, known = nm_of(row["pixel_size_nm"]), image.pixel_size.nm
        # Tables have six digits: what is the same in them keeps the digits, and the provenance, that it has.
        if known is None or f"{nm:.6g}" != f"{known:.6g}":
            fields["pixel_size"] = PixelSize.from_user(nm)
    return SheetChange(image, fields)
