"""The way from images without any labels to a model of one's own: shown wherever one would otherwise be stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.learning.current_model import current_model
from core.learning.training_labels import labels_to_learn_from
from core.models.store import StoredModel
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, Split
from core.wording import significant
from ui import context
from ui.access import allowed
from ui.errors import plain
from ui.pages import CORRECT_PAGE, DATA_PAGE, RESULTS_PAGE, REVIEW_PAGE, TRAIN_PAGE
from ui.parts.help import help_link
from ui.parts.new_project import new_project
from ui.state import Query

SECTION: Final = "guide/first-steps#nothing-labelled-yet"
"""Of the guide."""


_EVALUATE, _MARK = 5, 6
"""The last step, and what comes before it where the test set has nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How far a project is on the way.

    Parameters
    ----------
    images
        Images in it.
    drawn
        Images with a reference or a submitted correction.
    learnable
        Images with labels that a training may learn from: references and approved corrections.
    trained
        Whether a model was trained on the project.
    tested
        Images of the test set that have such labels.
    """

    images: int = 0
    drawn: int = 0
    learnable: int = 0
    trained: bool = False
    tested: int = 0


def steps_of(project: ProjectRecord) -> Steps:
    """How far a project is."""
    store = context.store()
    kinds = store.revisions.kinds_of_project(project.id)
    images = store.images.all(project.id)
    by_hand = {RevisionKind.REFERENCE, RevisionKind.CORRECTION}
    labelled = labels_to_learn_from(store, project.id)
    current = current_model(store, context.models(), project.id)
    return Steps(
        images=len(images),
        drawn=sum(bool(by_hand & kinds.get(image.id, frozenset())) for image in images),
        learnable=len(labelled),
        trained=current is not None and current.own,
        tested=sum(image.split is Split.TEST and image.id in labelled for image in images),
    )


def first_labels(project: ProjectRecord | None, *, key: str, image_id: str | None = None) -> None:
    """The steps, with those that are done ticked, and a button for the next one.

    Parameters
    ----------
    project
        None: there is none yet.
    key
        Names the buttons on their page.
    image_id
        The image to draw on; None: any.
    """
    steps = steps_of(project) if project else Steps()
    done = (project is not None, steps.images > 0, steps.drawn > 0, steps.learnable > 0, steps.trained, False)
    words = (
        "Create a **project** with the organelles to segment",
        "Add **images**",
        "**Correct**: draw two regions, confirm them, submit. That is enough to start",
        "**Review**: approve the corrections. If you work alone, allow this under *People*",
        "**Train** a model on them: the first takes some minutes. Correct its errors, and train again",
        "**Results**: annotate another image in the same way, add it to the test set on Data (*Split*), and "
        "evaluate the model on it",
    )
    now = done.index(False)
    if now == _EVALUATE and not steps.tested:
        now = _MARK
    with st.container(border=True, key=f"{key}-first-labels"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(":material/draw: **Nothing labelled yet?** Train a model on your own labels.", width="stretch")
            help_link(SECTION, label="Show steps")
        st.markdown(
            "\n".join(
                f"{number}. {':green[:material/check:] ' if ticked else ''}{text}."
                for number, (ticked, text) in enumerate(zip(done, words, strict=True), 1)
            )
        )
        _next(now, project, image_id, key)


def _next(step: int, project: ProjectRecord | None, image_id: str | None, key: str) -> None:
    """The way to the step that comes now."""
    if project is None:
        if allowed(Permission.MANAGE) and st.button(
            "Create project", icon=":material/add:", type="primary", key=f"{key}-make"
        ):
            new_project()
        return
    target = {Query.PROJECT.value: project.id}
    page, label, icon = {
        1: (DATA_PAGE, "Add images", ":material/add_photo_alternate:"),
        2: (CORRECT_PAGE, "Draw two regions", ":material/brush:"),
        3: (REVIEW_PAGE, "Approve them", ":material/rate_review:"),
        4: (TRAIN_PAGE, "Train a model", ":material/model_training:"),
        _EVALUATE: (RESULTS_PAGE, "Evaluate the model", ":material/analytics:"),
        _MARK: (DATA_PAGE, "Add test image", ":material/call_split:"),
    }[step]
    if page == CORRECT_PAGE and image_id:
        target[Query.IMAGE.value] = image_id
    st.page_link(page, label=label, icon=icon, query_params=target)


def poor_result(image: ImageRecord, model: StoredModel, *, none_of_the_sizes: bool = False) -> None:
    """What to do where a model does not find what is there, from the quickest to the surest.

    Parameters
    ----------
    none_of_the_sizes
        Several pixel sizes were tried and none looked right.
    """
    ways = []
    if none_of_the_sizes:
        st.markdown(
            "If no size looks right, the model was probably not trained on this kind of tissue or staining. If "
            "you know the pixel size, enter it anyway: areas need it."
        )
    elif image.pixel_size.nm is not None and model.pixel_size_nm:
        ways.append(
            f"Check the **pixel size**: it is {significant(image.pixel_size.nm, 4)} nm, and "
            f"{plain(model.card.name)} was trained at {model.pixel_size_nm:g} nm."
        )
    ways.append("Choose **another model** above, if one was trained on this kind of tissue.")
    ways.append(
        "**Train your own model**: correct and confirm a few regions on the Correct page. A model trained on two "
        "to five of your own images usually works better than a model trained on other data."
    )
    st.markdown("\n".join(f"{number}. {way}" for number, way in enumerate(ways, 1)))
    target = {Query.PROJECT.value: image.project_id, Query.IMAGE.value: image.id}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(CORRECT_PAGE, label="Correct this image", icon=":material/brush:", query_params=target)
        help_link(SECTION, label="Show steps")
