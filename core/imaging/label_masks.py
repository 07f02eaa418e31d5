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

from core.errors import LabelMapError
from core.imaging.formats.source import Channels, Plane
from core.imaging.label_planes import check_class, full_scale, hide_transparent, listed, read_label_plane
from core.imaging.label_report import LabelImport, LabelRule, RuleCount
from core.imaging.reader import case_stem
from core.label_scheme import LabelScheme

_SOFT_SHARE: Final = 0.02
"""At most this share of the pixels of a mask may lie between background and mask: edges, not a third grey level."""

_OVERLAP_SHARE: Final = 0.1
"""With `Overlap.IGNORE`: two masks may share at most this part of the smaller one."""

_SUFFIX: Final = r"(?:[\W_]*(?:masks?|labels?|seg))?"
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
) -> LabelImport:
    """Read one binary mask per class; what no mask claims is background.

    Background is 0 (black). Mask is what reaches half of the file's highest value, so that masks of 0 and 1, 0 and 255,
    or in any one colour on black all work; the soft edge that some exports make is cut there and counted.

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

    Returns
    -------
    LabelImport
        uint8 of the image's shape, with counts for each file and each overlapping pair.

    Raises
    ------
    LabelMapError
        No mask; an unknown class; unreadable, JPEG, a stack, another size; more than two grey levels; masks that
        overlap much.
    """
    if not paths_by_class_id:
        raise LabelMapError("No mask was given.", "Give one mask file for each class that the image has.")
    counts: list[RuleCount] = []
    remarks: list[str] = []
    masks: dict[int, NDArray[np.bool_]] = {}
    for class_id, path in paths_by_class_id.items():
        check_class(class_id, scheme, f"The mask {path.name}")
        plane, name = read_label_plane(path, shape_yx)
        masks[class_id], applied = _binary(plane, name)
        counts += applied
        if not masks[class_id].any():
            remarks.append(f"{name} is empty: there is no {scheme.name_of(class_id)} in the image.")
        elif masks[class_id].all():
            remarks.append(f"{name} covers the whole image.")
    labels, shared = _merged(masks, scheme, shape_yx, overlap)
    return LabelImport.of(labels, counts + shared, remarks)


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
                f"{found[class_id].name} and {path.name} both look like masks of {scheme.name_of(class_id)}.",
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


def _binary(plane: Plane, name: str) -> tuple[NDArray[np.bool_], list[RuleCount]]:
    """The mask: what reaches half of the highest value."""
    values, counts = _brightness(plane, name)
    if values.dtype == bool:
        return values, counts
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise LabelMapError(f"{name} holds NaN or infinite values.", "Export the mask as 8-bit PNG or TIFF.")
    low, high = values.min(), values.max()
    if low < 0:
        raise LabelMapError(f"{name} holds negative values, down to {low:g}.", "Export the mask with 0 as background.")
    soft = (values != 0) & (values != high)
    between = int(np.count_nonzero(soft))
    if between > _SOFT_SHARE * values.size:
        raise LabelMapError(
            f"{name} is no mask of one class; it holds {listed(values)}.",
            "If each value is a class, import it as a label image and say which value is which class; if it has soft "
            "edges, export it without smoothing.",
        )
    if between:
        counts.append(RuleCount(LabelRule.CUT_AT_HALF, between, name, listed(values[soft])))
    return values >= max(float(high) / 2, np.finfo(np.float32).tiny), counts


def _brightness(plane: Plane, name: str) -> tuple[NDArray[Any], list[RuleCount]]:
    """One value per pixel: of a colour picture the strongest channel, of a transparent pixel 0."""
    pixels, kind = plane.pixels, plane.channels
    if kind is Channels.GREY:
        return pixels, []
    if kind is Channels.PALETTE:
        if plane.palette is None or int(pixels.max(initial=0)) >= len(plane.palette):
            return pixels, []
        strongest: NDArray[Any] = plane.palette.max(axis=1)[pixels]
        return strongest, []
    if kind is Channels.CMYK:
        inverted = full_scale(pixels) - np.minimum(pixels[..., :3].max(axis=2).astype(np.float64) + pixels[..., 3], 255)
        return inverted, []
    color = pixels[..., 0] if kind is Channels.GREY_ALPHA else pixels[..., :3].max(axis=2)
    return (color, []) if kind is Channels.RGB else hide_transparent(color, pixels[..., -1], name)


def _merged(
    masks: Mapping[int, NDArray[np.bool_]], scheme: LabelScheme, shape_yx: tuple[int, int], overlap: Overlap
) -> tuple[NDArray[np.uint8], list[RuleCount]]:
    """One label map, and a count for every pair that overlaps."""
    labels = np.zeros(shape_yx, dtype=np.uint8)
    claims = np.zeros(shape_yx, dtype=np.uint8)
    for class_id, mask in reversed(list(masks.items())):
        labels[mask] = class_id
        claims += mask
    contested = claims > 1
    if not contested.any():
        return labels, []
    if overlap is Overlap.IGNORE:
        labels[contested] = 255
    rule = LabelRule.OVERLAP_TO_IGNORE if overlap is Overlap.IGNORE else LabelRule.OVERLAP_TO_FIRST
    counts = []
    for (first, mask), (second, other) in combinations(masks.items(), 2):
        shared = int(np.count_nonzero(mask & other))
        smaller = min(np.count_nonzero(mask), np.count_nonzero(other))
        pair = f"{scheme.name_of(first)} and {scheme.name_of(second)}"
        if overlap is Overlap.IGNORE and shared > _OVERLAP_SHARE * smaller:
            raise LabelMapError(
                f"The masks of {pair} share {shared:,} pixels, {shared / smaller:.0%} of the smaller one.",
                "Say which class comes first where masks overlap, or export masks that do not.",
            )
        counts.append(RuleCount(rule, shared, detail=pair))
    return labels, counts
