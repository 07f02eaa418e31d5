"""Galleries of images: one's own, the examples, each with what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.demo.project import demo_project
from core.jobs.kinds import JobKind
from core.jobs.rows import active_jobs
from core.store.records import ImageRecord, JobState, RevisionKind
from core.wording import counted
from ui import context
from ui.access import visible_images
from ui.errors import explaining, plain
from ui.pages import DATA_PAGE
from ui.parts.gallery import gallery, grouped
from ui.parts.takeaway import takeaway_button
from ui.state import Query, StateKey

_STATE_WORDS: Final = {
    JobState.RUNNING: "being segmented",
    JobState.QUEUED: "queued for segmentation",
    JobState.HELD: "waiting for its pixel size",
}

_TAKEN_PROJECTS: Final = 2
"""Buttons beside the heading; the Data page has one for every project."""

_MORE: Final = 24
"""Cards that one press adds."""

FOLLOW_S: Final = 3.0
"""How often a gallery looks whether images wait, are being segmented, or are done."""


def own_images(
    images: Sequence[ImageRecord], *, title: str = "Your images", selecting: bool = False
) -> list[ImageRecord]:
    """The newest of the person's images, and the way to all of them; nothing is drawn where there are none.

    Parameters
    ----------
    title
        Above them; "": none.
    selecting
        Whether cards can be ticked.

    Returns
    -------
    list of ImageRecord
        Those that are ticked.
    """
    if not images:
        return []
    groups = grouped(context.newest_first(images))
    shown = groups[: st.session_state.get(StateKey.IMAGES_SHOWN, context.RECENT)]
    if title:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(title, anchor=False, width="content")
            _takeaway(images)
    active = _under_way()
    ticked = gallery(shown, image_notes(shown, active), key="own", selecting=selecting)
    if len(groups) > len(shown):
        with st.container(horizontal=True, vertical_alignment="center"):
            _more(len(groups) - len(shown))
            _links_to_all(images)
    _follow(active)
    return ticked


def _more(hidden: int) -> None:
    """A button that shows further cards, also to tick them; this tab remembers how many."""
    more = min(hidden, _MORE)
    if st.button(f"Show {more} more", key="own-more", icon=":material/expand_more:", type="tertiary"):
        st.session_state[StateKey.IMAGES_SHOWN] = st.session_state.get(StateKey.IMAGES_SHOWN, context.RECENT) + more
        st.rerun()


def example_images(images: Sequence[ImageRecord], title: str, words: str) -> None:
    """The examples of the demo project, in the order of their names."""
    if not images:
        return
    st.subheader(title, anchor=False)
    st.caption(words)
    groups = grouped(sorted(images, key=lambda image: image.name))
    gallery(groups, image_notes(groups, _under_way()), key="examples")


def own_and_examples() -> tuple[list[ImageRecord], list[ImageRecord]]:
    """The images that this person may see: those brought here, and the demo project's examples.

    The demo project's other images are there to evaluate models on and to train rounds with; they are in no gallery.
    """
    images, demo = visible_images(), demo_project(context.store())
    own = [image for image in images if demo is None or image.project_id != demo.id]
    return own, [image for image in images if demo is not None and image.project_id == demo.id and image.example]


def image_notes(groups: Sequence[Sequence[ImageRecord]], active: dict[str, JobState]) -> dict[str, str]:
    """One line on each image or stack, by the first image's id: which label maps it has, or that it waits for one.

    Parameters
    ----------
    active
        State of the prediction under way of each image that has one.
    """
    return {group[0].id: _stack_note(group, active) if len(group) > 1 else _note(group[0], active) for group in groups}


def _note(image: ImageRecord, active: dict[str, JobState]) -> str:
    revisions = context.store().revisions.of_image(image.id)
    makers = sorted({item.model_id or "" for item in revisions if item.kind is RevisionKind.PREDICTION} - {""})
    by = plain(context.model_name(makers[0])) if len(makers) == 1 else f"{len(makers)} models"
    parts = [f"segmented by {by}"] if makers else []
    if image.id in active:
        parts = [_STATE_WORDS[active[image.id]]]
    if any(item.kind is RevisionKind.REFERENCE for item in revisions):
        parts.append("has reference labels")
    return ", ".join(parts) or "not segmented yet"


def _stack_note(planes: Sequence[ImageRecord], active: dict[str, JobState]) -> str:
    kinds = context.store().revisions.kinds_of_project(planes[0].project_id)
    made = sum(RevisionKind.PREDICTION in kinds.get(plane.id, ()) for plane in planes)
    waiting = sum(plane.id in active for plane in planes)
    note = f"{len(planes)} planes, {made or 'none'} segmented"
    return f"{note}, {waiting} in progress" if waiting else note


def _under_way() -> dict[str, JobState]:
    """The images that are being segmented or wait for it."""
    rows = active_jobs(kinds=[JobKind.PREDICT])
    return {str(row.image_id): row.state for row in reversed(rows)}


def _links_to_all(images: Sequence[ImageRecord]) -> None:
    """To the Data page, which shows one project at a time."""
    counts = Counter(image.project_id for image in images)
    for project_id, count in counts.most_common():
        where = "" if len(counts) == 1 else f" of {plain(context.store().projects.get(project_id).name)}"
        label = f"All {counted(count, 'image')}{where}" if count > 1 else f"The image{where}"
        if st.button(label, key=f"all-{project_id}", icon=":material/photo_library:", type="tertiary"):
            st.switch_page(DATA_PAGE, query_params={Query.PROJECT.value: project_id})


def _takeaway(images: Sequence[ImageRecord]) -> None:
    """All images of a project as one zip, for the projects that have most."""
    by_project: dict[str, list[str]] = {}
    for image in images:
        by_project.setdefault(image.project_id, []).append(image.id)
    for project_id, image_ids in sorted(by_project.items(), key=lambda item: -len(item[1]))[:_TAKEN_PROJECTS]:
        where = "" if len(by_project) == 1 else f" of {context.store().projects.get(project_id).name}"
        label = f"Export {counted(len(image_ids), 'image')}{plain(where)}"
        takeaway_button(label, project_id, image_ids, key=f"takeaway-{project_id}")


@st.fragment(run_every=FOLLOW_S)
@explaining
def _follow(drawn: dict[str, JobState]) -> None:
    """Draw the page anew when the state of an image has changed."""
    if _under_way() != drawn:
        st.rerun()
