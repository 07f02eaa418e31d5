"""What it costs a person to bring a region's labels to the reference: seconds, and the labels that come out.

Wrong pieces are mended one by one: noticed, pointed at, and clicked (a whole wrong object), brushed or outlined,
whichever is quickest. Slivers that nobody would notice stay as they were, so that the labels are as imperfect as a
person's. The reference in empty labels gives the price of annotating by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MENTAL_S: Final = 1.35
"""To notice one wrong piece and decide: operator M of the keystroke-level model (Card, Moran, Newell 1980)."""

POINT_S: Final = 1.1
"""To move the pointer there: operator P, same source."""

CLICK_S: Final = 0.2
"""Press and release: operator B twice, same source."""

KEY_S: Final = 0.28
"""One key, for another class or tool: operator K of an average typist, same source."""

STEER_S: Final = 0.08
"""Seconds per unit of length over width along a path: form by the steering law (Accot, Zhai 1997); value assumed."""

TOLERANCE_PX: Final = 4.0
"""How far off an outline may be, both sides together, in image pixels: assumed."""

FASTEST_PX_S: Final = 400.0
"""Image pixels a brush travels in a second at most: assumed, half a screen at twice the size."""

BRUSH_PX: Final = (3.0, 60.0)
"""Thinnest and thickest brush: assumed."""

NOTICED_PX: Final = 2.0
"""Pieces whose inmost pixel is nearer to their edge than this (thinner than 3 pixels) go unnoticed: assumed."""

WHOLE: Final = 0.8
"""Share of a predicted object that has to be of one other class for a click to mend it: assumed."""

LOOK_S: Final = 4.0
"""To look through a window of `LOOK_PX`: assumed, a dozen fixations."""

LOOK_PX: Final = 256

TRAVEL_S: Final = 2.0
"""From one place to the next, key, tiles and orientation included: assumed."""

OPEN_S: Final = 5.0
"""To open another image: assumed."""

CONFIRM_S: Final = MENTAL_S + KEY_S
"""To say that a region is right: operators M and K."""

CLEAR_S: Final = 2 * MENTAL_S + 2 * POINT_S + CLICK_S + KEY_S
"""To give up a bad prediction and draw a rectangle of background over it: operators M, K, P, B, P, M."""


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """A region after a person's work.

    Parameters
    ----------
    labels_yx
        uint8, class ids.
    seconds
        Looking, mending and confirming; without the way there.
    clicks, strokes
        Objects mended whole, and pieces brushed or outlined.
    anew
        The prediction was so bad that it was cleared and everything painted.
    """

    labels_yx: Labels
    seconds: float
    clicks: int
    strokes: int
    anew: bool = False


def correct(labels_yx: Labels, reference_yx: Labels) -> Mended:
    """Mend what is wrong, or clear everything and paint it: whichever is quicker.

    Parameters
    ----------
    labels_yx, reference_yx
        As `mend` takes them.
    """
    mended = mend(labels_yx, reference_yx)
    anew = mend(np.zeros_like(labels_yx), reference_yx)
    if anew.seconds + CLEAR_S < mended.seconds:
        return replace(anew, seconds=anew.seconds + CLEAR_S, anew=True)
    return mended


def mend(labels_yx: Labels, reference_yx: Labels) -> Mended:
    """Correct labels towards the reference, wrong piece by wrong piece.

    Parameters
    ----------
    labels_yx, reference_yx
        uint8, class ids, the same shape; inputs are not changed.

    Returns
    -------
    Mended
        Where nothing is wrong: looking and confirming alone.
    """
    labels = labels_yx.copy()
    seconds = LOOK_S * labels.size / LOOK_PX**2 + CONFIRM_S
    in_hand: int | None = None
    clicks = strokes = 0
    for piece, class_id in _wrong_objects(labels_yx, reference_yx):
        labels[piece] = class_id
        seconds += MENTAL_S + POINT_S + CLICK_S + (KEY_S if class_id != in_hand else 0)
        in_hand, clicks = class_id, clicks + 1
    for class_id in np.unique(reference_yx).tolist():
        for box, piece in _pieces((labels != reference_yx) & (reference_yx == class_id)):
            depth = _depth_of(piece)
            if depth.max() < NOTICED_PX:
                continue
            labels[box][piece] = class_id
            seconds += MENTAL_S + POINT_S + CLICK_S + (KEY_S if class_id != in_hand else 0)
            seconds += min(brush_s(depth), outline_s(piece))
            in_hand, strokes = class_id, strokes + 1
    return Mended(labels, seconds, clicks, strokes)


def by_hand_s(reference_yx: Labels, window: int = LOOK_PX) -> float:
    """Seconds to annotate all of an image by hand, window by window."""
    total = OPEN_S
    for top in range(0, reference_yx.shape[0], window):
        for left in range(0, reference_yx.shape[1], window):
            part = reference_yx[top : top + window, left : left + window]
            total += TRAVEL_S + mend(np.zeros_like(part), part).seconds
    return total


def brush_s(depth_yx: NDArray[np.float32]) -> float:
    """Seconds to brush a piece: its area, by the brush's width and speed.

    Parameters
    ----------
    depth_yx
        Distance of each pixel of the piece to its edge, in pixels; 0 outside.
    """
    inside = depth_yx[depth_yx > 0]
    width = float(np.clip(4 * inside.mean(), *BRUSH_PX))  # of a strip, depth is a quarter of the width in the mean
    speed = min(width / STEER_S, FASTEST_PX_S)
    return float(inside.size / (width * speed))


def outline_s(piece_yx: Mask) -> float:
    """Seconds to draw around a piece; what is inside fills itself."""
    edge = piece_yx & ~binary_erosion(piece_yx)
    return float(edge.sum() * STEER_S / TOLERANCE_PX)


def _wrong_objects(labels_yx: Labels, reference_yx: Labels) -> Iterator[tuple[Mask, int]]:
    """Predicted objects that are something else as good as whole, with what they are."""
    for class_id in np.unique(labels_yx[labels_yx != 0]).tolist():
        numbers = cc3d.connected_components(labels_yx == class_id, connectivity=8)
        for number in range(1, int(numbers.max()) + 1):
            piece = numbers == number
            counts = np.bincount(reference_yx[piece])
            truth = int(counts.argmax())
            if truth != class_id and counts[truth] >= WHOLE * counts.sum() and _depth_of(piece).max() >= NOTICED_PX:
                yield piece, truth


def _pieces(wrong_yx: Mask) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Connected pieces: where they are, and their pixels there."""
    numbers = cc3d.connected_components(wrong_yx, connectivity=8)
    boxes = cc3d.statistics(numbers)["bounding_boxes"]
    for number in range(1, int(numbers.max()) + 1):
        rows, columns = boxes[number][:2]
        yield (rows, columns), numbers[rows, columns] == number


def _depth_of(piece_yx: Mask) -> NDArray[np.float32]:
    """Distance to the edge; the border of the array is one too."""
    padded: NDArray[np.float32] = distance_transform_edt(np.pad(piece_yx, 1))[1:-1, 1:-1].astype(np.float32)
    return padded
