"""The history of an image: who made which label map, what differs between two, going back to one, taking one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd
import streamlit as st

from core.annotation.history import Difference, HistoryEntry, restore
from core.label_scheme import LabelScheme
from core.review.decisions import withdraw
from core.review.object_changes import submitted_changes
from core.review.records import ReviewState
from core.store.people import person_key
from core.store.records import ImageRecord, ProjectRecord, RevisionKind, RevisionRecord
from core.wording import counted
from ui import context
from ui.correct.start import revision_texts
from ui.errors import explained, plain
from ui.parts.columns import count_columns, picked_row
from ui.parts.names import REVIEW_STATES
from ui.parts.options import choice
from ui.parts.revision_difference import difference_between
from ui.parts.units import duration_text
from ui.viewer.compare import PaneKind, PaneMode, PaneStory, linked_panes
from ui.viewer.place import Place


def history_panel(
    project: ProjectRecord, image: ImageRecord, person: str, entries: Sequence[HistoryEntry], *, may_restore: bool
) -> None:
    """A table of revisions; below it, what differs between two."""
    if not entries:
        return
    with st.expander(f"History: {counted(len(entries), 'label map')}", icon=":material/history:"):
        st.dataframe(
            history_table(entries, {model_id: context.model_name(model_id) for model_id in _makers(entries)}),
            hide_index=True, width="stretch", key=f"history-{image.id}", placeholder="–",
            column_config=count_columns("Changed, px", "Confirmed, px"),
        )  # fmt: skip
        _actions(entries, person, may_restore=may_restore)
        if len(entries) > 1:
            _compare(project, image, entries)


def history_table(entries: Sequence[HistoryEntry], models: Mapping[str, str] = MappingProxyType({})) -> pd.DataFrame:
    """One row per revision, newest first.

    Parameters
    ----------
    models
        Names of models by id; one that is gone is called by its id.
    """
    table = pd.DataFrame(
        [
            {
                "When": f"{entry.revision.created_at:%Y-%m-%d %H:%M} UTC",
                "Type": entry.revision.kind.value,
                "By": _made_by(entry.revision, models),
                "Review": REVIEW_STATES[entry.review] if entry.review else "",
                "Changed, px": entry.revision.details.get("changes", {}).get("pixels"),
                "Objects": submitted_changes(entry.revision).words,
                "Confirmed, px": sum(entry.revision.details["covered"].values())
                if "covered" in entry.revision.details
                else None,
                "Work": duration_text(entry.revision.details["seconds"])
                if entry.revision.details.get("seconds")
                else "",
                "Note": entry.revision.details.get("note", ""),
            }
            for entry in entries
        ]
    )
    return table.drop(columns="Objects") if (table["Objects"] == "").all() else table


def _makers(entries: Sequence[HistoryEntry]) -> set[str]:
    """Ids of the models that made any of them."""
    return {entry.revision.model_id for entry in entries if entry.revision.model_id}


def _made_by(revision: RevisionRecord, models: Mapping[str, str]) -> str:
    """The model of a prediction, whoever asked for it; else the person."""
    if revision.kind is RevisionKind.PREDICTION and revision.model_id:
        return models.get(revision.model_id, revision.model_id)
    return revision.author


def _actions(entries: Sequence[HistoryEntry], person: str, *, may_restore: bool) -> None:
    """Begin again from any revision; take back one's own before it is reviewed."""
    by_id = {entry.revision.id: entry for entry in entries}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choice("Label map", revision_texts(entries), key="history-chosen")
        restoring = st.button(
            "Start a draft", icon=":material/restore:", disabled=not may_restore, key="history-restore",
            help=None if may_restore else "Requires the role annotator and no open draft of this image.",
        )  # fmt: skip
        entry = by_id[chosen]
        mine = person_key(entry.revision.author) == person_key(person) and bool(person)
        waiting = entry.review in (ReviewState.SUBMITTED, ReviewState.CHANGES_REQUESTED)
        taking_back = mine and waiting and st.button("Withdraw", icon=":material/undo:", key="history-withdraw")
    with explained():
        done = False
        if restoring:
            restore(context.store(), chosen, person)
            done = True
        if taking_back:
            withdraw(context.store(), chosen, person)
            done = True
        if done:
            st.rerun()


def _compare(project: ProjectRecord, image: ImageRecord, entries: Sequence[HistoryEntry]) -> None:
    """Two revisions side by side, and what differs."""
    texts = revision_texts(entries)
    ids = list(texts)
    left, right = st.columns(2)
    with left:
        before = choice("Before", texts, first=ids[1], key=f"history-before-{len(ids)}")
    with right:
        after = choice("After", texts, first=ids[0], key=f"history-after-{len(ids)}")
    if before == after or not st.toggle("Show differences", key="history-show"):
        return
    with explained():
        found = difference_between(before, after)
        if found.objects:
            st.markdown(plain(f"{found.objects.words}."))
        if not found.changes.pixels and found.objects:
            st.caption("No pixel has another class.")
            return
        if not found.changes.pixels:
            st.success("The two label maps are identical.", icon=":material/check_circle:")
            return
        _shown(project, image, before, after, found)


def _shown(project: ProjectRecord, image: ImageRecord, before: str, after: str, found: Difference) -> None:
    """Counts, regions, panes; a click on a region goes there."""
    st.markdown(plain(f"{found.changes.pixels:,} px differ, in {counted(len(found.regions), 'region')} or more."))
    table, listed = st.columns(2, gap="medium")
    table.dataframe(
        classes_table(found, project.scheme), hide_index=True, placeholder="–", width="stretch", key="history-classes",
        column_config=count_columns("Gained, px", "Lost, px"),
    )  # fmt: skip
    with listed:
        picked = st.dataframe(
            regions_table(found, project.scheme), hide_index=True, placeholder="–", width="stretch", height=240,
            column_config=count_columns("Size, px"),
            key=f"history-regions-{before}-{after}", on_select="rerun", selection_mode="single-cell",
        )  # fmt: skip
    index = picked_row(picked["selection"])
    focus = None
    if index is not None:
        box = found.regions[index].box
        focus = Place(box.row, box.column, box.height, box.width, token=f"{before}-{after}-{index}")
    linked_panes(
        image.id,
        reference_id=before,
        prediction_id=after,
        classes=project.scheme.classes,
        mode=PaneMode.SWIPE,
        panes=(PaneKind.REFERENCE, PaneKind.PREDICTION),
        error_class=None,
        focus=focus,
        key=f"history-panes-{before}-{after}",
        height=520,
        remember_as="history",
        url_view=False,
        story=PaneStory.CHANGES,
    )


def classes_table(found: Difference, scheme: LabelScheme) -> pd.DataFrame:
    """Pixels gained and lost per class."""
    return pd.DataFrame(
        {
            "Class": [_name(scheme, change.class_id) for change in found.changes.classes],
            "Gained, px": [change.gained for change in found.changes.classes],
            "Lost, px": [change.lost for change in found.changes.classes],
        }
    )


def regions_table(found: Difference, scheme: LabelScheme) -> pd.DataFrame:
    """Changed regions, largest first."""
    return pd.DataFrame(
        {
            "Before": [_name(scheme, region.before) for region in found.regions],
            "After": [_name(scheme, region.after) for region in found.regions],
            "Size, px": [region.pixels for region in found.regions],
        }
    )


def _name(scheme: LabelScheme, class_id: int) -> str:
    if class_id == 0:
        return "background"
    return scheme.name_of(class_id) if class_id in scheme.ids else f"class {class_id}"
