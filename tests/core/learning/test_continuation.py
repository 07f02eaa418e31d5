"""Training on: refused with reasons where it cannot be."""

from __future__ import annotations

import pytest

from core.errors import TrainingError
from core.learning.continuation import train_longer
from core.models.card import TrainingSummary
from core.store import Store
from tests.models import write_model


def test_only_what_was_trained_here_is_trained_on(store: Store) -> None:
    write_model(store.settings.models_dir / "given", preset="imported")
    with pytest.raises(TrainingError, match="not trained with a preset"):
        train_longer(store, "given")
    write_model(store.settings.models_dir / "bare", preset="compact", training=TrainingSummary(iterations=24))
    with pytest.raises(TrainingError, match="The training settings of bare are missing"):
        train_longer(store, "bare")
