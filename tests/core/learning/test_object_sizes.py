"""Which model's object rules count in a project, in the project's own ids."""

from __future__ import annotations

import pytest

from core.label_scheme import LabelScheme
from core.learning.object_sizes import project_rules
from core.models.store import STARTER_ID, ModelStore
from core.objects.rules import ObjectRule, ObjectRules
from core.rounds.promotion import promote_model
from core.store import Store
from core.store.records import ProjectRecord
from tests.models import write_model


@pytest.fixture
def models(store: Store) -> ModelStore:
    """The starter and a model of the lab; both have learned a size of their first class."""
    found = ModelStore(store.settings.models_dir)
    for model_id in (STARTER_ID, "lab"):
        write_model(store.settings.models_dir / model_id)
        found.set_object_rules(model_id, ObjectRules((ObjectRule(class_id=1, smallest=0.01),)))
    return found


@pytest.fixture
def project(store: Store, models: ModelStore) -> ProjectRecord:
    """It has the models' classes under other ids."""
    scheme = models.get("lab").scheme
    names = {item.name: 10 + item.id for item in scheme.classes}
    return store.projects.create("liver", LabelScheme.from_names(names))


def test_predictions_are_held_against_what_their_model_learned(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    found = project_rules(store, models, project.id, "lab")
    assert found.model is not None
    assert found.model.id == "lab"
    assert [(rule.class_id, rule.smallest) for rule in found.rules.rules] == [(11, 0.01)]
    assert project_rules(store, models, project.id, "gone").model is None


def test_labels_of_people_follow_the_model_of_the_project_never_the_default(
    store: Store, models: ModelStore, project: ProjectRecord
) -> None:
    assert project_rules(store, models, project.id).model is None
    promote_model(store, project.id, "lab", "ada", "best")
    assert project_rules(store, models, project.id).rules.of(11).smallest == 0.01


def test_sizes_in_pixels_need_a_pixel_size_to_become_areas() -> None:
    rules = ObjectRules((ObjectRule(class_id=1, smallest=0.01),))
    assert (rules.smallest_um2(1, None), rules.smallest_px(1, 10.0), rules.smallest_px(1, None)) == (0.01, 100.0, None)
    assert rules.smallest_um2(2, 10.0) is None
