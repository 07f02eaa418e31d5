"""A boundary around each file of an import, a check or a list: one odd file is named, and the rest goes on."""

from __future__ import annotations

import errno
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from core.errors import CristaeError, ImageError
from core.outside.child import is_guarded_process

logger = logging.getLogger("cristae.files")

_OF_THE_DISK: Final = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What no other file could survive either."""

_LONGEST: Final = 300
"""Characters of an error that are shown."""


@contextmanager
def file_boundary(name: str, *, kind: type[CristaeError] = ImageError) -> Iterator[None]:
    """Turn whatever goes wrong with one file into an error that names it.

    Parameters
    ----------
    name
        Of the file, as people know it.
    kind
        Class of the error for what was not foreseen.

    Raises
    ------
    CristaeError
        As it was raised; or, for what was not foreseen, with the name, the kind of error and an id for the log.
    OSError
        The disk is full or cannot be written: that is not about this file.
    """
    try:
        yield
    except CristaeError:
        raise
    except MemoryError as error:
        raise kind(
            f"{name} does not fit into the memory of this machine.",
            "Crop or split it, or use a machine with more memory.",
        ) from error
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
        raise kind(
            f"{name} cannot be read ({error.strerror or type(error).__name__}).",
            "Check that the file exists and is readable; copy it again.",
        ) from error
    except Exception as error:
        if is_guarded_process():
            raise  # the parent logs it and gives it an id
        code = uuid.uuid4().hex[:8]
        logger.exception("unexpected error %s with %s", code, name)
        reason = " ".join(str(error).split())[:_LONGEST]
        raise kind(
            (
                f"{name} cannot be used: an unexpected error occurred while reading it ({type(error).__name__}: "
                f"{reason})."
            ),
            "Save it in another format, such as TIFF without compression. This is a bug; please report it with "
            f"the log entries of {code}.",
        ) from error
