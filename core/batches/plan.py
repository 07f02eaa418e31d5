"""What shall be done with each image of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from core.errors import PredictionError
from core.imaging.lengths import checked_pixel_size
from core.jobs.kinds import PredictParams

SMALLEST_STEP: Final = 0.1


class UnknownSize(StrEnum):
    """What happens to an image of unknown pixel size when the model needs one."""

    ASK = "ask"
    """Its prediction is held until a person has entered the size."""

    ASSUME = "assume"
    """It is segmented as if its pixels were as large as those of the model's training images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """How images are segmented, once they are there.

    Parameters
    ----------
    model_id
        The model.
    class_map
        Name of the model's class to name of the project's, None for background, as the ``predict`` job takes it; empty:
        by name, and as decided in the project before.
    step, mirroring
        As in `core.segmentation.predictor.Predictor.predict`.
    unknown_size
        For images whose pixel size is unknown, where the model needs it.
    assumed_nm
        Pixel size (nm) of images whose file does not say it; None: unknown.
    again
        Also images that this model has segmented before.
    """

    model_id: str
    class_map: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    step: float = 0.5
    mirroring: bool = False
    unknown_size: UnknownSize = UnknownSize.ASK
    assumed_nm: float | None = None
    again: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not self.model_id:
            raise PredictionError("No model selected.", "Select a model.")
        if not SMALLEST_STEP <= self.step <= 1:
            raise PredictionError(f"The tile step is {self.step:g}.", f"Choose from {SMALLEST_STEP:g} to 1.")
        if self.assumed_nm is not None:
            checked_pixel_size(self.assumed_nm, error=PredictionError)

    def prediction(self, image_id: str) -> PredictParams:
        """Parameters of the job that segments an image."""
        return PredictParams(
            image_id=image_id,
            model_id=self.model_id,
            step=self.step,
            mirroring=self.mirroring,
            class_map=dict(self.class_map) or None,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a job's parameters."""
        return {
            "model_id": self.model_id,
            "class_map": dict(self.class_map),
            "step": self.step,
            "mirroring": self.mirroring,
            "unknown_size": self.unknown_size.value,
            "assumed_nm": self.assumed_nm,
            "again": self.again,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SegmentPlan:
        """A plan from plain values; what is absent takes its default.

        Raises
        ------
        PredictionError
            A value cannot be used.
        """
        try:
            size = values.get("assumed_nm")
            return cls(
                model_id=str(values["model_id"]),
                class_map=dict(values.get("class_map") or {}),
                step=float(values.get("step", 0.5)),
                mirroring=bool(values.get("mirroring", False)),
                unknown_size=UnknownSize(values.get("unknown_size", UnknownSize.ASK)),
                assumed_nm=None if size is None else float(size),
                again=bool(values.get("again", False)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PredictionError(
                f"The plan for segmenting cannot be used: {error}.", "Give model_id; numbers as numbers."
            ) from error
