"""The eight ways in which a file may store rows and columns, as TIFF and EXIF number them."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import NDArray

UPRIGHT: Final = 1

_WORDS: Final = {
    1: "as stored",
    2: "mirrored left to right",
    3: "rotated by 180 degrees",
    4: "mirrored top to bottom",
    5: "transposed",
    6: "rotated by 90 degrees clockwise",
    7: "transposed and rotated by 180 degrees",
    8: "rotated by 90 degrees counterclockwise",
}
"""What has to be done to the stored pixels so that they are upright."""


def known_orientation(tag: Any) -> int:
    """The tag's value, 1 (upright) for one that there is not.

    >>> [known_orientation(tag) for tag in (1, 6, 0, 9, None, "x")]
    [1, 6, 1, 1, 1, 1]
    """
    return int(tag) if isinstance(tag, int) and tag in _WORDS else UPRIGHT


def in_words(orientation: int) -> str:
    """What is done to the stored pixels."""
    return _WORDS[orientation]


def exchanges_axes(orientation: int) -> bool:
    """Whether stored rows are columns of the image."""
    return orientation >= 5


def upright_shape(shape_yx: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Rows and columns of the upright image, from those in the file."""
    return (shape_yx[1], shape_yx[0]) if exchanges_axes(orientation) else shape_yx


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A view of stored pixels, turned upright.

    Parameters
    ----------
    pixels
        Shape (rows, columns) or (rows, columns, samples).
    orientation
        1 to 8. The tag says what the first stored row and column are in the picture: 6, for example, the right side
        and the top.

    Examples
    --------
    >>> import numpy as np
    >>> upright(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    turned = pixels.swapaxes(0, 1) if exchanges_axes(orientation) else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return turned


def orientation_notice(orientation: int, field: str) -> tuple[str, ...]:
    """A sentence about an image that is not stored upright; none about another."""
    if orientation == UPRIGHT:
        return ()
    return (
        f"{field} is {orientation}: the image was {in_words(orientation)}. Fiji ignores this tag: labels drawn in "
        "Fiji may need the same rotation.",
    )
