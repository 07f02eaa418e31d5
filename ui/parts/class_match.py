"""What a model's classes are in a project: asked before anything is predicted, and changed later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.curation.images import decide_classes
from core.labels.translation import ClassTranslation
from core.models.store import StoredModel
from core.store.label_maps import model_classes
from core.store.records import ProjectRecord
from ui import context
from ui.access import allowed
from ui.errors import explained, plain
from ui.parts.options import choice_or_none
from ui.person import person

_ADD: Final = "+"
"""Add the class to the project; ids of classes are numbers."""

_BACKGROUND: Final = "0"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A class of the model that needs an answer, and the answer that is there already."""

    name: str
    answer: str | None


def translation_for(project: ProjectRecord, model: StoredModel) -> ClassTranslation:
    """What the model's classes are in the project, as far as it is known."""
    return model_classes(context.store(), project, model.scheme, model.id)


def class_match(project: ProjectRecord, model: StoredModel, *, key: str) -> bool:
    """Ask what becomes of the model's classes that the project does not have; draws nothing where all are known.

    Call it before a prediction is begun. What is answered is remembered for the project and the model, and every
    prediction goes by it: nothing has to be handed on.

    Parameters
    ----------
    project
        Of the images.
    model
        That is about to segment them.
    key
        Names the widgets on their page.

    Returns
    -------
    bool
        True once there is nothing (more) to ask: the prediction may begin.
    """
    translation = translation_for(project, model)
    if not translation.undecided:
        return True
    if not allowed(Permission.PAINT, project.id):
        st.info(
            plain(
                f"{model.card.name} finds {', '.join(translation.undecided)}, which {project.name} does not have. "
                "Ask an annotator or admin of the project to match the classes."
            ),
            icon=":material/rule:",
        )
        return False
    with st.container(border=True, key=f"{key}-class-match"):
        st.markdown(
            f":material/rule: **{plain(model.card.name)}** has classes that **{plain(project.name)}** does not have."
        )
        usual = _ADD if allowed(Permission.MANAGE, project.id) else None
        asked = [_Asked(name, usual) for name in translation.undecided]
        _form(project, model, asked, key=key, label="Use these classes")
    return False


def matched_classes(project: ProjectRecord, model: StoredModel, *, key: str) -> None:
    """What was decided of the model's classes, with a way to change it; nothing where all names are the same."""
    store = context.store()
    decided = store.projects.class_map(project.id, model.scheme, model.id)
    translation = translation_for(project, model)
    said = " ".join(translation.sentences())
    if said and not translation.undecided:
        st.caption(f":material/rule: {plain(said)}")
    if not decided or not allowed(Permission.PAINT, project.id):
        return
    with st.popover("Change classes", icon=":material/rule:", type="tertiary"):
        st.markdown("Match each class of the model to a class of this project. This applies to future predictions:")
        ids = {item.name: str(item.id) for item in project.scheme.classes}
        asked = [_Asked(name, _BACKGROUND if other is None else ids[other]) for name, other in decided.items()]
        _form(project, model, asked, key=f"{key}-again", label="Save")


def _form(project: ProjectRecord, model: StoredModel, asked: Sequence[_Asked], *, key: str, label: str) -> None:
    """A row for each class; the page is drawn anew once the answers are kept."""
    names = {str(item.id): item.name for item in project.scheme.classes}
    own = {name.strip().casefold() for name in names.values()}
    may_add = allowed(Permission.MANAGE, project.id)
    answers: dict[str, str | None] = {}
    for number, each in enumerate(asked):
        addable = may_add and each.name.strip().casefold() not in own
        options = [*([_ADD] if addable else []), *names, _BACKGROUND]
        answers[each.name] = choice_or_none(
            plain(each.name),
            {option: _words(option, names) for option in options},
            first=each.answer,
            placeholder="Choose",
            key=f"{key}-class-{project.id}-{model.id}-{number}",
        )
    if not may_add:
        st.caption("Only admins of the project can add classes to it.")
    open_names = [name for name, answer in answers.items() if answer is None]
    if not st.button(label, type="primary", icon=":material/check:", key=f"{key}-classes", disabled=bool(open_names)):
        return
    add = [name for name, answer in answers.items() if answer == _ADD]
    said = {name: names.get(answer or "") for name, answer in answers.items() if answer != _ADD}
    with explained():
        decide_classes(context.store(), project.id, model, said, add=add, by=person())
        st.rerun()


def _words(option: str, names: dict[str, str]) -> str:
    """An answer as it is read."""
    return {_ADD: "Add to the project", _BACKGROUND: "Ignore (background)"}.get(option) or names[option]
