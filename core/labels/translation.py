"""Class ids of one label scheme in those of another: matched by name, the rest as a person says, nothing guessed."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.label_scheme import IGNORE_ID, RESERVED_ID, LabelScheme

BACKGROUND_ID: Final = 0

ClassMap = Mapping[str, str | None]
"""What a person says: name of a source class to name of a target class, None for background."""

_SEPARATORS: Final = re.compile(r"[\W_]+")

_SINGULARS: Final = {
    "mitochondria": "mitochondrion", "nuclei": "nucleus", "nucleoli": "nucleolus", "cristae": "crista",
    "cilia": "cilium", "flagella": "flagellum", "villi": "villus", "microvilli": "microvillus",
    "reticula": "reticulum", "lumina": "lumen", "centrosomata": "centrosome", "bacteria": "bacterium",
}  # fmt: skip
"""Plurals of the field that no rule makes."""


@dataclass(frozen=True, slots=True)
class ClassTranslation:
    """How class ids of a source (a model, a file) become those of a target (a project); make it with `match_classes`.

    Parameters
    ----------
    source, target
        The two schemes.
    ids
        Id in the source to id in the target, 0 for background.
    undecided
        Source classes without a counterpart for which nobody has said what to do: background.
    left_out
        Source classes that become background, those of `undecided` included.
    missing
        Target classes that no source class becomes: never found.
    """

    source: LabelScheme
    target: LabelScheme
    ids: Mapping[int, int]
    undecided: tuple[str, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def identity(self) -> bool:
        """Whether all ids stay as they are."""
        return all(one == other for one, other in self.ids.items())

    @property
    def any_in_common(self) -> bool:
        """Whether any class has a counterpart."""
        return any(self.ids.values())

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """Source and target names of classes that are called differently, upper and lower case apart."""
        pairs = [(item.name, self.target[self.ids[item.id]].name) for item in self.source.classes if self.ids[item.id]]
        return tuple((one, other) for one, other in pairs if one.strip().casefold() != other.strip().casefold())

    def lookup(self) -> NDArray[np.uint8]:
        """Every id to its translation.

        Returns
        -------
        ndarray
            uint8, shape (256,). Background and *ignore* stay. An id of no source class stays where the target does not
            use it, else it becomes 254, which is no class: it is never taken for another class.
        """
        table = np.arange(256, dtype=np.uint8)
        strays = [i for i in self.target.ids if i not in self.ids]
        table[strays] = RESERVED_ID
        for one, other in self.ids.items():
            table[one] = other
        table[[BACKGROUND_ID, IGNORE_ID]] = BACKGROUND_ID, IGNORE_ID
        return table

    def translated(self, labels_yx: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A label map of the source in the ids of the target; the array itself where all ids stay.

        Parameters
        ----------
        labels_yx
            uint8, ids of the source.

        Returns
        -------
        ndarray
            uint8, same shape.
        """
        if self.identity:
            return labels_yx
        result: NDArray[np.uint8] = self.lookup()[labels_yx]
        return result

    def sentences(self, what: str = "The model") -> tuple[str, ...]:
        """What a person should know, one sentence each; none where both know the same classes by the same names.

        Parameters
        ----------
        what
            The source, as the subject of a sentence.
        """
        said = [f"{what}'s class {one} is {other} in the project." for one, other in self.renamed]
        decided = [name for name in self.left_out if name not in self.undecided]
        if decided:
            said.append(f"Ignored (background), as chosen: {', '.join(decided)}.")
        if self.undecided:
            one = len(self.undecided) == 1
            said.append(
                f"The project has no {'class' if one else 'classes'} {', '.join(self.undecided)}: what {_lower(what)} "
                f"finds of {'it' if one else 'them'} is background here."
            )
        if self.missing:
            said.append(f"Missing in {_lower(what)}: {', '.join(self.missing)}.")
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """Plain values to keep with a label map: what was mapped, left out and not known to the source."""
        return {
            "mapped": {
                item.name: self.target[self.ids[item.id]].name for item in self.source.classes if self.ids[item.id]
            },
            "left_out": list(self.left_out),
            "undecided": list(self.undecided),
            "missing": list(self.missing),
        }


def match_classes(
    source: LabelScheme,
    target: LabelScheme,
    class_map: ClassMap | None = None,
    *,
    former: Mapping[str, int] | None = None,
) -> ClassTranslation:
    """Find the counterpart of every class of a source by its name.

    Names are alike whatever their case, spaces, hyphens and underscores, in singular or plural. An exact name comes
    before one that is only alike; where several are only alike, none of them is taken.

    Parameters
    ----------
    source
        Of a model or a file.
    target
        Of a project.
    class_map
        What a person has said of source classes: it comes before all names.
    former
        Earlier names of the target's classes, to their ids; current names come first.

    Raises
    ------
    LabelMapError
        ``class_map`` names a class that the source or the target does not have.

    Examples
    --------
    >>> match = match_classes(LabelScheme.from_names({"Lipid_droplet": 1, "golgi": 2}),
    ...                       LabelScheme.from_names({"lipid droplets": 4, "ER": 5}))
    >>> match.ids, match.undecided, match.missing
    ({1: 4, 2: 0}, ('golgi',), ('ER',))
    """
    said = _checked_map(source, target, class_map or {})
    by_name = _by_name(source, target, {n: i for n, i in (former or {}).items() if i in target.ids})
    ids = {item.id: said.get(item.id, by_name.get(item.id, BACKGROUND_ID)) for item in source.classes}
    return ClassTranslation(
        source=source,
        target=target,
        ids=ids,
        undecided=tuple(item.name for item in source.classes if not ids[item.id] and item.id not in said),
        left_out=tuple(item.name for item in source.classes if not ids[item.id]),
        missing=tuple(item.name for item in target.classes if item.id not in ids.values()),
    )


