"""Reading zip files from outside: only wanted members, checked names, bounded sizes."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import ModelError
from core.files import explained_os_errors

MAX_MEMBERS: Final = 20_000
"""An export of nnU-Net with all its validation predictions has some thousands."""

MAX_MEMBER_BYTES: Final = 8 * 1024**3
"""Largest single file; the largest of nnU-Net's checkpoints has about 1.5 GB."""

MAX_TOTAL_BYTES: Final = 64 * 1024**3
"""Everything together: five folds of the largest networks, with room for what nnU-Net packs beside them."""

MAX_RATIO: Final = 200
"""Weights hardly compress and JSON some tenfold; a zip bomb has a thousand and more."""

RATIO_FREE_BYTES: Final = 16 * 1024**2
"""Small files may compress as well as they like."""

CHUNK_BYTES: Final = 1024**2

_REPARSE_POINT: Final = 0x400
"""Windows' attribute of links and junctions, in the low half of a member's attributes."""


_DAMAGED: Final = (
    zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, lzma.LZMAError, struct.error, ValueError,
    RuntimeError,
)  # fmt: skip
"""What reading a damaged member raises."""


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """An open zip file whose every member has been checked.

    Raises
    ------
    ModelError
        Not a zip file, damaged, too many members, a name that leads out of its folder, a link, or a bomb.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError, struct.error) as error:
        raise ModelError(f"{path.name} cannot be opened as a zip file ({error}).", "Export the model again.") from error
    with archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise ModelError(f"{path.name} holds {len(members)} files.", f"A model has at most {MAX_MEMBERS}.")
        for member in members:
            _check_member(path.name, member)
        total = sum(member.file_size for member in members)
        if total > MAX_TOTAL_BYTES:
            raise ModelError(
                f"{path.name} would have {total:,} bytes when unpacked.", ("This is not a model: do not use this file.")
            )
        yield archive


def member_parts(name: str) -> tuple[str, ...]:
    """The folders and the file of a member's name; zips from Windows may separate them with backslashes.

    >>> member_parts("fold_0\\\\checkpoint_final.pth")
    ('fold_0', 'checkpoint_final.pth')
    """
    return PurePosixPath(name.replace("\\", "/")).parts


def _check_member(archive: str, member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    parts = member_parts(name)
    if name.startswith(("/", "\\")) or "\0" in name or ".." in parts or ":" in name:
        raise ModelError(
            f"{archive} contains a file named {name!r}, which points outside its folder.",
            "Do not use this file: it may be malicious.",
        )
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or member.external_attr & _REPARSE_POINT:
        raise ModelError(
            f"{archive} holds {name!r}, which is a link, not a file.", "Export the model again, without links."
        )
    if member.flag_bits & 1:
        raise ModelError(f"{archive} is protected by a password ({name!r}).", "Export the model without one.")
    too_dense = member.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * max(member.compress_size, 1))
    if member.file_size > MAX_MEMBER_BYTES or too_dense:
        raise ModelError(
            f"{archive} holds {name!r} with {member.file_size} bytes from {member.compress_size}.",
            "This is not a model: do not use this file.",
        )


def extract(archive: zipfile.ZipFile, member: str, target: Path) -> Path:
    """Write one member to a file, never more than it declares.

    Raises
    ------
    ModelError
        The member is damaged.
    """
    left = archive.getinfo(member).file_size
    target.parent.mkdir(parents=True, exist_ok=True)
    with explained_os_errors(target):
        try:
            with archive.open(member) as source, target.open("wb") as sink:
                while chunk := source.read(min(CHUNK_BYTES, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        raise ModelError(f"{member} is larger than its zip file says.", "Do not use this file.")
                    sink.write(chunk)
        except _DAMAGED as error:
            raise _damaged(member, error) from error
        except OSError as error:
            if error.errno is not None:  # of the disk; bzip2 raises them without a number
                raise
            raise _damaged(member, error) from error
    return target


def _damaged(member: str, error: Exception) -> ModelError:
    return ModelError(f"{member} is damaged ({error}).", "Copy or export the file again.")
