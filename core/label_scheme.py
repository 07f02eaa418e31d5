"""Label schemes: which class ids a project uses, their names, colours and keys."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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

_DICHROMATS: Final = (
    np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
)
"""RGB as people see it who lack red or green: Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113."""


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
        number: object = self.id  # of a file from outside, whose types nobody has checked
        texts: tuple[object, ...] = (self.name, self.color, self.safe_color, self.key)
        if not isinstance(number, int | np.integer) or not all(isinstance(text, str) for text in texts):
            raise LabelMapError(
                f"A class has the id {str(self.id)[:50]!r} and the name {str(self.name)[:50]!r}.",
                "Ids are integers; names and colours are text.",
            )
        if not 1 <= self.id <= MAX_CLASSES:
            raise LabelMapError(
                f"Class {self.name!r} has id {self.id}.",
                f"Use 1 to {MAX_CLASSES}: 0 is background, 254 is reserved and 255 means ignore.",
            )
        if not self.name.strip():
            raise LabelMapError(f"Class {self.id} has an empty name.", "Enter a name for every class.")
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

    def with_classes(self, names: Iterable[str], retired: Collection[int] = ()) -> LabelScheme:
        """This scheme with more classes: each gets the next free number and key, and a colour that no other class has.

        Parameters
        ----------
        names
            Of the new classes. Those that are here already, upper and lower case alike, are not added again.
        retired
            Numbers that are not to be used.

        Raises
        ------
        LabelMapError
            A name is empty, or there are more than 253 classes.
        """
        classes = list(self.classes)
        for name in names:
            if name.strip().casefold() in {c.name.casefold() for c in classes}:
                continue
            numbers = (i for i in range(1, MAX_CLASSES + 1) if i not in retired and all(c.id != i for c in classes))
            number = next(numbers, None)
            if number is None:
                raise LabelMapError(
                    f"The class {name!r} cannot be added: all {MAX_CLASSES} numbers are used.", "Remove a class first."
                )
            given = [(c.color, c.safe_color) for c in classes]
            colors = colors_of([*("" for _ in given), name.strip()], [*given, (None, None)])
            keys = (key for key in "123456789" if all(c.key != key for c in classes))
            classes.append(
                LabelClass(
                    id=number,
                    name=name.strip(),
                    color=colors[-1][0],
                    safe_color=colors[-1][1],
                    key=next(keys, ""),
                )
            )
        return LabelScheme(tuple(sorted(classes, key=lambda c: c.id)))

    def shown_as(self, now: LabelScheme) -> LabelScheme:
        """The same ids with the names, colours and keys that a project gives them now; removed classes as they were.

        Parameters
        ----------
        now
            The project's classes. A class keeps its id for good.
        """
        own = {c.id: c for c in now.classes}
        names = {own[c.id].name.casefold() for c in self.classes if c.id in own}
        classes = []
        for item in self.classes:
            if item.id in own:
                classes.append(own[item.id])
                continue
            name = f"{item.name} (removed)" if item.name.casefold() in names else item.name
            classes.append(replace(item, name=name, key=""))
        return LabelScheme(tuple(classes))

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a JSON file or column."""
        return [
            {"id": c.id, "name": c.name, "color": c.color, "safe_color": c.safe_color, "key": c.key}
            for c in self.classes
        ]

    @classmethod
    def from_json(cls, values: list[dict[str, Any]]) -> LabelScheme:
        """The inverse of `to_json`.

        Raises
        ------
        LabelMapError
            The values are no classes.
        """
        try:
            return cls(tuple(LabelClass(**v) for v in values))
        except TypeError as error:
            raise LabelMapError(f"The classes are invalid ({error}).", "Correct or export them again.") from error

    @classmethod
    def from_names(cls, names: dict[str, int]) -> LabelScheme:
        """A scheme with colours chosen for the given names, as in a dataset.json's ``labels``.

        ``background`` and ``ignore`` entries are left out. Names of the default scheme keep its colours.

        Parameters
        ----------
        names
            Class name to id.
        """
        wanted = sorted((i, n) for n, i in names.items() if n.casefold() not in ("background", "ignore"))
        colors = colors_of([name for _, name in wanted])
        classes = (
            LabelClass(class_id, name, color, safe_color, str(position + 1) if position < 9 else "")
            for position, ((class_id, name), (color, safe_color)) in enumerate(zip(wanted, colors, strict=True))
        )
        return cls(tuple(classes))


