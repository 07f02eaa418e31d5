"""Label schemes: which class ids a project uses, their names, colours and keys."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from core.errors import LabelMapError

IGNORE_ID: Final = 255
"""Pixels that nobody has reviewed: never trained on, never scored."""

RESERVED_ID: Final = 254
"""Kept free for marks that are not classes."""

MAX_CLASSES: Final = 253
"""Ids 1 to 253; 0 is background, 254 reserved, 255 ignore."""

_COLOR = re.compile(r"#[0-9a-f]{6}")

COLOR_BLIND_SAFE: Final = (
    "#d55e00", "#0072b2", "#009e73", "#f0e442", "#cc79a7", "#56b4e9", "#e69f00", "#999999",
)  # fmt: skip
"""Okabe and Ito, 'Color Universal Design' (2008), ordered so that the default organelles keep their hue families."""

_EXTRA_COLORS: Final = (
    "#42d4f4", "#f58231", "#911eb4", "#bfef45", "#fabed4", "#469990", "#dcbeff", "#9a6324",
    "#4363d8", "#3cb44b", "#fffac8", "#e6194b", "#ffe119", "#f032e6", "#800000", "#aaffc3",
)  # fmt: skip
"""For classes that the default scheme does not know; those unlike its five colours come first."""

_TOO_ALIKE: Final = 110.0
"""Distance in RGB below which two class colours are hard to tell apart over a grey image."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a scheme.

    Parameters
    ----------
    id
        1 to 253, the value in label maps.
    name
        As shown, for example "lipid droplets".
    color
        "#rrggbb", lower case.
    safe_color
        The same class in the colour-blind-safe palette.
    key
        The single key that picks the class, "1" to "9" or "".
    """

    id: int
    name: str
    color: str
    safe_color: str
    key: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.id <= MAX_CLASSES:
            raise LabelMapError(
                f"Class {self.name!r} has id {self.id}.",
                f"Use 1 to {MAX_CLASSES}: 0 is background, 254 is reserved and 255 means ignore.",
            )
        if not self.name.strip():
            raise LabelMapError(f"Class {self.id} has an empty name.", "Give every class a name.")
        for color in (self.color, self.safe_color):
            if not _COLOR.fullmatch(color):
                raise LabelMapError(
                    f"Class {self.name!r} has colour {color!r}.", "Write colours like #ff0000, in lower case."
                )

    def rgb(self, *, safe: bool = False) -> tuple[int, int, int]:
        """The colour as red, green, blue in 0 to 255."""
        color = self.safe_color if safe else self.color
        return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The classes of a project, in the order of their ids. Background (0) is implied.

    Raises
    ------
    LabelMapError
        No class, more than 253, or an id, name or key used twice.
    """

    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise LabelMapError(
                f"The label scheme has {len(self.classes)} classes.", f"Define 1 to {MAX_CLASSES} classes."
            )
        for what, values in (
            ("id", [str(c.id) for c in self.classes]),
            ("name", [c.name.casefold() for c in self.classes]),
            ("key", [c.key for c in self.classes if c.key]),
        ):
            twice = sorted({v for v in values if values.count(v) > 1})
            if twice:
                raise LabelMapError(
                    f"The label scheme uses the {what} {', '.join(twice)} more than once.",
                    f"Give every class its own {what}.",
                )

    @property
    def ids(self) -> tuple[int, ...]:
        """Class ids, without background."""
        return tuple(c.id for c in self.classes)

    def __getitem__(self, class_id: int) -> LabelClass:
        for item in self.classes:
            if item.id == class_id:
                return item
        raise LabelMapError(f"The label scheme has no class {class_id}.", f"Its ids are {self.ids}.")

    def name_of(self, class_id: int) -> str:
        """Name of a class; "background" for 0, "ignore" for 255."""
        special = {0: "background", IGNORE_ID: "ignore"}
        return special.get(class_id) or self[class_id].name

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a JSON file or column."""
        return [
            {"id": c.id, "name": c.name, "color": c.color, "safe_color": c.safe_color, "key": c.key}
            for c in self.classes
        ]

    @classmethod
    def from_json(cls, values: list[dict[str, Any]]) -> LabelScheme:
        """The inverse of `to_json`."""
        return cls(tuple(LabelClass(**v) for v in values))

    @classmethod
    def from_names(cls, names: dict[str, int]) -> LabelScheme:
        """A scheme with colours chosen for the given names, as in a dataset.json's ``labels``.

        ``background`` and ``ignore`` entries are left out. Names of the default scheme keep its colours.

        Parameters
        ----------
        names
            Class name to id.
        """
        known = {c.name.casefold(): c for c in DEFAULT_SCHEME.classes}
        wanted = sorted((i, n) for n, i in names.items() if n.casefold() not in ("background", "ignore"))
        taken = {known[n.casefold()].color for _, n in wanted if n.casefold() in known}
        free = [c for c in _EXTRA_COLORS if all(_distance(c, other) >= _TOO_ALIKE for other in taken)]
        spare = itertools.cycle(free)
        classes = []
        for position, (class_id, name) in enumerate(wanted):
            default = known.get(name.casefold())
            safe = COLOR_BLIND_SAFE[position % len(COLOR_BLIND_SAFE)]
            classes.append(
                LabelClass(
                    id=class_id,
                    name=name,
                    color=default.color if default else next(spare),
                    safe_color=default.safe_color if default else safe,
                    key=str(position + 1) if position < 9 else "",
                )
            )
        return cls(tuple(classes))


def _distance(one: str, other: str) -> float:
    """Euclidean distance of two "#rrggbb" colours in RGB, 0 to 442."""
    return math.dist(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]))


DEFAULT_SCHEME: Final = LabelScheme(
    (
        LabelClass(1, "mitochondria", "#ff0000", COLOR_BLIND_SAFE[0], "1"),
        LabelClass(2, "nucleus", "#0000ff", COLOR_BLIND_SAFE[1], "2"),
        LabelClass(3, "ER", "#00ff00", COLOR_BLIND_SAFE[2], "3"),
        LabelClass(4, "lipid droplets", "#ffff00", COLOR_BLIND_SAFE[3], "4"),
        LabelClass(5, "cell boundaries", "#ff00ff", COLOR_BLIND_SAFE[4], "5"),
    )
)
"""The five organelles of human liver, with the ids and colours of the original work."""