def own_classes(written: LabelScheme, now: LabelScheme, former: Collection[tuple[int, str]] = ()) -> ClassTranslation:
    """A label map that was written in a project's own ids, read with the classes that the project has now.

    A class keeps its id, whatever it is called. Earlier versions let numbers be changed: a name that has another id
    now, and was not the earlier name of its own, is followed. A class that was removed is background, or what has its
    name.

    Parameters
    ----------
    written
        The project's classes when the label map was written.
    now
        The project's classes.
    former
        Id and name of classes as they were called before.

    Examples
    --------
    >>> before, now = LabelScheme.from_names({"mito": 1, "ER": 2}), LabelScheme.from_names({"mitochondria": 1, "ER": 3})
    >>> own_classes(before, now).ids
    {1: 1, 2: 3, 3: 3}
    """
    known = {*former, *((item.id, item.name) for item in now.classes)}
    exact = {item.name.strip().casefold(): item.id for item in now.classes}
    names = {item.name.strip().casefold() for item in written.classes}
    by_name = _by_name(written, now, {})
    ids = {item.id: item.id for item in now.classes}
    for item in written.classes:
        if item.id in now.ids and (item.id, item.name) in known:
            continue
        renamed = item.id in now.ids and now[item.id].name.strip().casefold() not in names
        elsewhere = exact.get(item.name.strip().casefold())
        ids[item.id] = elsewhere or (item.id if renamed else by_name.get(item.id, BACKGROUND_ID))
    gone = tuple(item.name for item in written.classes if not ids[item.id])
    missing = tuple(item.name for item in now.classes if item.id not in written.ids and item.id not in ids.values())
    return ClassTranslation(written, now, dict(sorted(ids.items())), gone, gone, missing)


def alike_name(name: str) -> str:
    """What names have in common that mean the same class.

    >>> alike_name("Lipid droplets") == alike_name("lipid-droplet") == alike_name("LIPID_DROPLETS")
    True
    >>> alike_name("cell boundaries") == alike_name("Cell boundary"), alike_name("Nuclei") == alike_name("nucleus")
    (True, True)
    >>> alike_name("nucleus") == alike_name("nucleolus")
    False
    """
    words = [word for word in _SEPARATORS.split(unicodedata.normalize("NFKC", name).casefold()) if word]
    if not words:
        return name.strip().casefold()
    return "".join([*words[:-1], _singular(words[-1])])


def _singular(word: str) -> str:
    """The word without a simple plural."""
    if word in _SINGULARS:
        return _SINGULARS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _by_name(source: LabelScheme, target: LabelScheme, former: Mapping[str, int]) -> dict[int, int]:
    """Source id to target id where names are the same, else alike on one class of either side only."""
    exact = {name.strip().casefold(): i for name, i in former.items()}
    exact |= {item.name.strip().casefold(): item.id for item in target.classes}
    ids = {item.id: exact[name] for item in source.classes if (name := item.name.strip().casefold()) in exact}
    rest = [item for item in source.classes if item.id not in ids]
    theirs = Counter(alike_name(item.name) for item in rest)
    taken = set(ids.values())
    for names in (
        [(item.name, item.id) for item in target.classes],
        list(former.items()),
    ):
        free: dict[str, set[int]] = {}
        for name, class_id in names:
            if class_id not in taken:
                free.setdefault(alike_name(name), set()).add(class_id)
        for item in rest:
            alike = free.get(alike_name(item.name), set())
            if item.id not in ids and theirs[alike_name(item.name)] == 1 and len(alike) == 1:
                ids[item.id] = next(iter(alike))
    return ids


def _checked_map(source: LabelScheme, target: LabelScheme, class_map: ClassMap) -> dict[int, int]:
    """Source id to target id, as a person says."""
    ours = {item.name.strip().casefold(): item.id for item in target.classes}
    theirs = {item.name.strip().casefold(): item.id for item in source.classes}
    said = {}
    for name, wanted in class_map.items():
        one = theirs.get(name.strip().casefold())
        if one is None:
            raise LabelMapError(
                f"A match was specified for the class {name!r}, but the classes are {_names(source)}.",
                "Choose one of these classes.",
            )
        other = BACKGROUND_ID if wanted is None else ours.get(wanted.strip().casefold())
        if other is None:
            raise LabelMapError(
                f"The class {name!r} is matched to {wanted!r}, but the project's classes are {_names(target)}.",
                "Choose one of these classes, add the class to the project, or match it to background.",
            )
        said[one] = other
    return said


def _names(scheme: LabelScheme) -> str:
    return ", ".join(item.name for item in scheme.classes)


def _lower(what: str) -> str:
    return what[:1].lower() + what[1:]