def next_color(taken: Iterable[str], *, safe: bool = False) -> str:
    """A colour for one more class: the only rule by which classes get colours that nobody chose.

    Parameters
    ----------
    taken
        Colours of the other classes, "#rrggbb".
    safe
        For the colour-blind-safe palette: it also has to differ in the eyes of people who see no red or no green.

    Returns
    -------
    str
        "#rrggbb", never one of ``taken``. The first of the palette that is unlike them all; where the palette is used
        up, the colour that is least like any of them.

    >>> next_color(["#42d4f4"]), next_color(["#d55e00"], safe=True)
    ('#f58231', '#0072b2')
    """
    used = list(dict.fromkeys(color.lower() for color in taken))
    free = [color for color in (COLOR_BLIND_SAFE if safe else _EXTRA_COLORS) if color not in used]
    least = 1.0 if safe else _TOO_ALIKE
    for color, distance in zip(free, _nearest(free, used, safe=False), strict=True):
        if distance >= least:
            return color
    grid = [color for color in _grid() if color not in used]
    return grid[int(np.argmax(_nearest(grid, used, safe=safe)))]


def colors_of(
    names: Iterable[str], given: Iterable[tuple[str | None, str | None]] | None = None
) -> tuple[tuple[str, str], ...]:
    """Colour and colour-blind-safe colour of classes that stand beside each other; no two alike unless given so.

    Parameters
    ----------
    names
        Names of the default scheme get its colours where these are free.
    given
        Colours that are known already, None for those to choose; all are to choose where it is left out.

    Examples
    --------
    >>> colors_of(["ER", "axon"])
    (('#00ff00', '#009e73'), ('#42d4f4', '#d55e00'))
    """
    wanted = list(names)
    known = {item.name.casefold(): (item.color, item.safe_color) for item in DEFAULT_SCHEME.classes}
    rows: list[list[str]] = [[color or "" for color in pair] for pair in given or [(None, None)] * len(wanted)]
    for place in (0, 1):
        taken = {row[place] for row in rows if row[place]}
        for row, name in zip(rows, wanted, strict=True):
            usual = known.get(name.casefold(), ("", ""))[place]
            if not row[place] and usual and usual not in taken:
                row[place] = usual
                taken.add(usual)
        for row in rows:
            if not row[place]:
                row[place] = next_color([other[place] for other in rows if other[place]], safe=place == 1)
    return tuple((color, safe_color) for color, safe_color in rows)


def distinct_colors(scheme: LabelScheme) -> LabelScheme:
    """The scheme with another colour for each class whose colour an earlier class has already; else the same."""
    first: tuple[set[str], set[str]] = (set(), set())
    given: list[tuple[str | None, str | None]] = []
    for item in scheme.classes:
        pair = (item.color, item.safe_color)
        given.append((None if pair[0] in first[0] else pair[0], None if pair[1] in first[1] else pair[1]))
        first[0].add(pair[0])
        first[1].add(pair[1])
    if all(color and safe_color for color, safe_color in given):
        return scheme
    colors = colors_of(["" for _ in given], given)
    return LabelScheme(
        tuple(
            replace(item, color=color, safe_color=safe_color)
            for item, (color, safe_color) in zip(scheme.classes, colors, strict=True)
        )
    )


def _nearest(colors: Sequence[str], used: Sequence[str], *, safe: bool) -> NDArray[np.float64]:
    """RGB distance, 0 to 442, of each colour to the nearest used one; if ``safe`` the least of three kinds of eyes."""
    nearest = np.full(len(colors), np.inf)
    if not used:
        return nearest
    for eye in (np.eye(3), *_DICHROMATS) if safe else (np.eye(3),):
        ours, theirs = _rgb(colors) @ eye.T, _rgb(used) @ eye.T
        squares = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)[None] - 2 * ours @ theirs.T
        nearest = np.minimum(nearest, np.sqrt(np.maximum(squares, 0).min(axis=1)))
    return nearest


def _rgb(colors: Sequence[str]) -> NDArray[np.float64]:
    return np.array([list(bytes.fromhex(color[1:])) for color in colors], dtype=np.float64).reshape(-1, 3)


@lru_cache(maxsize=1)
def _grid() -> tuple[str, ...]:
    """Candidates beyond the palettes: 8 values of red, green and blue, without those too dark to see over an image."""
    values = [round(255 * step / 7) for step in range(8)]
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r in values for g in values for b in values if max(r, g, b) > 140)


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
