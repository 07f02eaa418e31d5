"""What a prediction reports about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """What was done, for the record and for people.

    Parameters
    ----------
    model_id
        Of the store.
    backend, device, precision
        What ran the network, for example "openvino", "AMD EPYC", "bfloat16".
    shape_yx
        Of the image.
    scale_factor
        The image was enlarged (above 1) or shrunk by this for the network; 1: untouched.
    pixel_size_nm
        Of the image, as used; None where unknown, and then no scale was applied.
    tiles
        Number of tiles.
    step, mirroring, weighting, folds
        As used.
    seconds
        Wall time.
    fast_agreement
        Share of pixels on which the fast precision agreed with float32 when it was tried; None if it was not.
    notices
        One sentence each about what the user should know.
    verdict
        Whether the image is like what the model learned from: `core.familiarity.verdict.Verdict` as plain values.
    """

    model_id: str
    backend: str
    device: str
    precision: str
    shape_yx: tuple[int, int]
    scale_factor: float
    pixel_size_nm: float | None
    tiles: int
    step: float
    mirroring: bool
    weighting: str
    folds: tuple[str, ...]
    seconds: float
    fast_agreement: float | None = None
    notices: tuple[str, ...] = ()
    verdict: dict[str, Any] = field(default_factory=dict)
