"""How the labels of an image are given, whichever of the three ways it is; and which files belong to which image."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.errors import DatasetError, LabelMapError, UnclearObjectsError
from core.imaging.placement import Placement
from core.imaging.reader import SUFFIXES, case_stem
from core.label_scheme import LabelScheme
from core.labels.colors import read_rgb_labels
from core.labels.found_colors import Color
from core.labels.importing import STRAY_SHARE, read_label_image
from core.labels.masks import Overlap, match_masks, read_masks
from core.labels.object_files import fitted_objects, read_ids
from core.labels.polarity import Foreground
from core.labels.report import LabelImport
from core.wording import some_of

_OBJECTS_END = re.compile(r"[\W_](?:objects?|instances?|object[\W_]ids)$", re.IGNORECASE)
"""What the name of a file ends with that holds ids beside a label map."""

_TAIL = re.compile(r"[\W_]+[^\W\d_]")
"""What may follow an image's name in the name of its labels: a letter after the punctuation. A number would be another
image's."""


class LabelSource(StrEnum):
    """How labels are given."""

    IMAGE = "label image"
    """One file of class ids."""

    MASKS = "masks"
    """One black and white file per class."""

    RGB = "labels by colour"
    """One file with a colour per class."""

    OBJECTS = "object ids"
    """One file per class whose values are ids of objects."""


@dataclass(frozen=True, slots=True)
class LabelReading:
    """How to read labels.

    Parameters
    ----------
    source
        Which way they are given.
    scheme
        The classes.
    overlap
        For masks: what becomes of pixels that several claim.
    colors
        For labels by colour: red, green, blue to class id; None: the scheme's.
    values
        For label images: value in the file to class id; None: values are ids.
    stray_share
        With ``values``: at most this share of the pixels may have others (soft edges).
    foreground
        For masks and files of 1 bit: whether the object is light or dark; None: as each file suggests.
    foregrounds
        The same for single files, where they differ.
    only_in_doubt
        Whether ``foreground`` counts only for masks that leave it open.
    """

    source: LabelSource
    scheme: LabelScheme
    overlap: Overlap = Overlap.IGNORE
    colors: Mapping[Color, int] | None = None
    values: Mapping[int, int] | None = None
    stray_share: float = STRAY_SHARE
    foreground: Foreground | None = None
    foregrounds: Mapping[Path, Foreground] | None = None
    only_in_doubt: bool = False

    def read(self, paths: Sequence[Path], shape_yx: tuple[int, int], placement: Placement | None = None) -> LabelImport:
        """The label map of an image from its files.

        Parameters
        ----------
        paths
            At least one; more than one only for masks, which find their class by name.
        shape_yx
            Of the image.
        placement
            Where the image's header places it.

        Raises
        ------
        LabelMapError
            As for `read_label_image`, `read_masks` and `read_rgb_labels`; several files where one is expected; a mask
            that fits no class.
        """
        if self.source in (LabelSource.MASKS, LabelSource.OBJECTS):
            return self.read_by_class(self._by_class(paths), shape_yx, placement)
        beside = objects_beside(paths) if len(paths) == 2 else ()
        if self.source is LabelSource.IMAGE and len(beside) == 1:
            labels = self.read([path for path in paths if path not in beside], shape_yx, placement)
            return with_objects(labels, beside[0], self.scheme, placement)
        if len(paths) != 1:
            raise LabelMapError(
                f"{len(paths)} files match the labels of one image: {', '.join(p.name for p in paths)}.",
                "Keep one of them.",
            )
        if self.source is LabelSource.RGB:
            return read_rgb_labels(paths[0], self.scheme, shape_yx, colors=self.colors, placement=placement)
        return read_label_image(
            paths[0],
            self.scheme,
            shape_yx,
            value_map=self.values,
            stray_share=self.stray_share,
            foreground=(self.foregrounds or {}).get(paths[0], self.foreground),
            placement=placement,
        )

    def _by_class(self, paths: Sequence[Path]) -> Mapping[int, Path]:
        """The class of each file by its name; ids of a scheme with one class are of that."""
        found, unmatched = match_masks(paths, self.scheme)
        if not unmatched:
            return found
        if self.source is LabelSource.MASKS:
            raise unmatched_masks(unmatched, self.scheme)
        if len(self.scheme.classes) > 1 or len(paths) > 1:
            raise unclear_objects(unmatched, self.scheme)
        return {self.scheme.classes[0].id: unmatched[0]}

    def read_by_class(
        self, masks: Mapping[int, Path], shape_yx: tuple[int, int], placement: Placement | None = None
    ) -> LabelImport:
        """The label map of an image from masks whose classes are known, class id to file.

        Raises
        ------
        LabelMapError
            As for `read_masks`.
        """
        return read_masks(
            masks,
            self.scheme,
            shape_yx,
            overlap=self.overlap,
            foreground=self.foreground,
            foregrounds=self.foregrounds,
            only_in_doubt=self.only_in_doubt,
            placement=placement,
            are_ids=self.source is LabelSource.OBJECTS,
        )


