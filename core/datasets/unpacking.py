"""The zip of a dataset folder, as *Take away* makes it, unpacked to be imported again."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

from core.datasets.folder import DESCRIPTION_FILE
from core.errors import DatasetError, ModelError
from core.files import require_free_space
from core.imaging.names import is_file_stem
from core.imaging.reader import SUFFIXES, case_stem
from core.outside.archive import extract, member_parts, opened_zip

_FOLDERS: Final = ("images", "labels")

_MOST_DESCRIPTION_BYTES: Final = 64 * 1024**2
"""Of dataset.json: some thousand characters for each of 20,000 images."""


def unpack_dataset(path: Path, folder: Path, *, name: str, min_free_bytes: int) -> int:
    """Write images/, labels/ and dataset.json of a zip into a folder; everything else in it is left alone.

    Parameters
    ----------
    path
        The zip.
    folder
        Where; it exists. Files of the same names are replaced.
    name
        What to call the zip in messages.
    min_free_bytes
        What shall stay free on the disk.

    Returns
    -------
    int
        How many images it holds.

    Raises
    ------
    DatasetError
        It is damaged, holds what leads out of its folder, or is no dataset folder of ours.
    StorageFullError
        The disk would become full.
    """
    try:
        with opened_zip(path) as archive:
            members = _members(archive, name)
            coming = sum(archive.getinfo(member).file_size for member in members)
            require_free_space(folder, coming, keep_bytes=min_free_bytes)
            for member, target in members.items():
                extract(archive, member, folder.joinpath(*target))
    except ModelError as error:
        raise DatasetError(
            error.cause.replace(path.name, name), "Export the dataset folder again, or unzip it and drop its files."
        ) from error
    return sum(target[0] == "images" for target in members.values())


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, tuple[str, ...]]:
    """Member to its place in the folder; the zip may have everything in one folder of its own."""
    found: dict[str, tuple[str, ...]] = {}
    for info in archive.infolist():
        parts = member_parts(info.filename)
        own = parts[-1:] if parts[-1:] == (DESCRIPTION_FILE,) and len(parts) <= 2 else parts[-2:]
        if info.is_dir() or len(parts) - len(own) > 1 or not _wanted(own, info.file_size):
            continue
        found[info.filename] = own
    targets = list(found.values())
    if (DESCRIPTION_FILE,) not in targets or not any(target[0] == "images" for target in targets):
        raise DatasetError(
            f"{name} is not a zip of a dataset folder: it contains no dataset.json next to images/.",
            "Export a project as Dataset folder. For other zips, unzip them and drop the images.",
        )
    if len({"/".join(target).casefold() for target in targets}) < len(targets):
        raise DatasetError(f"{name} contains several files with the same name.", "Export the dataset folder again.")
    return found


def _wanted(own: tuple[str, ...], size: int) -> bool:
    if own == (DESCRIPTION_FILE,):
        return size <= _MOST_DESCRIPTION_BYTES
    if len(own) != 2 or own[0] not in _FOLDERS:
        return False
    return own[1].lower().endswith(SUFFIXES) and is_file_stem(case_stem(Path(own[1])))
