"""Beginning an evaluation: a model on the test set, or label maps that another program made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from core.access.roles import Permission
from core.evaluation.settings import CHOOSABLE, EvaluationSettings
from core.evaluations.start import EvaluationPlan, check_evaluation, start_evaluation
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, Split
from core.wording import counted
from ui import context
from ui.access import gate
from ui.errors import explained, plain
from ui.parts.drawn_references import drawn_references
from ui.parts.first_labels import first_labels
from ui.parts.names import image_details, model_choice
from ui.parts.options import choices
from ui.parts.side_by_side import side_by_side
from ui.parts.undertrained import undertrained_notice
from ui.person import person
from ui.results.importing import import_panel
from ui.state import Query, StateKey, query, set_query

_MODEL: Final = "A model"
_FILES: Final = "Imported predictions"
_TEST_SET: Final = "The test set"
_CHOSEN: Final = "Chosen images"


def begin_panel(project: ProjectRecord) -> None:
    """Everything up to the button."""
    if not gate(Permission.TRAIN, project.id):
        return
    drawn_references(project, key="results")
    key = f"results-way-{project.id}-{_begun()}"
    if key not in st.session_state:  # after a reload, files that were dropped are still in sight
        st.session_state[key] = _FILES if query(Query.BATCH) else _MODEL
    way = st.segmented_control("Source of the predictions", [_MODEL, _FILES], required=True, key=key)
    images = context.store().images.all(project.id)
    kinds = context.store().revisions.kinds_of_project(project.id)
    labelled = [image for image in images if RevisionKind.REFERENCE in kinds.get(image.id, frozenset())]
    with explained():
        if not labelled:
            st.info(
                "No image of this project has reference labels yet, so nothing can be evaluated. Assign images to "
                "the test set on the Data page, then import their label maps there, or annotate them on the "
                "Correct page and approve the corrections.",
                icon=":material/label_off:",
            )
            first_labels(project, key="results")
        elif way == _FILES:
            import_panel(project, labelled)
        else:
            _model_panel(project, labelled)


def _model_panel(project: ProjectRecord, labelled: Sequence[ImageRecord]) -> None:
    """Model, images, options, what the check says, the button."""
    models = context.offered_models(query(Query.MODEL))
    if not models:
        st.info(
            "There is no model yet. Train one on the Train page, or import one on the Models page.",
            icon=":material/model_training:",
        )
        return
    left, right = side_by_side([1, 1], key="evaluate")
    asked = query(Query.MODEL)
    current = context.current_model(project.id)
    first = asked if asked in models else (current.id if current and current.id in models else next(iter(models)))
    model_id = model_choice(
        "Model", models, key=f"results-model-{project.id}-{_begun()}-{first}", first=first, place=left
    )
    with left:
        undertrained_notice(models[model_id], key="results", evaluate=False)
    with right:
        image_ids = _images(project, labelled)
    plan = EvaluationPlan(
        project_id=project.id, model_id=model_id, image_ids=image_ids, settings=settings_fields(project)
    )
    check = check_evaluation(context.store(), plan)
    for refusal in check.refusals:
        st.error(plain(str(refusal)), icon=":material/block:")
    for text in check.warnings:
        st.warning(plain(text), icon=":material/warning:")
    if st.button("Evaluate", type="primary", icon=":material/play_arrow:", disabled=bool(check.refusals)):
        start_evaluation(context.store(), plan, by=person())
        begun()


def settings_fields(project: ProjectRecord) -> dict[str, Any]:
    """What changes how it is measured; empty where everything is as usual."""
    settings: dict[str, Any] = {}
    with st.expander("Evaluation settings", icon=":material/tune:"):
        places = st.columns(2)
        for number, row in enumerate(CHOOSABLE):
            usual = getattr(EvaluationSettings(), row.name)
            kind = int if row.whole else float
            value = places[number % len(places)].number_input(
                row.title, min_value=kind(row.lowest), value=usual, placeholder=row.usual or None, help=row.help,
                key=f"results-{row.name}-{project.id}",
            )  # fmt: skip
            if value != usual:
                settings[row.name] = value
    return settings


def begun() -> None:
    """Empty the form and look at the newest evaluation."""
    st.session_state[StateKey.RESULTS_BEGUN] = _begun() + 1
    set_query(Query.EVALUATION, None)
    set_query(Query.SECTION, None)
    st.rerun()


def _images(project: ProjectRecord, labelled: Sequence[ImageRecord]) -> tuple[str, ...] | None:
    """None for the whole test set; else those that are chosen."""
    test = [image for image in labelled if image.split is Split.TEST]
    what = st.segmented_control(
        "Images",
        [_TEST_SET, _CHOSEN],
        default=_TEST_SET,
        required=True,
        key=f"results-images-{project.id}-{_begun()}",
        help="Scores are meaningful only on a fixed test set that was not used for training.",
    )
    if what == _TEST_SET:
        st.caption(f"{counted(len(test), 'image')} of the test set with reference labels.")
        return None
    by_id = {image.id: image for image in labelled}
    chosen = choices(
        "Images with reference labels",
        {image.id: f"{image.name} ({image.split})" for image in labelled},
        first=[image.id for image in test],
        details=image_details(by_id),
        key=f"results-chosen-{project.id}-{_begun()}",
        label_visibility="collapsed",
        placeholder="Choose images",
    )
    return tuple(chosen)


def _begun() -> int:
    return int(st.session_state.get(StateKey.RESULTS_BEGUN, 0))
