"""What people note about an image beside its pixels: each fact is declared once, here.

What holds an image or speaks of one (`core.store.records.ImageRecord`, the cases of dataset folders and imports, the
parameters of a job that reads a file) inherits `ImageFacts`, so that a fact is a field of all of them and is handed on
from one to the next. Sample sheets, the tables of the Data page, manifests and tables of an export, and copies to
another project follow from the declaration. What remains to be written is its column in the database
(`core.store.tables.ImageRow`, with a migration), and whatever the fact means beyond being shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

FACT_CHARS: Final = 200
"""As wide as the columns; what is longer is cut."""

_DECLARED: Final = "fact"
"""Of the metadata of a field: its `Fact`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is declared of a fact beside its name.

    Parameters
    ----------
    title
        Head of its column on screen.
    heads
        What a column of a sample sheet may be called beside the fact's name, in small letters and digits alone.
    help
        A sentence or two for the head of the column; "" where the title says it all.
    """

    title: str
    heads: tuple[str, ...] = ()
    help: str = ""


def declared(title: str, **more: Any) -> Mapping[str, Fact]:
    """The metadata of a field of `ImageFacts`: its title, and what else `Fact` has."""
    return {_DECLARED: Fact(title=title, **more)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """Texts of at most `FACT_CHARS` characters; "" where nobody noted anything.

    Parameters
    ----------
    specimen
        Which animal or donor the image shows.
    condition
        What was done to the specimen: control, treated.
    """

    specimen: str = field(
        default="",
        metadata=declared(
            "Specimen",
            heads=(
                "specimens", "specimenid", "animal", "animalid", "mouse", "mouseid", "rat", "donor", "donorid",
                "patient", "patientid", "subject", "subjectid", "individual",
            ),
        ),
    )  # fmt: skip
    condition: str = field(
        default="",
        metadata=declared(
            "Condition",
            heads=("conditions", "treatment", "group", "genotype", "arm", "diet"),
            help="Treatment of the specimen, for example control, treated or knockout. The Measure page compares "
            "conditions.",
        ),
    )


FACTS: Final[Mapping[str, Fact]] = {item.name: item.metadata[_DECLARED] for item in fields(ImageFacts)}
"""Name of each fact to its declaration, in the order in which they are shown."""


def facts_of(holder: ImageFacts) -> dict[str, Any]:
    """The facts of an image, or of what holds one, by name; each a text."""
    return {name: getattr(holder, name) for name in FACTS}


def read_facts_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The facts among plain values, by name; each a text, "" for those that are missing."""
    return {name: str(values.get(name) or "") for name in FACTS}


def kept_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts as they are kept: without spaces around them, cut to `FACT_CHARS`.

    Raises
    ------
    TypeError
        One of them is not declared.

    Examples
    --------
    >>> kept_facts({"specimen": " mouse 1 "})
    {'specimen': 'mouse 1'}
    """
    unknown = sorted(set(facts) - set(FACTS))
    if unknown:
        raise TypeError(f"images have no {', '.join(unknown)}; they have {', '.join(FACTS)}")
    return {name: text.strip()[:FACT_CHARS] for name, text in facts.items()}
