"""Which downloads take so long that they become jobs, which show progress and can be cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.exports.label_maps import overlay_edge_px
from core.models.store import StoredModel
from core.store.records import EvaluationRecord, ImageRecord

LARGE_IMAGE_PX: Final = 64_000_000
"""8,000 x 8,000: a label map of it takes about 2 s, its OME-Zarr holds 100 MB."""

LARGE_PICTURE_PX: Final = 32_000_000
"""An RGB picture with a legend takes about 3 s and 400 MB of memory."""

LARGE_EVALUATION_IMAGES: Final = 40
"""A report reads the worst places of each image and draws every figure: some seconds."""

LARGE_MODEL_BYTES: Final = 64 * 1024**2
"""Weights are copied, for nnU-Net also converted by torch in a process of its own."""

LARGE_TABLE_ROWS: Final = 200_000
"""Objects of a CSV file: about 3 s and 60 MB."""


def heavy_label_map(image: ImageRecord, what: str, options: Mapping[str, str]) -> bool:
    """Whether a download of a label map takes long."""
    pixels = image.shape_yx[0] * image.shape_yx[1]
    if what == "coverage.csv":
        return False
    if what == "overlay.png":
        edge = overlay_edge_px(options)
        share = min(1.0, edge / max(image.shape_yx)) ** 2
        return pixels * share > LARGE_PICTURE_PX
    return pixels > LARGE_IMAGE_PX


def heavy_evaluation(row: EvaluationRecord, what: str) -> bool:
    """Whether a file of an evaluation takes long."""
    return what in ("report.html", "bundle.zip") and row.scored_count > LARGE_EVALUATION_IMAGES


def heavy_model(model: StoredModel) -> bool:
    """Whether a model's file takes long."""
    return model.size_bytes > LARGE_MODEL_BYTES
