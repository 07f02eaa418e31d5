"""Which image is corrected, and what the correction begins from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import streamlit as st

from core.annotation.draft_start import begin_draft, discard_draft
from core.annotation.history import HistoryEntry, history
from core.annotation.progress import TO_DO, ImageProgress, Standing, is_asked, is_to_do, standing_of
from core.predictions.verdicts import verdict_on
from core.review.double_annotation import hidden_authors, hidden_revisions, own_work
from core.review.records import ReviewState
from core.review.rows import review as review_of
from core.store.people import person_key
from core.store.records import DraftRecord, DraftState, ImageRecord, ProjectRecord, RevisionKind, Split
from core.wording import counted
from ui import context
from ui.address import kept_in_address
from ui.errors import explained, explaining, plain
from ui.pages import SEGMENT_PAGE
from ui.parts.familiarity import verdict_line
from ui.parts.first_labels import first_labels
from ui.parts.names import REVIEW_STATES, image_details
from ui.parts.options import choice, unequal
from ui.parts.units import duration_text
from ui.person import person as who
from ui.state import Query, query, set_query
from ui.viewer.annotator import annotator_ahead

_DRAFT_POLL_S: Final = 3.0
"""How often the line below the image asks what was painted."""

_EMPTY: Final = ""
"""In place of a revision: begin with background everywhere."""

_KINDS: Final = {
    RevisionKind.PREDICTION: "Prediction",
    RevisionKind.REFERENCE: "Reference",
    RevisionKind.CORRECTION: "Correction",
}

_STANDINGS: Final = {
    Standing.DRAFT: "your draft",
    Standing.CHANGES_REQUESTED: "changes requested",
    Standing.WAITING: "awaiting review",
    Standing.APPROVED: "approved",
    Standing.REJECTED: "rejected",
    Standing.SEGMENTED: "segmented",
    Standing.REFERENCE: "has a reference",
    Standing.NOTHING: "no label map",
}

SPLITS: Final = {
    Split.TRAIN: "training",
    Split.TEST: "test set",
    Split.POOL: "pool",
}


def image_picker(project: ProjectRecord, known: Mapping[str, ImageProgress]) -> ImageRecord | None:
    """The image, kept in the address; None where the project has none.

    Parameters
    ----------
    known
        How far each image is (`core.annotation.progress.progress`); said beside its name.
    """
    images = _in_order(context.store().images.all(project.id), known)
    if not images:
        st.info("This project has no images yet. Import some on the Data page.", icon=":material/photo_library:")
        first_labels(project, key="correct")
        return None
    asked = query(Query.IMAGE)
    if asked and asked not in images:
        st.warning("This link points to an image that is no longer in this project.", icon=":material/link_off:")
    first = next(iter(images))
    if not asked:
        set_query(Query.IMAGE, first)  # so that it stays when it is submitted and no longer the first to do
    decided = any(image.split is not Split.POOL for image in images.values())
    to_do = sum(is_to_do(known, i) for i in images)
    chosen = choice(
        "Image",
        {
            i: " · ".join([image.name, _standing_text(known, i), *([SPLITS[image.split]] if decided else [])])
            for i, image in images.items()
        },
        details=image_details(images),
        key="correct-image",
        on_change=_another_image(kept_in_address(Query.IMAGE, "correct-image", images, first)),
        help=f"{to_do:,} of {counted(len(images), 'image')} still to correct",
    )
    return images[chosen]


def _standing_text(known: Mapping[str, ImageProgress], image_id: str) -> str:
    return "assigned to you" if is_asked(known, image_id) else _STANDINGS[standing_of(known, image_id)]


def _another_image(changed: Callable[[], None]) -> Callable[[], None]:
    """A place in the address is one of the image before."""

    def also_forget_place() -> None:
        changed()
        for name in (Query.PLACE, Query.REVISION, Query.DOUBT):
            set_query(name, None)

    return also_forget_place


def _in_order(images: Sequence[ImageRecord], known: Mapping[str, ImageProgress]) -> dict[str, ImageRecord]:
    """What needs work first: images asked of this person, their own drafts, those left to do; the test set last."""
    tested, order = tested_images(images), (*TO_DO, Standing.NOTHING)

    def rank(image: ImageRecord) -> tuple[bool, bool, bool, int]:
        standing = standing_of(known, image.id)
        late = image.id in tested and standing is not Standing.DRAFT
        place = order.index(standing) if standing in order else len(order)
        return not is_asked(known, image.id), not is_to_do(known, image.id), late, place

    return {image.id: image for image in sorted(images, key=rank)}


def tested_images(images: Iterable[ImageRecord]) -> frozenset[str]:
    """Ids of those in the test set."""
    return frozenset(image.id for image in images if image.split is Split.TEST)


def entries_of(project: ProjectRecord, image: ImageRecord, person: str) -> tuple[HistoryEntry, ...]:
    """The image's revisions that this person may see, newest first."""
    store = context.store()
    return history(store, image.id, hidden=hidden_revisions(store, project.id, person, image_id=image.id))


