"""Training a model longer: the same images and settings, from its own weights."""

from __future__ import annotations

from core.errors import TrainingError
from core.jobs.kinds import JobKind, TrainParams
from core.jobs.rows import jobs
from core.learning.again import kept_snapshot
from core.learning.start import TrainingPlan, start_training
from core.models.store import ModelStore
from core.store.records import JobRecord
from core.store.store import Store
from core.training.options import recorded_options
from core.training.presets import PRESETS, Preset
from core.training.verdict import verdict_of


def train_longer(store: Store, model_id: str, *, by: str | None = None) -> JobRecord:
    """Queue a training that goes on from a model, on its own images with its own settings; the model stays as it is.

    An undertrained model goes on with the learning rate of a training from scratch, for it is not fine-tuned but
    trained to its end; others with that of fine-tuning.

    Parameters
    ----------
    by
        Who asks: must be allowed to train there, and is the job's author; None: the program itself.

    Raises
    ------
    AccessError
        ``by`` may not train in the project.
    TrainingError
        The model was not trained from a project here.
    DatasetError
        Its images cannot be trained on any more: deleted, moved to the test set, without label maps.
    ModelError, NotFoundError
        There is no such model or project.
    """
    return start_training(store, _plan(store, model_id), by=by)


def _plan(store: Store, model_id: str) -> TrainingPlan:
    model = ModelStore(store.settings.models_dir).get(model_id)
    if model.card.preset not in set(map(str, Preset)):
        raise TrainingError(
            f"{model.card.name} was not trained with a preset of Cristae.", "Fine-tune it on the Train page."
        )
    snapshot, asked = kept_snapshot(model), _asked(store, model_id)
    preset = Preset(model.card.preset)
    undertrained = verdict_of(model.card).undertrained
    options = asked.options() if asked else recorded_options(model.card.training.settings)
    options |= {
        "preset": preset,
        "pixel_size_nm": model.pixel_size_nm,
        "seed": model.card.training.seed or 0,  # another one would hold out what the model has learned from
        "learning_rate": PRESETS[preset].recipe.learning_rate if undertrained else None,
    }
    return TrainingPlan(
        project_id=snapshot.project_id,
        image_ids=[case.image_id for case in snapshot.cases],
        name=model.card.name,
        parent_id=model.id,
        **options,
    )


def _asked(store: Store, model_id: str) -> TrainParams | None:
    """The parameters of the training that made a model; None where its job is gone."""
    rows = jobs(kinds=[JobKind.TRAIN], model_id=model_id, limit=1, store=store)
    return TrainParams.from_json(rows[0].params) if rows else None
