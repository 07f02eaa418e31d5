"""Arrays in a file beside what they belong to: NumPy's archive, written atomically."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.files import replacing


def save_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays by their names, compressed.

    Raises
    ------
    StorageFullError
        The disk is full, or the folder cannot be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """Read what `save_arrays` wrote; None where there is no file.

    Raises
    ------
    LabelMapError
        The file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged_archive(path, error) from error


def damaged_archive(path: Path, error: Exception) -> LabelMapError:
    """What to raise where the arrays of a file are not the expected ones."""
    return LabelMapError(f"{path.name} cannot be read ({error}).", "Segment the image again.")
