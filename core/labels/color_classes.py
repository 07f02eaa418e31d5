"""A class for a colour that somebody painted with."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.errors import LabelMapError
from core.label_scheme import COLOR_BLIND_SAFE, LabelClass, LabelScheme
from core.labels.found_colors import Color

_NAMES: Final[dict[str, Color]] = {
    "red": (230, 25, 25), "orange": (255, 140, 0), "yellow": (250, 230, 20), "green": (30, 160, 40),
    "light green": (140, 230, 120), "cyan": (0, 230, 230), "blue": (30, 60, 230), "light blue": (120, 180, 250),
    "purple": (130, 40, 180), "magenta": (240, 30, 240), "pink": (250, 160, 190), "brown": (140, 80, 40),
    "white": (255, 255, 255), "grey": (128, 128, 128), "black": (0, 0, 0),
}  # fmt: skip
"""What people call colours."""

_HIGHEST_ID: Final = 253


def with_class_of(scheme: LabelScheme, color: Color) -> tuple[LabelScheme, LabelClass]:
    """A scheme with one more class, named after its colour.

    Parameters
    ----------
    scheme
        The classes before.
    color
        Red, green, blue, 0 to 255; a colour that a class has already is changed a little.

    Raises
    ------
    LabelMapError
        There is no room for another class.

    Examples
    --------
    >>> scheme, added = with_class_of(LabelScheme.from_names({"red": 1}), (250, 10, 10))
    >>> added.id, added.name, added.color
    (2, 'red 2', '#fa0a0a')
    """
    free = next((number for number in range(1, _HIGHEST_ID + 1) if number not in scheme.ids), None)
    if free is None:
        raise LabelMapError("The project already has the maximum of 253 classes.", "Use an existing class.")
    word = min(_NAMES, key=lambda name: float(np.linalg.norm(np.subtract(_NAMES[name], color))))
    taken = {item.name.casefold() for item in scheme.classes}
    names = (word if number == 1 else f"{word} {number}" for number in range(1, _HIGHEST_ID + 2))
    safe = [item.safe_color for item in scheme.classes]
    added = LabelClass(
        id=free,
        name=next(name for name in names if name.casefold() not in taken),
        color=_unlike(color, {item.color for item in scheme.classes}),
        safe_color=next(
            (item for item in COLOR_BLIND_SAFE if item not in safe), COLOR_BLIND_SAFE[free % len(COLOR_BLIND_SAFE)]
        ),
    )
    return LabelScheme(tuple(sorted((*scheme.classes, added), key=lambda item: item.id))), added


def _unlike(color: Color, taken: set[str]) -> str:
    """As #rrggbb; another shade where a class has this one."""
    for step in range(256):
        code = "#{:02x}{:02x}{:02x}".format(*((part + step) % 256 if i == 2 else part for i, part in enumerate(color)))
        if code not in taken:
            return code
    return "#{:02x}{:02x}{:02x}".format(*color)
