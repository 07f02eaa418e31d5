"""What a person asks of a round."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from core.learning.start import TrainingPlan
from core.training.options import TrainingOptions, options_from


@dataclass(frozen=True)
class RoundPlan(TrainingOptions):
    """A round to come, with the options of its training (`core.training.options`).

    Parameters
    ----------
    image_ids
        Images to learn from, none of the test set; None: all that have reference labels or approved corrections.
    name
        The model's; "": the project's with the number of the round.
    parent_id
        The model to go on from; None: from scratch.
    validation_fraction
        Nothing is held out unless asked: corrections are few, the frozen test set is what judges, and with all of them
        learned from the models were measurably better (docs/benchmarks.md).
    automatic
        Promote the new model without asking where the gate lets it pass.
    step_by_step
        Wait for `core.rounds.decisions.go_on` before each step.
    again_after
        Start the next round by itself once so many new corrections are approved, with the model in use then as its
        parent; None: never. With ``automatic``, a model that the gate refuses is then put aside without asking.
    """

    project_id: str
    image_ids: tuple[str, ...] | None = None
    name: str = ""
    parent_id: str | None = None
    validation_fraction: float = field(default=0.0, kw_only=True)
    automatic: bool = False
    step_by_step: bool = False
    again_after: int | None = None

    def training(self, name: str) -> TrainingPlan:
        """The training in it; ``name`` where the plan gives none."""
        return TrainingPlan(
            project_id=self.project_id,
            image_ids=self.image_ids or (),
            name=self.name.strip() or name,
            parent_id=self.parent_id,
            **self.options(),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        ids = None if self.image_ids is None else list(self.image_ids)
        return {**asdict(self), "image_ids": ids}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        ids = values["image_ids"]
        return cls(**{**values, **options_from(values), "image_ids": None if ids is None else tuple(ids)})
