"""Which object rules count in a project: those of the model that made a prediction, else of the project's own model."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import LabelMapError
from core.learning.current_model import current_model
from core.models.store import ModelStore, StoredModel
from core.objects.rules import ObjectRules
from core.store.label_maps import model_classes
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class ProjectRules:
    """Object rules in the ids of a project.

    Parameters
    ----------
    rules
        Empty where nobody has learned any.
    model
        Whose they are; None where there are none.
    """

    rules: ObjectRules = field(default_factory=ObjectRules)
    model: StoredModel | None = None


def project_rules(store: Store, models: ModelStore, project_id: str, made_by: str | None = None) -> ProjectRules:
    """The rules for label maps of a project.

    Parameters
    ----------
    project_id
        The project.
    made_by
        Id of the model that made the label maps; None: people did, or another program. Then the rules of the model
        count that was promoted in the project or trained on its data. Those of the shipped default never do: it has
        learned other tissue.

    Returns
    -------
    ProjectRules
        Without rules where no such model has any.
    """
    if made_by is not None:
        model = next((model for model in models.list() if model.id == made_by), None)
    else:
        current = current_model(store, models, project_id)
        model = current.model if current is not None and current.own else None
    if model is None or not model.card.object_rules.rules:
        return ProjectRules()
    try:
        match = model_classes(store, store.projects.get(project_id), model.scheme, model.id)
    except LabelMapError:  # what was decided about its classes names one that is gone
        return ProjectRules()
    return ProjectRules(model.card.object_rules.translated(match.lookup()), model)
