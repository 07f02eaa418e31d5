"""Data folders that earlier versions wrote."""

from __future__ import annotations

import tarfile
from pathlib import Path

ARCHIVES = tuple(sorted(Path(__file__).parent.glob("*.tar.xz")))
"""One a version; `make.py` says how they were made."""


def unpack(archive: Path, folder: Path) -> Path:
    """The data folder of an archive, as its version left it."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder
