"""Whether an image can be brought to a model's scale without inventing detail or losing it."""

from __future__ import annotations

from typing import Final

from core.imaging.lengths import length_text
from core.wording import significant

MOST_ENLARGED: Final = 2.0
"""Enlarged further, three of four pixels that the model sees are interpolated: its fine detail cannot be there."""

MOST_SHRUNK: Final = 0.5
"""Shrunk further, what is a few pixels wide in the image is less than two pixels for the model."""

SEEN_PX: Final = 3
"""Pixels across that a structure needs to be recognised."""


def scale_note(image_nm: float | None, model_nm: float | None) -> str | None:
    """What to say where the image is far from the scale that the model was trained at.

    Parameters
    ----------
    image_nm, model_nm
        Pixel sizes in nm; None where unknown.

    Returns
    -------
    str or None
        A sentence for the person who chooses the size; None where there is nothing to say.

    >>> scale_note(8, 8) is None
    True
    """
    if image_nm is None or model_nm is None:
        return None
    factor = image_nm / model_nm
    trained = f"for this model, which was trained at {length_text(model_nm)} per pixel."
    if factor > MOST_ENLARGED:
        lost = f"Detail finer than about {length_text(2 * image_nm)} is not resolved, so the model cannot find it."
        return f"The image is enlarged {significant(factor, 3)} times {trained} {lost}"
    if factor < MOST_SHRUNK:
        lost = f"Structures smaller than about {length_text(SEEN_PX * model_nm)} are lost."
        return f"The image is shrunk {significant(1 / factor, 3)} times {trained} {lost}"
    return None