def revision_notice(entries: Sequence[HistoryEntry]) -> None:
    """Say that the label map of a link is not one of the image, as far as this person may see them."""
    asked = query(Query.REVISION)
    if asked and all(entry.revision.id != asked for entry in entries):
        st.warning(
            "This link points to a label map that does not exist or that you cannot see.", icon=":material/link_off:"
        )


def my_draft(image: ImageRecord, person: str) -> DraftRecord | None:
    """This person's open draft of the image."""
    found = context.store().drafts.of_image(image.id)
    return next((draft for draft in found if person_key(draft.author) == person_key(person)), None)


def revision_label(entry: HistoryEntry) -> str:
    """One revision in a list."""
    revision = entry.revision
    made_by_model = revision.kind is RevisionKind.PREDICTION and revision.model_id
    who = context.model_name(revision.model_id or "") if made_by_model else revision.author
    parts = [_KINDS[revision.kind], f"by {who}" if who else "", REVIEW_STATES[entry.review] if entry.review else ""]
    return " · ".join([part for part in parts if part] + [f"{revision.created_at:%Y-%m-%d %H:%M}"])


def revision_texts(entries: Sequence[HistoryEntry]) -> dict[str, str]:
    """Revisions in a list, by their ids; of those of one minute each tells its second."""
    details = {entry.revision.id: (f"{entry.revision.created_at:%H:%M:%S}",) for entry in entries}
    return unequal({entry.revision.id: revision_label(entry) for entry in entries}, details)


def start_panel(project: ProjectRecord, image: ImageRecord, person: str, entries: Sequence[HistoryEntry]) -> None:
    """Choose what to begin from, and begin."""
    by_id = {entry.revision.id: entry for entry in entries}
    others(image, person)
    with st.container(border=True):
        if not by_id:
            st.markdown("This image has no label map yet. Segment it first, then correct only the errors,")
            st.page_link(SEGMENT_PAGE, label="Segment", icon=":material/blur_on:",
                         query_params={Query.IMAGE.value: image.id})  # fmt: skip
            st.markdown("or start from an empty label map.")
        asked = own_work(context.store(), image.id, person)
        options = [*by_id, _EMPTY] if asked is None else [asked.base_revision_id or _EMPTY]
        default = options[0]
        if asked is None:
            current = context.current_model(project.id, image.id)
            default = default_start(entries, person, current.id if current else None)
            linked = query(Query.REVISION)
            default = linked if linked and linked in by_id else default
        _asked_for_changes(by_id.get(default))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            texts = revision_texts(entries) | {_EMPTY: "Empty (all background)"}
            chosen = choice(
                "Start from",
                {option: texts[option] for option in options},
                first=default,
                key=f"correct-start-{image.id}-{len(options)}",
                help="All annotators assigned to this image start from the same label map." if asked else None,
            )
            begin = st.button("Start", type="primary", icon=":material/brush:", key="correct-begin")
        if chosen in by_id:
            verdict_line(verdict_on(context.store(), by_id[chosen].revision))
        text = "The label map stays unchanged. Your correction becomes a new revision when you submit it."
        st.caption(f"{text}{_waiting_words(entries, chosen, person)}")
    annotator_ahead(key="correct-ahead")
    if begin:
        with explained():
            begin_draft(context.store(), image.id, person, chosen or None)
            st.session_state["correct-started"] = image.id
        if st.session_state.pop("correct-started", None):
            st.rerun()


