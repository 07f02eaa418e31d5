"""What lies beside a part of a download: which version of the file it is of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PartNote:
    """Of the file whose part is here.

    Parameters
    ----------
    url
        The address that was asked for.
    version
        Its ETag, or its date, as the server said it; "": it said neither.
    size_bytes
        Of the whole file; None where the server did not say.
    """

    url: str
    version: str
    size_bytes: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def part_path(folder: Path, name: str) -> Path:
    """Where the bytes that have come are kept."""
    return folder / f"{name}.part"


def note_path(folder: Path, name: str) -> Path:
    """Where its `PartNote` is kept."""
    return folder / f"{name}.part.json"


def read_note(folder: Path, name: str) -> PartNote | None:
    """What is known of a part; None where there is no note that can be read: then the part is worth nothing."""
    try:
        values = json.loads(note_path(folder, name).read_text(encoding="utf-8"))
        size = values["size_bytes"]
        return PartNote(str(values["url"]), str(values["version"]), None if size is None else int(size))
    except (OSError, ValueError, TypeError, KeyError):
        return None
