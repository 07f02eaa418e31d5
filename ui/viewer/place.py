"""`Place`: a part of an image that a viewer shall go to and outline."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the image to look at, outlined there.

    Parameters
    ----------
    row, column
        Of its top left pixel.
    height_px, width_px
        Its size, at least 1.
    token
        Flown to when this changes; in between, the user may go elsewhere.
    """

    row: int
    column: int
    height_px: int
    width_px: int
    token: str

    def to_json(self) -> dict[str, Any]:
        """As the browser modules read it."""
        return asdict(self)
