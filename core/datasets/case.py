"""The values of a dataset folder: its cases, and what belongs to one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field

from core.datasets.image_facts import ImageFacts, facts_of
from core.errors import DatasetError
from core.label_scheme import IGNORE_ID, LabelScheme

_LAST_NUMBER = re.compile(r"\d+(?!.*\d)")


class Split(StrEnum):
    """What an image is for: training, the frozen test set, or neither yet."""

    TRAIN = "train"
    TEST = "test"
    POOL = "pool"


class Layout(StrEnum):
    """How a dataset folder is laid out."""

    CRISTAE = "cristae"
    """images/, labels/, dataset.json."""

    NNUNET = "nnunet"
    """imagesTr/, labelsTr/, imagesTs/, labelsTs/, dataset.json: the raw folder of nnU-Net v2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts(ImageFacts):
    """What a project knew of a case when it was exported; dataset.json keeps it under "cases".

    Parameters
    ----------
    name
        Of the image on screen; may be no file name.
    split
        What the image was for, whether or not it has labels.
    stack, z_index
        Its place in the project.
    predicted_by
        What made its label map, where no person has confirmed it; "" for reference labels.
    """

    name: str = ""
    split: Split = Split.POOL
    stack: str = ""
    z_index: Annotated[int, Field(ge=0)] | None = None
    predicted_by: str = ""

    def to_json(self) -> dict[str, str | int]:
        """Plain values; what is empty is left out."""
        values: dict[str, str | int | None] = {
            "name": self.name,
            "split": self.split.value,
            **facts_of(self),
            "stack": self.stack,
            "z_index": self.z_index,
            "predicted_by": self.predicted_by,
        }
        return {key: value for key, value in values.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class Case:
    """One image of a dataset and what belongs to it.

    Parameters
    ----------
    name
        Unique in the dataset; the stem of the files.
    image_path
        The image.
    label_path
        Its label map, None where there is none.
    pixel_size_nm
        As dataset.json says, else as the image file says, None where neither does.
    split
        What it is for.
    group
        Its stack or specimen: images of a group look alike and belong on one side of a validation split.
    scheme
        The dataset's.
    ignore_value
        What the label file has where nobody has looked: 255, or another value in nnU-Net folders. 255 counts too.
    facts
        What a project knew of it, in a folder that Cristae exported; else None.
    objects_path
        Ids of the objects of its label map, None where there are none.
    """

    name: str
    image_path: Path
    label_path: Path | None
    pixel_size_nm: float | None
    split: Split
    group: str
    scheme: LabelScheme
    ignore_value: int = IGNORE_ID
    facts: CaseFacts | None = None
    objects_path: Path | None = None


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """A dataset folder, read and checked; its images are not opened yet.

    Parameters
    ----------
    path
        The folder.
    layout
        How it is laid out.
    scheme
        Its classes.
    cases
        By name.
    """

    path: Path
    layout: Layout
    scheme: LabelScheme
    cases: tuple[Case, ...]

    def of_split(self, split: Split) -> tuple[Case, ...]:
        """The cases of one split."""
        return tuple(case for case in self.cases if case.split is split)

    def case(self, name: str) -> Case:
        """A case by its name.

        Raises
        ------
        DatasetError
            There is none.
        """
        for case in self.cases:
            if case.name == name:
                return case
        raise DatasetError(f"{self.path.name} has no case {name}.", "Its cases are named as its image files.")


def guessed_groups(names: Iterable[str]) -> dict[str, str]:
    """Group of each name where nobody said: names that differ only in their last number belong together.

    This errs on the safe side: two specimens that are taken for one stack cost a little, but sections of one stack on
    both sides of a validation split make every score too good. Say otherwise with "groups" in dataset.json.

    Examples
    --------
    >>> guessed_groups(["vnc_00", "vnc_01", "rat1_data5", "rat2_data5", "liver"])
    {'vnc_00': 'vnc_#', 'vnc_01': 'vnc_#', 'rat1_data5': 'rat1_data5', 'rat2_data5': 'rat2_data5', 'liver': 'liver'}
    """
    keys = {name: _LAST_NUMBER.sub("#", name) for name in names}
    members = Counter(keys.values())
    return {name: key if members[key] > 1 else name for name, key in keys.items()}