def _waiting_words(entries: Sequence[HistoryEntry], chosen: str, person: str) -> str:
    """What becomes of one's own correction that waits for review, "" where none does."""
    waiting = [
        entry.revision.id
        for entry in entries
        if entry.review is ReviewState.SUBMITTED
        and not entry.replaced
        and person_key(entry.revision.author) == person_key(person)
    ]
    if not waiting:
        return ""
    if chosen in waiting:
        return " Your earlier correction is awaiting review; your next submission replaces it there."
    return " Your earlier correction is awaiting review. To change it, start from it."


def _asked_for_changes(entry: HistoryEntry | None) -> None:
    """What a reviewer wants of the correction that is offered to begin from."""
    if entry is None or entry.review is not ReviewState.CHANGES_REQUESTED:
        return
    found = review_of(context.store(), entry.revision.id)
    text = f"{found.decided_by or 'A reviewer'} requested changes to this correction: {found.reason}"
    st.warning(plain(text), icon=":material/edit_note:")


def default_start(entries: Sequence[HistoryEntry], person: str, model_id: str | None = None) -> str:
    """What is nearest to the truth, so that nothing a person did is lost from view.

    One's own newest submission that waits or was asked to be changed; then the newest of what was approved and what
    one has withdrawn; the prediction of the current model; a reference; any other.

    Parameters
    ----------
    model_id
        The project's current model: its prediction comes before newer ones of other models.
    """
    mine = [
        entry for entry in entries if person_key(entry.revision.author) == person_key(person) and not entry.replaced
    ]
    waiting = [each for each in mine if each.review in (ReviewState.SUBMITTED, ReviewState.CHANGES_REQUESTED)]
    withdrawn = {each.revision.id for each in mine if each.review is ReviewState.WITHDRAWN}
    done = [entry for entry in entries if entry.review is ReviewState.APPROVED or entry.revision.id in withdrawn]
    predictions = [entry for entry in entries if entry.revision.kind is RevisionKind.PREDICTION]
    in_use = [prediction for prediction in predictions if model_id is None or prediction.revision.model_id == model_id]
    references = [entry for entry in entries if entry.revision.kind is RevisionKind.REFERENCE]
    found = next(iter((*waiting, *done, *in_use, *references, *predictions, *entries)), None)
    return found.revision.id if found else _EMPTY


def draft_panel(draft: DraftRecord, entries: Sequence[HistoryEntry]) -> None:
    """What the open draft is, and a way to throw it away."""
    base = next((entry for entry in entries if entry.revision.id == draft.base_revision_id), None)
    came_from = (
        revision_label(base) if base else "an empty label map" if draft.base_revision_id is None else "a revision"
    )
    linked = next((entry for entry in entries if entry.revision.id == query(Query.REVISION)), None)
    if linked is not None and linked.revision.id != draft.base_revision_id:
        st.info(
            plain(
                f"Your open draft was started from {came_from}. To start from {revision_label(linked)} instead, "
                "submit or discard this draft first."
            ),
            icon=":material/call_split:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        _draft_line(draft.id, came_from)
        with st.popover("Discard", icon=":material/delete:", type="tertiary"):
            st.markdown("Discards everything painted in this draft. Submitted revisions are kept.")
            if st.button("Discard draft", type="primary", key=f"discard-{draft.id}"):
                with explained():
                    discard_draft(context.store(), draft.id, by=who())
                st.rerun()


@st.fragment(run_every=_DRAFT_POLL_S)
@explaining
def _draft_line(draft_id: str, came_from: str) -> None:
    """What is painted in the draft by now: it is saved by the browser, past this page."""
    draft = context.store().drafts.get(draft_id)
    if draft.state is not DraftState.OPEN:
        return
    work = f": {counted(draft.strokes, 'stroke')} in {duration_text(draft.seconds)}" if draft.strokes else ""
    st.caption(plain(f"Your draft, started {draft.created_at:%Y-%m-%d %H:%M} UTC from {came_from}{work}."))


def others(image: ImageRecord, person: str) -> None:
    """Who else paints on this image: nobody overwrites anybody."""
    store = context.store()
    hidden = hidden_authors(store, image.id, person)
    names = [
        draft.author or "another person"
        for draft in store.drafts.of_image(image.id)
        if person_key(draft.author) != person_key(person) and person_key(draft.author) not in hidden
    ]
    if names:
        st.caption(
            plain(
                f"{', '.join(names)} also {'has' if len(names) == 1 else 'have'} an open draft of this image. "
                "Drafts are independent."
            ),
        )
