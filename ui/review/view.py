"""One correction: before and after side by side, what changed and where."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from core.errors import AccessError, NotFoundError
from core.review.changes import Region, changed_regions
from core.review.label_maps import COVERAGE
from core.review.object_changes import submitted_changes
from core.review.queue import opened_review
from core.review.records import Review
from core.review.rows import review as review_of
from core.store.people import person_key
from core.store.records import ProjectRecord
from core.wording import counted
from ui import context
from ui.errors import plain
from ui.parts.columns import count_columns, picked_row
from ui.parts.options import titled
from ui.parts.revision_difference import difference_between
from ui.parts.units import duration_text
from ui.review.decision import decision_panel, talk_panel
from ui.review.marks import draw_panel, forget_mark, marks_panel
from ui.state import Query, StateKey, set_query
from ui.viewer.compare import PANE_MODES, PaneKind, PaneMode, PaneStory, linked_panes
from ui.viewer.place import Place

HEIGHT_PX = 600
PANEL_PX = 380


def review_panel(project: ProjectRecord, revision_id: str, person: str) -> None:
    """Panes on the left; changes, marks, decision and thread on the right."""
    if st.button("Back to the queue", icon=":material/arrow_back:", type="tertiary", key="review-back"):
        set_query(Query.REVISION, None)
        st.rerun()
    try:
        review = opened_review(context.store(), revision_id, person)
    except NotFoundError:
        st.warning("This link points to a correction that does not exist.", icon=":material/link_off:")
        return
    except AccessError as error:
        st.info(plain(f"{error.cause} {error.remedy}"), icon=":material/lock:")
        return
    if review.project_id != project.id:  # a link from elsewhere: its own classes and roles count
        st.session_state[StateKey.PROJECT] = review.project_id
        set_query(Query.PROJECT, review.project_id)
        st.rerun()
    _facts(review)
    review, regions = _held_against(review)
    with st.container(horizontal=True, gap="medium", key="review-columns"):
        picture = st.container(width="stretch", key="review-picture")
        panel = st.container(width=PANEL_PX, key="review-side")
    with panel:
        st.markdown("**Decision**")
        decision_panel(review, person)
        focus = _changes(project, review, regions)
        st.markdown("**Marks**")
        focus = marks_panel(review, person) or focus
        st.markdown("**Comments**")
        talk_panel(review, person)
    with picture:
        _panes(project, review, focus)
        with st.expander("Mark places for the author", icon=":material/flag:"):
            image = context.store().images.get(review.image_id)
            draw_panel(project, image, review, person, [region.box for region in regions])


def _held_against(review: Review) -> tuple[Review, tuple[Region, ...]]:
    """All that changed since a label map that counts, or, where it was submitted before, what changed since then."""
    store = context.store()
    if review.parent_id is not None and review.parent_id != review.before_id:
        earlier = review_of(store, review.parent_id)
        same = {person_key(name) for name in review.authors} & {person_key(name) for name in earlier.authors}
        label = "Since the last submission" if same else f"Since the correction by {', '.join(earlier.authors)}"
        only = st.toggle(
            plain(label), key=f"review-since-{review.revision_id}",
            help="On: only changes since that revision, which has not been approved. Off: all changes that would "
                 "be approved.",
        )  # fmt: skip
        if only:
            found = difference_between(review.parent_id, review.revision_id)
            return replace(review, before_id=review.parent_id, changes=found.changes, effect=None), found.regions
    return review, changed_regions(store, review)


def regions_table(project: ProjectRecord, regions: tuple[Region, ...]) -> pd.DataFrame:
    """Changed regions, largest first."""
    return pd.DataFrame(
        {
            "Before": [_name(project, region.before) for region in regions],
            "After": [_name(project, region.after) for region in regions],
            "Size, px": [region.pixels for region in regions],
        }
    )


def classes_table(project: ProjectRecord, review: Review) -> pd.DataFrame:
    """Per class: gained and lost, and what that does to Dice where there is a reference."""
    changes = review.changes.classes if review.changes else ()
    table = pd.DataFrame(
        {
            "Class": [_name(project, change.class_id) for change in changes],
            "Gained, px": [change.gained for change in changes],
            "Lost, px": [change.lost for change in changes],
        }
    )
    effect = review.effect
    if effect is not None:
        pairs = [(effect.before.get(change.class_id), effect.after.get(change.class_id)) for change in changes]
        table["Dice"] = [_change_of_dice(before, after) for before, after in pairs]  # two columns would be cut off
    return table


def _change_of_dice(before: float | None, after: float | None) -> str | None:
    """Both figures in one cell; None where the reference and the label map are without the class."""
    if before is None and after is None:
        return None
    return " → ".join("–" if dice is None else f"{dice:.3f}" for dice in (before, after))


def _facts(review: Review) -> None:
    revision = context.store().revisions.get(review.revision_id)
    details = revision.details
    work = f"{counted(details.get('strokes', 0), 'stroke')}, {duration_text(details.get('seconds', 0.0))}"
    covered = sum(revision.details.get("covered", {}).values())
    sentences = [
        review.image_name, f"by {', '.join(review.authors) or 'unknown'}",
        f"submitted {review.created_at:%Y-%m-%d %H:%M} UTC", work, f"{covered:,} px confirmed",
    ]  # fmt: skip
    st.caption(plain(" · ".join(sentences)))
    if revision.details.get("note"):
        st.markdown(plain(f"“{revision.details['note']}”"))


def _changes(project: ProjectRecord, review: Review, regions: tuple[Region, ...]) -> Place | None:
    """What changed; the region that was clicked."""
    objects = submitted_changes(context.store().revisions.get(review.revision_id))
    if objects:
        st.markdown(f"**Objects**: {objects.words}")
    if not regions and objects:
        st.caption("No pixel has another class. The # key in the panes shows each object.")
        return None
    if not regions:
        st.success("No labels were changed: the author confirmed the existing labels.", icon=":material/check_circle:")
        return None
    st.markdown(f"**Changes**: {review.changes.pixels if review.changes else 0:,} px")
    dice = {"Dice": st.column_config.TextColumn(alignment="right", help="Before → after the correction.")}
    pixels = count_columns("Gained, px", "Lost, px", "Size, px")
    st.dataframe(
        classes_table(project, review), hide_index=True, placeholder="–", width="stretch",
        column_config={**dice, **pixels},
        key=f"review-classes-{review.before_id}-{review.revision_id}",
    )  # fmt: skip
    picked = st.dataframe(
        regions_table(project, regions), hide_index=True, placeholder="–", width="stretch",
        height=min(38 + 35 * len(regions), 250),
        column_config=pixels, on_select=forget_mark, selection_mode="single-cell",
        key=f"review-regions-{review.before_id}-{review.revision_id}-{st.session_state.get(StateKey.REVIEW_TURN, 0)}",
    )  # fmt: skip
    rest = (review.changes.pixels if review.changes else 0) - sum(region.pixels for region in regions)
    smaller = f" {rest:,} px more are in smaller regions." if rest > 0 else ""
    st.caption(f"Changed regions, largest first.{smaller} Click one to jump to it.")
    index = picked_row(picked["selection"])
    if index is None:
        return None
    box = regions[index].box
    return Place(box.row, box.column, box.height, box.width, token=f"region-{box}-{review.revision_id}")


def _panes(project: ProjectRecord, review: Review, focus: Place | None) -> None:
    mode = st.segmented_control(
        "View", list(PANE_MODES), default=PaneMode.PANES, format_func=titled(PANE_MODES), key="review-mode",
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    path = context.store().revisions.pyramid_path(review.revision_id) / COVERAGE
    partly = (path / "zarr.json").is_file()
    dimmed = partly and st.toggle(
        "Dim unconfirmed pixels", value=True, key=f"review-dimmed-{review.revision_id}",
        help="Applies to the pane After. Unconfirmed pixels are not used for training.",
    )  # fmt: skip
    linked_panes(
        review.image_id,
        reference_id=review.before_id,
        prediction_id=review.revision_id,
        classes=project.scheme.classes,
        mode=PaneMode(mode or PaneMode.PANES),
        panes=(PaneKind.IMAGE, PaneKind.REFERENCE, PaneKind.PREDICTION, PaneKind.ERRORS),
        focus=focus,
        key=f"review-panes-{review.before_id}-{review.revision_id}",
        height=HEIGHT_PX,
        remember_as="review",
        story=PaneStory.CHANGES,
        confirmed=dimmed,
    )
    if not partly:
        st.caption("The author has confirmed all pixels.")


def _name(project: ProjectRecord, class_id: int) -> str:
    if class_id == 0:
        return "background"
    return project.scheme.name_of(class_id) if class_id in project.scheme.ids else f"class {class_id}"
