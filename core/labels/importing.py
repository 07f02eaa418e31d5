"""Label maps in: one label image, one mask per organelle, one picture with a colour per class.

Rules, in short (docs/formats.md has them for users): a value or colour that no class has is refused; what is plainly an
edge artefact of an export is put right and counted; what two masks claim is nobody's. Masks are in `label_masks`,
colours in `label_colors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.imaging.formats.source import Channels, Plane
from core.imaging.placement import Placement
from core.imaging.row_bands import replaced_values
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.bands import LabelFile, ValueCodes, opened_labels
from core.labels.colors import read_rgb_labels
from core.labels.masks import Overlap, match_masks, read_masks
from core.labels.plane_values import ValueBand, label_values
from core.labels.planes import check_class, classes_of, listed
from core.labels.polarity import Foreground
from core.labels.report import LabelImport, LabelReport, LabelRule, RuleCount

__all__ = [
    "LabelImport",
    "LabelReport",
    "LabelRule",
    "Overlap",
    "RuleCount",
    "match_masks",
    "read_label_image",
    "read_masks",
    "read_rgb_labels",
]


STRAY_SHARE: Final = 0.01
"""Share of pixels beside the value map that passes for soft edges."""


def read_label_image(
    path: Path,
    scheme: LabelScheme,
    shape_yx: tuple[int, int] | None = None,
    *,
    value_map: Mapping[int, int] | None = None,
    stray_share: float = STRAY_SHARE,
    name: str | None = None,
    foreground: Foreground | None = None,
    placement: Placement | None = None,
) -> LabelImport:
    """Read a label image, whose values are class ids.

    Parameters
    ----------
    path
        PNG, TIFF, MRC or NIfTI; grey or with a palette, whose indices are the values.
    scheme
        Which ids there are.
    shape_yx
        Of the image that it belongs to; None where that is not known.
    value_map
        For files with other values, also negative ones: value in the file to class id. 0 is background, 255 ignore and
        a class number its class unless the map says otherwise.
    stray_share
        With a value map: at most this share of the pixels may have other values (soft edges); they take the nearest
        value of the map.
    name
        What to call the file in messages.
    foreground
        For files of 1 bit per pixel: whether 1 is what viewers show light or dark; None: as the file suggests.
    placement
        Where the image's header places it.

    Returns
    -------
    LabelImport
        uint8 of the image's shape, with counts.

    Raises
    ------
    UnclearMaskError
        1 bit per pixel, and either value may be 1.
    LabelMapError
        Unreadable, compressed with losses, a stack, another size, in colour, values that no class has or that are no
        integers; with the values and how often each was found.
    """
    with opened_labels(path, shape_yx, name=name, placement=placement) as file:
        read = _read_values(file, foreground)
        found, pixels = read.codes.counted()
        counts = list(read.counts.values())
        if value_map is None:
            _check_known(found, pixels, scheme, file.name)
            ids = found.astype(np.uint8)
        else:
            ids, mapped = _mapped(found, pixels, value_map, scheme, stray_share, file.name)
            counts += mapped
        labels = read.codes.labels(ids)
        if labels is None:
            labels = _read_again(file, foreground, found, ids)
        labels = np.ascontiguousarray(file.laid(labels))
        remarks = [*file.remarks, *read.told, *_palette_remark(read.first, found, scheme, file.name)]
    present = set(ids.tolist())
    if IGNORE_ID in present and not present - {0, IGNORE_ID}:
        remarks.append(
            f"{file.name} contains no classes, only {'0 and ' if 0 in present else ''}255 (ignore). If it is the "
            "mask of one class, import it as a mask."
        )
    return LabelImport.of(labels, counts, remarks)


@dataclass(slots=True)
class _Values:
    """What a label file holds: a number for each value, and what was done on the way."""

    codes: ValueCodes
    first: Plane
    counts: dict[LabelRule, RuleCount]
    told: tuple[str, ...]


def _value_bands(file: LabelFile, foreground: Foreground | None) -> Iterator[tuple[int, Plane, ValueBand]]:
    """First row, plane and values of each piece; files of 1 bit in one, for what is dark is decided by all of it."""
    for top, plane in file.bands():
        if plane.channels is Channels.GREY and plane.pixels.dtype == bool and plane.pixels.shape[:2] != file.shape_yx:
            file.remarks.clear()
            whole = file.whole()
            yield 0, whole, label_values(whole, file.name, foreground)
            return
        yield top, plane, label_values(plane, file.name, foreground)


def _read_values(file: LabelFile, foreground: Foreground | None) -> _Values:
    """All values, counted."""
    codes = ValueCodes(file.shape_yx)
    first: Plane | None = None
    counts: dict[LabelRule, RuleCount] = {}
    sentences: tuple[str, ...] = ()
    for top, plane, (values, applied, remarks) in _value_bands(file, foreground):
        sentences = remarks
        first = replace(plane, pixels=plane.pixels[:1]) if first is None else first
        codes.add(top, values)
        for count in applied:
            before = counts.get(count.rule)
            counts[count.rule] = count if before is None else replace(count, pixels=count.pixels + before.pixels)
    if first is None:
        raise LabelMapError(f"{file.name} has no pixels.", "Export it again.")
    return _Values(codes, first, counts, sentences)


def _read_again(
    file: LabelFile, foreground: Foreground | None, found: NDArray[Any], ids: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The label map of a file with more values than bytes can number: they are known now, and it is read once more."""
    noticed = list(file.remarks)
    labels = np.empty(file.shape_yx, np.uint8)
    for top, _, (values, _, _) in _value_bands(file, foreground):
        labels[top : top + values.shape[0]] = replaced_values(values, found, ids)
    file.remarks[:] = noticed
    return labels


