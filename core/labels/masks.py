"""One mask per organelle, as VAST and Fiji export them, into one label map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError, UnclearMaskError
from core.imaging.formats.source import Channels, Plane
from core.imaging.placement import Placement
from core.imaging.reader import case_stem
from core.imaging.row_bands import row_bands, value_counts
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.mask_values import high_part
from core.labels.object_files import ClassIds, ReadIds, fitted_objects, ids_of_plane
from core.labels.planes import check_class, equal_channels, hide_transparent, painted, read_label_plane
from core.labels.polarity import (
    DOUBT,
    MOST,
    Brightness,
    Foreground,
    chosen_part,
    full_scale,
    palette_runs_to_black,
    unclear_colors,
)
from core.labels.report import LabelImport, LabelRule, RuleCount

_OVERLAP_SHARE: Final = 0.1
"""With `Overlap.IGNORE`: two masks may share at most this part of the smaller one."""

_SUFFIX: Final = r"(?:[\W_]*(?:cp[\W_]*masks|masks?|labels?|seg|objects?|instances?|ids?))?"
"""What people write behind the class in the name of a mask."""


class Overlap(Enum):
    """What becomes of pixels that several masks claim."""

    IGNORE = "ignore"
    """Nobody knows: 255. Refused where it would eat more than a tenth of a mask."""

    FIRST = "first"
    """They go to the class that is named first."""


def read_masks(
    paths_by_class_id: Mapping[int, Path],
    scheme: LabelScheme,
    shape_yx: tuple[int, int],
    *,
    overlap: Overlap = Overlap.IGNORE,
    foreground: Foreground | None = None,
    foregrounds: Mapping[Path, Foreground] | None = None,
    only_in_doubt: bool = False,
    placement: Placement | None = None,
    are_ids: bool = False,
) -> LabelImport:
    """Read one binary mask per class; what no mask claims is background.

    Background is 0 (black) or transparent. Mask is what reaches half of the file's highest value, so that masks of 0
    and 1, 0 and 255, or in any one colour on black all work; the soft edge that some exports make is cut there and
    counted. A mask whose values are ids of objects keeps every object and its id.

    Parameters
    ----------
    paths_by_class_id
        Class id to file (PNG, TIFF, MRC, NIfTI). Order matters for `Overlap.FIRST`. Id 255 may be given for a mask of
        what is to be ignored.
    scheme
        Which ids there are.
    shape_yx
        Of the image that they belong to.
    overlap
        What becomes of pixels that several masks claim.
    foreground
        Whether the object is light or dark, as viewers show it; None: as each file suggests.
    foregrounds
        The same for single files, where they differ.
    only_in_doubt
        Whether ``foreground`` counts only for masks that leave it open.
    placement
        Where the image's header places it.
    are_ids
        Whether every value but 0 is the id of an object, in all files; False: as each file suggests.

    Returns
    -------
    LabelImport
        uint8 of the image's shape, with counts for each file and each overlapping pair, and the ids of objects.

    Raises
    ------
    UnclearMaskError
        Light or dark, either part of a mask may be the object.
    LabelMapError
        No mask; an unknown class; unreadable, compressed with losses, a stack, another size; more than two grey levels
        that are neither edges nor ids; masks that overlap much.
    """
    if not paths_by_class_id:
        raise LabelMapError("No masks are specified.", "Add one mask file for each class in the image.")
    counts: list[RuleCount] = []
    remarks: list[str] = []
    masks: dict[int, NDArray[np.uint8]] = {}
    together = ClassIds(shape_yx)
    for class_id, path in paths_by_class_id.items():
        check_class(class_id, scheme, f"The mask {path.name}")
        plane, name = read_label_plane(path, shape_yx, placement=placement)
        shown = (foregrounds or {}).get(path, foreground)
        read: ReadIds | None = None
        if are_ids:
            read = ids_of_plane(plane, name)
            mask, notes = read.ids_yx != 0, plane.notices
            applied = [RuleCount(LabelRule.OBJECT_CLASS, int(np.count_nonzero(mask)), name)]
        else:
            mask, applied, notes = _read_mask(plane, name, shown, only_in_doubt=only_in_doubt)
            if any(count.rule is LabelRule.OBJECT_IDS for count in applied):
                read = ids_of_plane(plane, name)
        counts += applied
        remarks += notes
        if read is not None:
            counts += read.counts
            remarks += read.remarks
            together.add(class_id, read.ids_yx, name)
        if not mask.any():
            remarks.append(f"{name} is empty: there is no {scheme.name_of(class_id)} in the image.")
        elif mask.all():
            remarks.append(f"{name} covers the whole image.")
        masks[class_id] = np.packbits(mask, axis=1)  # an eighth: several masks of a large image are held at once
    labels, shared = _merged(masks, scheme, shape_yx, overlap)
    if not together.class_ids:
        return LabelImport.of(labels, counts + shared, remarks)
    objects, fitted, noticed = fitted_objects(labels, together.objects(labels), scheme)
    return LabelImport.of(labels, [*counts, *together.counts, *shared, *fitted], remarks + noticed, objects)


def match_masks(paths: Iterable[Path], scheme: LabelScheme) -> tuple[dict[int, Path], tuple[Path, ...]]:
    """Which mask belongs to which class, by the end of its name: "vnc_12_cell_boundaries.png" to "cell boundaries".

    Parameters
    ----------
    paths
        Files; case, spaces and punctuation do not count, but the class name must begin a word: "liver.png" is no mask
        of "ER". "mask", "label" or "seg" may follow it. The longest class name that fits wins.
    scheme
        The classes.

    Returns
    -------
    dict, tuple of Path
        Class id to file, in the scheme's order; and the files that fit no class.

    Raises
    ------
    LabelMapError
        Two files fit the same class.
    """
    classes = sorted(scheme.classes, key=lambda item: -len(item.name))
    found: dict[int, Path] = {}
    unmatched = []
    for path in paths:
        class_id = next((item.id for item in classes if _ends_with(case_stem(path), item.name)), None)
        if class_id is None:
            unmatched.append(path)
        elif class_id in found:
            raise LabelMapError(
                f"{found[class_id].name} and {path.name} both match masks of {scheme.name_of(class_id)}.",
                "Choose one of them.",
            )
        else:
            found[class_id] = path
    return {c.id: found[c.id] for c in scheme.classes if c.id in found}, tuple(unmatched)


def _ends_with(stem: str, name: str) -> bool:
    """Whether a file's stem ends with a class's name as words of their own: "A1_er", "A1ER", not "liver"."""
    words = [re.escape(word) for word in re.split(r"[\W_]+", name) if word]
    body = r"[\W_]*".join(words)
    pattern = rf"(?:^|(?<=[\W_\d])|(?<=[a-z])(?=[A-Z]))(?i:{body}{_SUFFIX})[\W_]*$"
    return bool(words) and re.search(pattern, stem) is not None


def _read_mask(
    plane: Plane, name: str, foreground: Foreground | None, *, only_in_doubt: bool
) -> tuple[NDArray[np.bool_], list[RuleCount], tuple[str, ...]]:
    """As `_binary`; what a person said counts for every mask, or only where the file leaves it open."""
    if foreground is None or not only_in_doubt:
        return _binary(plane, name, foreground)
    try:
        read = _binary(plane, name, None)
    except UnclearMaskError:
        return _binary(plane, name, foreground)
    return _binary(plane, name, foreground) if any(DOUBT in text for text in read[2]) else read


def _binary(
    plane: Plane, name: str, foreground: Foreground | None
) -> tuple[NDArray[np.bool_], list[RuleCount], tuple[str, ...]]:
    """The mask, what was decided, and what a person should know."""
    shown, counts = _brightness(plane, name, foreground)
    if shown.colored and foreground is None:
        _refuse_on_white(plane, shown, name)
    high, applied = high_part(shown.values_yx, name)
    part, remarks = chosen_part(high, shown, name, foreground)
    painted_dark = shown.dark_paint and foreground is not Foreground.LIGHT
    return part, [] if painted_dark else counts + applied, (*plane.notices, *remarks)


def _brightness(plane: Plane, name: str, foreground: Foreground | None) -> tuple[Brightness, list[RuleCount]]:
    """One value per pixel: the strongest channel of a colour, the weakest where the object is dark; transparent 0."""
    pixels, kind = plane.pixels, plane.channels
    dark = foreground is Foreground.DARK
    if kind is Channels.GREY:
        return Brightness(pixels, None, plane.white_is_zero, plane.as_written), []
    if kind is Channels.PALETTE:
        return _palette_brightness(plane, name, dark)
    if kind is Channels.CMYK:
        ink = pixels[..., :3].min(axis=2) if not dark else pixels[..., :3].max(axis=2)
        top = full_scale(pixels.dtype)
        return Brightness(np.maximum(top - ink.astype(np.float64) - pixels[..., 3], 0), colored=True), []
    colors = pixels[..., :1] if kind is Channels.GREY_ALPHA else pixels[..., :3]
    values: NDArray[Any] = colors.min(axis=2) if dark else colors.max(axis=2)
    colored = kind is not Channels.GREY_ALPHA and not equal_channels(pixels)
    if kind is Channels.RGB:
        return Brightness(values, colored=colored), []
    hidden, counts = hide_transparent(values, pixels[..., -1], name)
    return Brightness(hidden, painted(pixels[..., -1]), plane.white_is_zero, plane.as_written, colored=colored), counts


def _palette_brightness(plane: Plane, name: str, dark: bool) -> tuple[Brightness, list[RuleCount]]:
    """As the palette shows it; of one that runs from white to black the indices, as Fiji means them."""
    pixels, palette = plane.pixels, plane.palette
    if palette is None or int(pixels.max(initial=0)) >= len(palette):
        return Brightness(pixels), []
    if palette_runs_to_black(plane):
        return Brightness(pixels, inverting=True, as_written=True, by_palette=True), []
    strongest: NDArray[Any] = (palette.min(axis=1) if dark else palette.max(axis=1))[pixels]
    used = palette[value_counts(pixels)[0]]
    colored = not bool(np.all(used == used[:, :1]))
    if plane.palette_alpha is None:
        return Brightness(strongest, colored=colored), []
    alpha = plane.palette_alpha[pixels]
    hidden, counts = hide_transparent(strongest, alpha, name)
    return Brightness(hidden, painted(alpha), colored=colored), counts


def _refuse_on_white(plane: Plane, shown: Brightness, name: str) -> None:
    """Where most of a colour picture is white, white is rather paper than object."""
    if plane.channels is Channels.PALETTE and plane.palette is not None:
        weakest: NDArray[Any] = plane.palette.min(axis=1)[plane.pixels]
    elif plane.channels in (Channels.RGB, Channels.RGB_ALPHA):
        weakest = plane.pixels[..., :3].min(axis=2)
    else:
        return
    white = weakest >= 0.9 * full_scale(weakest.dtype)
    if np.count_nonzero(white & (shown.values_yx != 0)) > MOST * white.size:
        raise unclear_colors(name, float(np.count_nonzero(shown.values_yx)) / white.size)


def _merged(
    masks: Mapping[int, NDArray[np.uint8]], scheme: LabelScheme, shape_yx: tuple[int, int], overlap: Overlap
) -> tuple[NDArray[np.uint8], list[RuleCount]]:
    """One label map, and a count for every pair that overlaps; masks are packed by `numpy.packbits` along columns."""
    labels = np.zeros(shape_yx, dtype=np.uint8)
    pairs = list(combinations(masks, 2))
    shared = dict.fromkeys(pairs, 0)
    areas = dict.fromkeys(masks, 0)
    for band in row_bands(shape_yx):
        parts = {
            class_id: np.unpackbits(mask[band], axis=1, count=shape_yx[1]).view(bool)
            for class_id, mask in masks.items()
        }
        claims = np.zeros(labels[band].shape, dtype=np.uint8)
        for class_id, part in reversed(list(parts.items())):
            labels[band][part] = class_id
            claims += part
            areas[class_id] += int(np.count_nonzero(part))
        contested = claims > 1
        if not contested.any():
            continue
        if overlap is Overlap.IGNORE:
            labels[band][contested] = IGNORE_ID
        for first, second in pairs:
            shared[first, second] += int(np.count_nonzero(parts[first] & parts[second]))
    return labels, [_overlap_count(shared[pair], pair, areas, scheme, overlap) for pair in pairs]


def _overlap_count(
    shared_px: int, pair: tuple[int, int], areas: Mapping[int, int], scheme: LabelScheme, overlap: Overlap
) -> RuleCount:
    """What two masks share, unless that is too much."""
    names = f"{scheme.name_of(pair[0])} and {scheme.name_of(pair[1])}"
    smaller = min(areas[pair[0]], areas[pair[1]])
    if overlap is Overlap.IGNORE and shared_px > _OVERLAP_SHARE * smaller:
        raise LabelMapError(
            f"The masks of {names} share {shared_px:,} pixels, {shared_px / smaller:.0%} of the smaller one.",
            "Choose which class has priority where masks overlap, or export masks without overlap.",
        )
    rule = LabelRule.OVERLAP_TO_IGNORE if overlap is Overlap.IGNORE else LabelRule.OVERLAP_TO_FIRST
    return RuleCount(rule, shared_px, detail=names)
