"""Options of the commands that read labels: which classes there are, and how files, colours and values name them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from core.cli.console import UsageError, notice
from core.datasets.folder import read_classes
from core.errors import LabelMapError
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.importing import Overlap, match_masks
from core.labels.polarity import Foreground
from core.labels.reading import LabelReading, LabelSource
from core.labels.values import class_id, value_map

Classes = Annotated[
    Path | None, typer.Option(help="dataset.json with the classes, or its folder; default: the five liver classes.")
]
Colors = Annotated[
    list[str] | None,
    typer.Option(
        "--color", help=("With --rgb: colour of a class as NAME=#rrggbb, repeatable; default: the class colours.")
    ),
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--value", help="With --labels: class of a grey value as VALUE=CLASS, for example -1=ignore; repeatable."
    ),
]
Foregrounds = Annotated[
    Foreground | None,
    typer.Option(
        "--foreground",
        help="Whether the object of a mask is light or dark in viewers; default: detected for each file.",
    ),
]
Overlaps = Annotated[
    Overlap,
    typer.Option(help="With --masks: pixels in several masks become ignore (255), or get the first class."),
]

T = TypeVar("T")

_COLOR: Final = re.compile(r"#?([0-9a-fA-F]{6})")


def label_reading(
    source: LabelSource,
    classes: Path | None,
    *,
    overlap: Overlap,
    colors: Iterable[str] | None,
    values: Iterable[str] | None,
    foreground: Foreground | None = None,
) -> LabelReading:
    """How to read labels, from the options.

    Raises
    ------
    LabelMapError
        An option that does not go with the way in which labels are given, or a senseless one.
    DatasetError
        The classes cannot be read.
    """
    scheme = DEFAULT_SCHEME if classes is None else read_classes(classes)
    for option, given, wanted in (
        ("--overlap first", overlap is Overlap.FIRST, LabelSource.MASKS),
        ("--color", bool(colors), LabelSource.RGB),
        ("--value", bool(values), LabelSource.IMAGE),
    ):
        if given and source is not wanted:
            raise UsageError(f"{option} cannot be used with {source}, only with {wanted}.", "Remove the option.")
    if foreground is not None and source is LabelSource.RGB:
        raise UsageError(
            f"--foreground cannot be used with {source}, only with {LabelSource.MASKS}.", ("Remove the option.")
        )
    return LabelReading(
        source,
        scheme,
        overlap,
        {_color(key): class_id(name, scheme) for name, key in _split(colors, "NAME=#rrggbb")} if colors else None,
        value_map(_split(values, "VALUE=CLASS"), scheme) if values else None,
        foreground=foreground,
    )


def chosen_source(labels: T | None, masks: T | None, rgb: T | None, objects: T | None = None) -> tuple[LabelSource, T]:
    """The one of four ways that was asked for, and what was given for it.

    Raises
    ------
    LabelMapError
        None, or several.
    """
    given = {LabelSource.IMAGE: labels, LabelSource.MASKS: masks, LabelSource.RGB: rgb, LabelSource.OBJECTS: objects}
    asked = [(source, value) for source, value in given.items() if value is not None]
    if len(asked) != 1:
        raise UsageError(
            "No labels are specified." if not asked else f"Labels are specified in {len(asked)} ways.",
            "Use one of --labels (class ids), --masks (one file per class), --rgb (one colour per class) and, where "
            "there is one, --objects (ids of objects).",
        )
    return asked[0]


def tell_missing(by_class: Iterable[int], scheme: LabelScheme, image: str = "") -> None:
    """Say which classes have no mask: a forgotten or misspelt one would be background without a word."""
    given = set(by_class)
    missing = [item.name for item in scheme.classes if item.id not in given]
    if missing:
        notice(
            f"{f'{image}: ' if image else ''}No mask for {', '.join(missing)}: the label map will not contain "
            "these classes."
        )


def masks_by_class(texts: Iterable[str], scheme: LabelScheme) -> Mapping[int, Path]:
    """Class id to mask: first those given as CLASS=FILE, in their order, then those that files' names give.

    Patterns such as ``vnc_12_*.png`` are spelt out here where the shell did not. Files that fit no class are reported
    and left out.

    Raises
    ------
    LabelMapError
        A class twice; a name that is no class; no file that fits a class.
    """
    found: dict[int, Path] = {}
    unnamed: list[Path] = []
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or Path(text).exists():
            unnamed += _spelt_out(Path(text))
            continue
        _add(found, class_id(name, scheme), Path(file), scheme)
    matched, rest = match_masks(unnamed, scheme)
    for number, path in matched.items():
        _add(found, number, path, scheme)
    if not found:
        raise LabelMapError(
            f"No class matches the file names {', '.join(path.name for path in rest) or '(none)'}.",
            f"Give CLASS=FILE; the classes are {', '.join(item.name for item in scheme.classes)}.",
        )
    for path in rest:
        notice(
            f"{path.name} is skipped: its name does not end with a class. Its pixels become background; if it is a "
            "mask, pass it as CLASS=FILE."
        )
    return found


def _add(found: dict[int, Path], number: int, path: Path, scheme: LabelScheme) -> None:
    if number in found:
        raise LabelMapError(
            f"{found[number].name} and {path.name} are both given as masks of {scheme.name_of(number)}.",
            "Choose one of them.",
        )
    found[number] = path


def _spelt_out(path: Path) -> list[Path]:
    """The files of a pattern; a plain path as it is."""
    if path.exists() or not any(sign in path.name for sign in "*?["):
        return [path]
    files = sorted(path.parent.glob(path.name))
    if not files:
        raise LabelMapError(f"No files match {path}.", "Check the path.")
    return files


def _split(texts: Iterable[str] | None, form: str) -> list[tuple[str, str]]:
    """Both sides of each "a=b"."""
    pairs = []
    for text in texts or ():
        left, equals, right = text.rpartition("=")
        if not (left and equals and right):
            raise UsageError(f"{text!r} does not have the form {form}.", f"Write {form}.")
        pairs.append((left, right))
    return pairs


def _color(text: str) -> tuple[int, int, int]:
    found = _COLOR.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is not a colour.", "Write colours like #ff0000 (in quotes, for most shells).")
    red, green, blue = bytes.fromhex(found[1])
    return red, green, blue
