"""Good descriptions of datasets and sample sheets, made here; and what is done with a damaged one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np

from benchmarks.fuzz.attempts import Attempt, attempt
from core.datasets.folder import open_dataset, read_classes
from core.datasets.sample_sheet import Names, read_facts, read_sheet

_PIXELS: Final = bytes(imagecodecs.png_encode(np.zeros((4, 4), np.uint8)))

_NAMES: Final = ("a_1", "a_2", "b")

_ROWS: Final = (
    ("image", "Mouse ID", "treatment", "split", "nm per pixel"),
    ("a_1.tif", "M1", "fed", "train", "8.5"),
    ("a_2.tif", "M1", "fed", "train", "8,5"),
    ("b", "M2", "'=fasted", "test", "1000"),
)


def seeds() -> dict[str, bytes]:
    """Name with ending, and content."""
    ours: dict[str, Any] = {
        "labels": {"background": 0, "mitochondria": 1, "ER": 2, "ignore": 255},
        "pixel_size_nm": {"a_1": 8, "a_2": 8.5},
        "train": ["a_1"],
        "test": ["b"],
        "groups": {"a_1": "mouse 1", "a_2": "mouse 1"},
        "cases": {"a_1": {"name": "a 1", "split": "train", "stack": "s", "z_index": 1}},
        "classes": [{"id": 1, "name": "mitochondria", "color": "#ff0000", "safe_color": "#d55e00", "key": "1"}],
    }
    old = {"labels": {"0": "background", "1": "mitochondria"}, "channel_names": {"0": "EM"}, "file_ending": ".png"}
    separators = {"comma": (",", "utf-8"), "semicolon": (";", "utf-8-sig"), "tabs": ("\t", "utf-16")}
    sheets = {
        f"{name}.csv": "\r\n".join(sign.join(f'"{cell}"' for cell in row) for row in _ROWS).encode(coding)
        for name, (sign, coding) in separators.items()
    }
    return {"ours.json": json.dumps(ours).encode(), "old.json": json.dumps(old).encode(), **sheets}


def attempt_table(path: Path) -> Attempt:
    """Read a description or a sheet that may be damaged. Runs in a guarded process."""
    return attempt(lambda: _read_sheet(path) if path.suffix == ".csv" else _read_description(path))


def _read_sheet(path: Path) -> None:
    images = {name: Names(name, "stack" if name != "b" else "", "M1") for name in _NAMES}
    read_facts(read_sheet(path), images)


def _read_description(path: Path) -> None:
    """As a folder has it that holds every image and label map which the good ones speak of."""
    for part in ("images", "labels"):
        if not (path.parent / part).is_dir():
            (path.parent / part).mkdir()
            for name in _NAMES:
                (path.parent / part / f"{name}.png").write_bytes(_PIXELS)
    read_classes(path)
    path.replace(path.with_name("dataset.json"))
    open_dataset(path.parent)