@dataclass(frozen=True, slots=True)
class Pairing:
    """Images and the files that belong to each by name.

    Parameters
    ----------
    files
        Image to its files, in the order of the images; empty where there are none.
    strays
        Files that belong to no image.
    """

    files: Mapping[Path, tuple[Path, ...]]
    strays: tuple[Path, ...]


def pair_by_name(images: Iterable[Path], files: Iterable[Path]) -> Pairing:
    """Give each label file to the image whose name it bears, alone or followed by words.

    "vnc_1.png", "vnc_1_labels.tif" and "vnc_1_mitochondria.png" belong to "vnc_1.tif"; "vnc_12.png" and "vnc_1_2.png"
    do not. Case does not count; the longest name that fits wins.

    Parameters
    ----------
    images, files
        Paths; only names count.
    """
    names = {image: _key(image) for image in images}
    longest_first = sorted(names, key=lambda image: -len(names[image]))
    found: dict[Path, list[Path]] = {image: [] for image in names}
    strays: list[Path] = []
    for file in files:
        name = _key(file)
        owner = next((image for image in longest_first if _belongs(name, names[image])), None)
        (strays if owner is None else found[owner]).append(file)
    return Pairing({image: tuple(paths) for image, paths in found.items()}, tuple(strays))


def image_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder whose names end as images do, sorted; hidden ones and folders left out.

    Raises
    ------
    DatasetError
        There is no such folder, or it has none.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}.", "Check the path.")
    found = tuple(
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".") and path.name.lower().endswith(SUFFIXES)
    )
    if not found:
        raise DatasetError(f"{folder} contains no images.", f"Supported file extensions: {', '.join(SUFFIXES)}.")
    return found


def objects_beside(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files whose names say that they hold the ids of objects of a label map: "a_objects.tif", "a_instances.tif".

    >>> [path.name for path in objects_beside([Path("a_labels.png"), Path("a_objects.tif"), Path("objects.tif")])]
    ['a_objects.tif']
    """
    return tuple(path for path in paths if _OBJECTS_END.search(case_stem(path)))


def with_objects(
    labels: LabelImport, path: Path, scheme: LabelScheme, placement: Placement | None = None
) -> LabelImport:
    """A label map with the ids of its objects from a file, 0 where there is no object; what does not fit is counted.

    Raises
    ------
    LabelMapError
        As for `read_ids`.
    """
    rows, columns = labels.labels_yx.shape
    read = read_ids(path, (rows, columns), placement)
    objects, counts, remarks = fitted_objects(labels.labels_yx, read.ids_yx, scheme, path.name)
    with_ids = LabelImport(labels.labels_yx, labels.report, objects)
    return with_ids.with_remarks([*read.counts, *counts], [*read.remarks, *remarks])


def unclear_objects(paths: Sequence[Path], scheme: LabelScheme) -> LabelMapError:
    """The error for ids of objects of which nobody says the class."""
    return UnclearObjectsError(
        f"The class of the objects in {some_of(path.name for path in paths)} is not known.",
        f"The classes are {', '.join(c.name for c in scheme.classes)}. Choose one, or let the file's name end with it.",
    )


def unmatched_masks(paths: Sequence[Path], scheme: LabelScheme) -> LabelMapError:
    """The error for masks whose name ends with no class."""
    return LabelMapError(
        f"No class matches the file names {some_of(path.name for path in paths)}.",
        f"The classes are {', '.join(c.name for c in scheme.classes)}. Rename the file so that it ends with a "
        "class, or remove it from the folder.",
    )


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", case_stem(path)).casefold()


def _belongs(name: str, image: str) -> bool:
    tail = name[len(image) :]
    return name.startswith(image) and (not tail or _TAIL.match(tail) is not None)
