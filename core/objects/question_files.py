"""The doubtful places of a label map in a file beside it, for counts on the command line: JSON, no pixels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.files import write_json
from core.imaging.row_bands import row_bands
from core.morphometry.doubts import Doubts

FORMAT: Final = "cristae-questions"
MOST_BYTES: Final = 64_000_000
"""A larger file is none of ours."""


def questions_target(out: Path) -> Path:
    """Where the doubtful places are written: "a_questions.json" beside "a.tif".

    >>> questions_target(Path("out/a.tif")).name
    'a_questions.json'
    """
    return out.with_name(f"{out.stem}_questions.json")


def write_doubts(path: Path, doubts: Doubts, labels_yx: NDArray[np.uint8]) -> None:
    """Write the doubtful places of a label map. Raises StorageFullError where the disk is full."""
    places = [
        {"class_id": class_id, "two": two, "p": round(p, 4), "ids": ids, "area_px": area}
        for class_id, two, p, ids, area in zip(
            doubts.class_id.tolist(),
            doubts.two.tolist(),
            doubts.p.tolist(),
            doubts.ids.tolist(),
            doubts.area_px.tolist(),
            strict=True,
        )
    ]
    write_json(path, {"format": FORMAT, "version": 1, "labels": _digest(labels_yx), "places": places})


def read_doubts(path: Path, labels_yx: NDArray[np.uint8]) -> tuple[Doubts | None, str]:
    """The doubtful places of a label map, as `write_doubts` wrote them.

    Returns
    -------
    tuple
        None where there is no file, or it does not belong to this label map; and why, in a sentence ("" otherwise).
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            return None, f"{path.name} is too large for a list of questions; counts have no interval."
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["labels"] != _digest(labels_yx):
            return None, f"{path.name} was written for another label map; counts have no interval."
        return _doubts(kept["places"]), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return None, f"{path.name} cannot be read ({type(error).__name__}); counts have no interval."


def _doubts(places: list[dict[str, Any]]) -> Doubts:
    p = np.array([float(place["p"]) for place in places])
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a probability outside 0 to 1")
    return Doubts(
        np.array([int(place["class_id"]) for place in places], np.uint8),
        np.array([bool(place["two"]) for place in places], bool),
        p,
        np.array([place["ids"] for place in places], np.int64).reshape(-1, 2),
        np.array([place["area_px"] for place in places], np.int64).reshape(-1, 2),
    )


def _digest(labels_yx: NDArray[np.uint8]) -> str:
    """Of shape and pixels."""
    digest = hashlib.sha256(repr(tuple(int(length) for length in labels_yx.shape)).encode())
    for band in row_bands(labels_yx.shape):
        digest.update(np.ascontiguousarray(labels_yx[band]).tobytes())
    return digest.hexdigest()
