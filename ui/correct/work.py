"""The draft on the image: paint tools, the next place to look, and what a submission changed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.annotation.progress import ImageProgress, next_image
from core.annotation.ranking import Strategy
from core.annotation.suggestions import Suggestion, Tour, Visit, start_again, strategies, tour, visit
from core.errors import AnnotationError
from core.label_scheme import LabelScheme
from core.review.object_changes import submitted_changes
from core.review.records import ReviewState
from core.review.rows import review as review_of
from core.store.records import DraftRecord, ImageRecord, ProjectRecord
from core.wording import counted
from ui import context
from ui.correct.asked import asked_panel
from ui.correct.start import tested_images
from ui.errors import plain
from ui.pages import REVIEW_PAGE
from ui.parts.columns import count_columns
from ui.parts.names import REVIEW_STATES
from ui.parts.options import titled
from ui.parts.pixel_size_change import use_measured_scale
from ui.parts.units import duration_text
from ui.state import Query, StateKey, query, set_query
from ui.viewer.annotator import annotator
from ui.viewer.place import Place

_STRATEGIES: Final = {
    Strategy.CONFIDENCE: "Where the model is unsure",
    Strategy.RANDOM: "At random",
    Strategy.VARIETY: "Varied places",
}


def work_panel(project: ProjectRecord, image: ImageRecord, draft: DraftRecord, person: str) -> None:
    """What a reviewer wants and suggestions above, the image with the tools below."""
    asked_panel(image, person)
    suggested = _suggestions(image, project.scheme, person)
    place = linked_place(image) or suggested  # "Next place" takes the link out of the address
    state = annotator(
        draft.id,
        image.id,
        classes=project.scheme.classes,
        key=f"annotator-{draft.id}",
        author=person,
        focus=place,
        on_submit=partial(_submitted, draft.id),
        scale_tool=True,
    )
    if state.scale_line:
        use_measured_scale(image.id, state.scale_line.length_px, state.scale_line.typed, None, False, ())


def submitted_panel(project: ProjectRecord, image: ImageRecord, known: Mapping[str, ImageProgress]) -> None:
    """What the submission of this tab changed, and where to go from here.

    Parameters
    ----------
    known
        How far each image of the project is.
    """
    revision_id = st.session_state.get(StateKey.SUBMITTED)
    if not revision_id:
        return
    revision = context.store().revisions.get(revision_id)
    if revision.image_id != image.id:
        return
    it = review_of(context.store(), revision_id)
    with st.container(border=True):
        message, away = st.columns([5, 1], vertical_alignment="center")
        details = revision.details
        work = (
            f"{details['changes']['pixels']:,} px changed in {counted(details['strokes'], 'stroke')}, "
            f"{duration_text(details['seconds'])} of work."
        )
        if objects := submitted_changes(revision).words:
            work += f" {objects}."
        if it.state is ReviewState.SUBMITTED:
            message.success(plain(f"Submitted: {work} Awaiting review."), icon=":material/check_circle:")
        else:
            by = f" by {it.decided_by}" if it.decided_by else ""
            message.info(plain(f"Your submission ({REVIEW_STATES[it.state]}{by}): {work}"), icon=":material/info:")
        if away.button("Close", icon=":material/close:", type="tertiary", key="correct-submitted-close"):
            st.session_state[StateKey.SUBMITTED] = None
            st.rerun()
        st.dataframe(
            changes_table(details, project.scheme), hide_index=True, placeholder="–",
            key=f"correct-changes-{revision_id}",
            column_config=count_columns("Gained, px", "Lost, px", "Confirmed, px"),
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            _next_image(project, image, known)
            st.page_link(
                REVIEW_PAGE, label="Open in Review", icon=":material/rate_review:",
                query_params={Query.PROJECT.value: project.id, Query.REVISION.value: revision_id},
            )  # fmt: skip


def _next_image(project: ProjectRecord, image: ImageRecord, known: Mapping[str, ImageProgress]) -> None:
    """A button to the next image that is left to correct."""
    images = context.store().images.all(project.id)
    names = {image.id: image.name for image in images}
    following = next_image(list(names), known, image.id, last=tested_images(images))
    if following is None:
        st.caption("All images of the project are corrected or awaiting review.")
        return
    label = plain(f"Next image: {names[following]}")
    if st.button(label, icon=":material/arrow_forward:", type="primary", key="correct-next-image"):
        st.session_state[StateKey.SUBMITTED] = None
        set_query(Query.IMAGE, following)
        for name in (Query.PLACE, Query.REVISION, Query.DOUBT):
            set_query(name, None)
        st.rerun()


def changes_table(details: dict[str, Any], scheme: LabelScheme) -> pd.DataFrame:
    """Per class: pixels gained and lost against the label map that the draft was begun from, pixels confirmed."""
    changes, covered = details["changes"], details["covered"]
    by_class = {row[0]: row[1:] for row in changes["classes"]}
    ids = sorted({*by_class, *(int(i) for i in covered)})
    return pd.DataFrame(
        {
            "Class": ["background" if i == 0 else scheme.name_of(i) for i in ids],
            "Gained, px": [by_class.get(i, (0, 0))[0] for i in ids],
            "Lost, px": [by_class.get(i, (0, 0))[1] for i in ids],
            "Confirmed, px": [covered.get(str(i), 0) for i in ids],
        }
    )


def _submitted(draft_id: str) -> None:
    """The draft is closed in the run that follows, so there is no annotator to ask then."""
    st.session_state[StateKey.SUBMITTED] = context.store().drafts.get(draft_id).submitted_revision_id
    set_query(Query.REVISION, None)  # the link has led here; from now on the correction itself is what to start from


def _suggestions(image: ImageRecord, scheme: LabelScheme, person: str) -> Place | None:
    """The bar with "Next place"; the place that is looked at."""
    with st.container(horizontal=True, vertical_alignment="center", key="correct-suggestions"):
        possible = strategies(context.store(), image.id)
        strategy = st.segmented_control(
            "Next place",
            possible,
            default=possible[0],
            format_func=titled(_STRATEGIES),
            key=f"correct-strategy-{len(possible)}",
            required=True,
            label_visibility="collapsed",
        )
        try:
            found = tour(context.store(), image.id, person, Strategy(strategy or possible[0]))
        except AnnotationError as error:
            st.caption(plain(f"{error.cause} {error.remedy}"))
            return None
        here = _here(found)
        st.button(
            "Next place", icon=":material/my_location:", key="correct-next", on_click=_go_on,
            args=(found, here, Visit.SEEN, person), disabled=found.next is None,
            help="Marks this place as seen and jumps to the next one",
        )  # fmt: skip
        st.button(
            "Skip", icon=":material/skip_next:", key="correct-skip", on_click=_go_on,
            args=(found, here, Visit.SKIPPED, person), disabled=here is None, type="tertiary",
        )  # fmt: skip
        text = f"{found.done} of {counted(len(found.suggestions), 'place')} reviewed"
        if here is not None and here.class_id is not None:
            text += f" · here: {_doubt(here.class_id, here.confidence, scheme)}"
        elif not found.suggestions:
            text = "No uncertain places in this image."
        elif found.revision_id is None:
            text += " · chosen for varied texture"
        st.caption(plain(text))
        if found.suggestions and found.next is None and st.button("Restart", type="tertiary", key="correct-again"):
            start_again(context.store(), found, person)
            set_query(Query.PLACE, None)
            st.session_state[StateKey.SUGGESTED] = None
            st.rerun()
    return _place(here) if here else None


def _here(found: Tour) -> Suggestion | None:
    """The suggestion that this tab looks at."""
    about, _, place = str(st.session_state.get(StateKey.SUGGESTED) or "").partition("/")
    if about != _about(found):
        return None
    return next((suggestion for suggestion in found.suggestions if suggestion.place == place), None)


def _about(found: Tour) -> str:
    """Id of what the places were found in."""
    return found.revision_id or found.image_id


def _go_on(found: Tour, here: Suggestion | None, outcome: Visit, person: str) -> None:
    """Remember what became of a place, and go to the next."""
    set_query(Query.PLACE, None)
    if here is not None:
        visit(context.store(), found, person, here, outcome)
    seen = {*found.visits, *([here.place] if here else [])}
    following = next((suggestion for suggestion in found.suggestions if suggestion.place not in seen), None)
    st.session_state[StateKey.SUGGESTED] = f"{_about(found)}/{following.place}" if following else None


def _doubt(class_id: int, confidence: float | None, scheme: LabelScheme) -> str:
    """What is in doubt at a place."""
    name = "background, possibly missed objects" if class_id == 0 else scheme.name_of(class_id)
    return name if confidence is None else f"{name}, mean confidence {confidence:.2f}"


def _place(here: Suggestion) -> Place:
    return Place(here.row, here.column, here.height_px, here.width_px, token=here.place)


def linked_place(image: ImageRecord) -> Place | None:
    """The place that the address names as row,column,height,width."""
    asked = query(Query.PLACE)
    try:
        row, column, height, width = (int(part) for part in (asked or "").split(","))
    except ValueError:
        return None
    if not (0 <= row < image.shape_yx[0] and 0 <= column < image.shape_yx[1] and height > 0 and width > 0):
        return None
    return Place(row, column, height, width, token=f"linked-{asked}")