def _palette_remark(plane: Plane, found: NDArray[Any], scheme: LabelScheme, name: str) -> tuple[str, ...]:
    """The classes' own colours in another order than their numbers: then colours may count, not numbers."""
    palette = plane.palette
    if plane.channels is not Channels.PALETTE or palette is None or int(found.max(initial=0)) >= len(palette):
        return ()
    known = {item.rgb(): item.id for item in scheme.classes}
    for value in found.tolist():
        color = tuple(int(part) for part in palette[value])
        class_id = known.get((color[0], color[1], color[2]))
        if class_id is not None and class_id != value and value in scheme.ids:
            return (
                f"{name}: value {value} was read as {scheme.name_of(value)}, but its palette shows the colour of "
                f"{scheme.name_of(class_id)}. If the colours are correct, import it as labels by colour.",
            )
    return ()


def _check_known(found: NDArray[Any], pixels: NDArray[np.int64], scheme: LabelScheme, name: str) -> None:
    """Refuse values that are neither class nor background nor ignore."""
    known = np.isin(found, [0, IGNORE_ID, *scheme.ids])
    if not known.all():
        raise LabelMapError(
            f"{name} contains values that match no class: {listed(found[~known], pixels[~known])}. All values: "
            f"{listed(found, pixels)}.",
            f"The classes are {classes_of(scheme)}; 0 is background, 255 ignore. Assign a class to each value (on "
            "the command line --value VALUE=CLASS), or export the labels again without smoothing.",
        )


def _mapped(
    found: NDArray[Any],
    pixels: NDArray[np.int64],
    value_map: Mapping[int, int],
    scheme: LabelScheme,
    stray_share: float,
    name: str,
) -> tuple[NDArray[np.uint8], list[RuleCount]]:
    """The class id of each value by the map; values beside it by the nearest that it has, if they are few."""
    for value, class_id in value_map.items():
        check_class(class_id, scheme, f"Value {value} of {name}")
    table = {0: 0, **value_map}
    keys = np.array(sorted(table), dtype=np.int64)
    found = found.astype(np.int64)
    nearest = keys[np.argmin(np.abs(found[:, np.newaxis] - keys[np.newaxis]), axis=1)]
    classes = np.array([table[int(k)] for k in nearest], dtype=np.uint8)
    ignored = (found == IGNORE_ID) & (IGNORE_ID not in table)
    classes[ignored] = IGNORE_ID
    stray = (found != nearest) & ~ignored
    numbers = _class_numbers(found, pixels, stray, value_map, scheme, stray_share)
    classes[numbers] = found[numbers]
    stray &= ~numbers
    if pixels[stray].sum() > stray_share * pixels.sum():
        raise LabelMapError(
            f"{name} contains unassigned values: {listed(found[stray], pixels[stray])}.",
            'Say for each which class it is (0 for background, 255 for ignore; in a dataset folder under "labels" of '
            "its dataset.json), or correct the label map.",
        )
    changed = ~stray & ~ignored & ~numbers & (found != classes)
    kept = ", ".join(f"{number} {scheme.name_of(int(number))}" for number in found[numbers])
    detail = ", ".join(f"{v} to {c}" for v, c in zip(found[changed], classes[changed], strict=True))
    return classes, [
        RuleCount(LabelRule.VALUE_MAPPED, int(pixels[changed].sum()), name, detail),
        RuleCount(LabelRule.CLASS_NUMBER, int(pixels[numbers].sum()), name, kept),
        RuleCount(LabelRule.IGNORE_VALUE, int(pixels[ignored].sum()), name),
        RuleCount(LabelRule.STRAY_TO_NEAREST, int(pixels[stray].sum()), name, listed(found[stray], pixels[stray])),
    ]


def _class_numbers(
    found: NDArray[np.int64],
    pixels: NDArray[np.int64],
    stray: NDArray[np.bool_],
    value_map: Mapping[int, int],
    scheme: LabelScheme,
    stray_share: float,
) -> NDArray[np.bool_]:
    """Which values beside the map are class numbers that count as they are.

    The map names the values that are no class numbers; a class that it gives another value is not among them. Where the
    map has grey values, few pixels are rather soft edges; with ``stray_share`` 0 the map is all there is.
    """
    numbers = stray & np.isin(found, [class_id for class_id in scheme.ids if class_id not in value_map.values()])
    greys = any(0 < value < IGNORE_ID for value in value_map)
    few = pixels[stray].sum() <= stray_share * pixels.sum()
    return np.zeros_like(numbers) if stray_share == 0 or (greys and few) else numbers
