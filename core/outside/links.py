"""Files and folders from outside, looked at without following links.

A link in a folder that somebody names leads to whatever its maker likes: a key of the server, another person's images.
So nothing that comes from outside may hold one: no symbolic link, no junction, no pipe or device. A path that a person
names may itself be a link; what lies below it may not. Hard links are files like any other.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import CristaeError, DatasetError

REMEDY: Final = "Links are not followed: copy the file or folder itself."

_REPARSE_SYMLINK: Final = 0xA000000C
_REPARSE_MOUNT_POINT: Final = 0xA0000003
"""Windows: symbolic links and junctions. Other kinds, as of files that a cloud keeps, lead nowhere else."""


@dataclass(frozen=True, slots=True)
class Entries:
    """What lies in a folder, by name.

    Parameters
    ----------
    files, folders
        Real ones.
    links
        Links, and what is neither file nor folder; not to be read.
    """

    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()


def entries(folder: Path) -> Entries:
    """Look into a folder. Hidden entries count too.

    Raises
    ------
    OSError
        There is no such folder, or it may not be read.
    """
    files: list[Path] = []
    folders: list[Path] = []
    links: list[Path] = []
    for path in sorted(folder.iterdir()):
        mode = _mode(path)
        if mode is None:
            continue  # gone since it was listed
        (files if stat.S_ISREG(mode) else folders if stat.S_ISDIR(mode) else links).append(path)
    return Entries(tuple(files), tuple(folders), tuple(links))


def is_link(path: Path) -> bool:
    """Whether a path itself, not what leads to it, is a link, or neither file nor folder."""
    mode = _mode(path)
    return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file that is there, no link to one."""
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def require_no_link(path: Path, kind: type[CristaeError] = DatasetError) -> None:
    """Refuse a path that is a link.

    Raises
    ------
    CristaeError
        Of the kind asked for.
    """
    if is_link(path):
        raise link_error(path, kind)


def require_no_links_below(folder: Path, kind: type[CristaeError] = DatasetError, *, levels: int = 3) -> None:
    """Refuse a folder that has a link in it or below.

    Parameters
    ----------
    folder
        May itself be a link.
    kind
        Of the error.
    levels
        How deep to look; what lies deeper is not read by who asks.

    Raises
    ------
    CristaeError
        Names the first link.
    """
    try:
        found = entries(folder)
    except OSError as error:
        raise kind(f"{folder} cannot be read ({error.strerror}).", "Check the path and the read permission.") from error
    for path in found.links:
        raise link_error(path, kind)
    if levels > 1:
        for path in found.folders:
            require_no_links_below(path, kind, levels=levels - 1)


def link_error(path: Path, kind: type[CristaeError] = DatasetError) -> CristaeError:
    """The error for a link; it does not say where the link leads."""
    what = "is a link" if path.is_symlink() or os.name == "nt" else "is neither a file nor a folder"
    return kind(f"{path.parent.name}/{path.name} {what}.", REMEDY)


def copy_plain(source: Path, target: Path, kind: type[CristaeError] = DatasetError) -> None:
    """Copy a file's content, not through a link, even one that was put there a moment ago.

    Raises
    ------
    CristaeError
        The source is a link.
    OSError
        It cannot be read, or the target not written.
    """
    require_no_link(source, kind)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(source, flags)
    except OSError as error:
        if is_link(source):
            raise link_error(source, kind) from error
        raise
    with os.fdopen(handle, "rb") as reading, target.open("xb") as writing:
        if not stat.S_ISREG(os.fstat(reading.fileno()).st_mode):
            raise link_error(source, kind)
        shutil.copyfileobj(reading, writing, 1024**2)


def _mode(path: Path) -> int | None:
    """Kind of a path, links not followed; junctions count as links; None where nothing is."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if getattr(status, "st_reparse_tag", 0) in (_REPARSE_SYMLINK, _REPARSE_MOUNT_POINT):
        return stat.S_IFLNK
    return status.st_mode
