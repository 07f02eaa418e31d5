"""What models and images are called in lists, and what tells equal names apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from core.models.store import StoredModel
from core.review.records import ReviewState
from core.store.records import ImageRecord, JobState
from core.training.verdict import verdict_of
from ui.parts.options import choice
from ui.parts.units import duration_text, pixel_size_text, shape_text

REVIEW_STATES: Final = {
    ReviewState.SUBMITTED: "awaiting review",
    ReviewState.CHANGES_REQUESTED: "changes requested",
    ReviewState.APPROVED: "approved",
    ReviewState.REJECTED: "rejected",
    ReviewState.WITHDRAWN: "withdrawn",
}
"""What people call the states of a review."""


JOB_STATES: Final = {
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.INTERRUPTED: "interrupted",
    JobState.PAUSED: "paused",
    JobState.RUNNING: "running",
    JobState.QUEUED: "waiting",
    JobState.HELD: "needs input",
}
"""What people call the states of a job."""


def model_made(model: StoredModel) -> str:
    """When a model was made and how long it was trained, as far as its card says.

    Returns
    -------
    str
        For example "2026-11-30, 10 min, 1,240 iterations".
    """
    training = model.card.training
    parts = [_moment(model.card.created, "%Y-%m-%d")]
    if model.card.preset == "imported" and not training.iterations:
        parts.append("imported")
    if training.minutes:
        parts.append(duration_text(60 * training.minutes))
    if training.iterations:
        parts.append("1 iteration" if training.iterations == 1 else f"{training.iterations:,} iterations")
    return ", ".join(part for part in parts if part)


def model_texts(models: Mapping[str, StoredModel]) -> dict[str, str]:
    """Each model in a list: its name, when it was made, how long it was trained."""
    return {
        model_id: " · ".join(part for part in (model.card.name, model_made(model), _mark(model)) if part)
        for model_id, model in models.items()
    }


def _mark(model: StoredModel) -> str:
    """What a list says of a model that was not trained long enough."""
    return "undertrained" if verdict_of(model.card).undertrained else ""


def model_choice(
    label: str, models: Mapping[str, StoredModel], *, key: str, first: str | None = None, nothing: str = "",
    **options: Any,
) -> str:  # fmt: skip
    """A list of models.

    Parameters
    ----------
    models
        Id to model.
    first
        Chosen at first; None: the first of the list.
    nothing
        Text of the choice of none, which is "" then and comes first; "": there is no such choice.
    options
        Of `ui.parts.options.choice`.
    """
    texts = ({"": nothing} if nothing else {}) | model_texts(models)
    details = {model_id: (_moment(model.card.created, "%H:%M:%S UTC"),) for model_id, model in models.items()}
    return choice(label, texts, key=key, first=first, details=details, **options)


def model_details(models: Mapping[str, StoredModel]) -> dict[str, tuple[str, ...]]:
    """What tells models of one name apart: day and length of the training, then the time."""
    return {
        model_id: (model_made(model), _moment(model.card.created, "%H:%M:%S UTC")) for model_id, model in models.items()
    }


def image_details(images: Mapping[str, ImageRecord]) -> dict[str, tuple[str, ...]]:
    """What tells images of one name apart: place in the stack, specimen, size, pixel size, when they came."""
    return {
        image_id: (
            f"{image.stack}, plane {image.z_index + 1}" if image.stack and image.z_index is not None else "",
            image.specimen,
            shape_text(image.shape_yx),
            pixel_size_text(image.pixel_size),
            f"{image.created_at:%Y-%m-%d %H:%M}",
        )
        for image_id, image in images.items()
    }


def _moment(created: str, form: str) -> str:
    """A part of an ISO 8601 time; as it is where it is none."""
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{found.astimezone(UTC) if found.tzinfo else found:{form}}"
