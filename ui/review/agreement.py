"""How far two people agree: the same image given to both, unseen by each other, and what differs then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

import pandas as pd
import streamlit as st

from core.access.roles import ALLOWED, Permission, may, members
from core.evaluation.words import with_interval
from core.review.agreement import ClassAgreement, ImageAgreement, class_agreements, image_agreements
from core.review.double_annotation import ask_to_annotate, assignments, excuse
from core.settings import Access, current_settings
from core.spreadsheets import not_a_formula
from core.store.people import person_key
from core.store.records import ImageRecord, ProjectRecord
from core.store.review_records import Assignment
from core.wording import counted
from ui import context
from ui.errors import explained, plain
from ui.parts.columns import picked_row
from ui.parts.names import image_details
from ui.parts.options import choice, titled
from ui.parts.side_by_side import side_by_side
from ui.viewer.compare import PANE_MODES, PaneKind, PaneMode, PaneStory, linked_panes

_ASKED: Final = "agreement-times-asked"


def agreement_panel(project: ProjectRecord, person: str) -> None:
    """Who was asked, who has submitted, and how far they agree."""
    store = context.store()
    images = {image.id: image for image in store.images.all(project.id)}
    reviewing = may(store, project.id, person, Permission.REVIEW)
    asked = [assignment for assignment in assignments(store, project.id) if assignment.blind]
    with st.spinner("Comparing"):
        found = image_agreements(store, project.id, person=person)
    if found:
        _figures(project, images, found)
    else:
        with st.container(border=True):
            st.subheader("Inter-annotator agreement", anchor=False)
            st.markdown(
                "Assign the same image to two annotators. Neither sees the other's work until both have "
                "submitted. Their agreement says how far the labels depend on who drew them. It is no upper limit for "
                "a model, which can agree with each of two people more than they agree with each other."
            )
    if reviewing:
        _ask(project, person, list(images.values()))
    elif not asked:
        st.caption("Only reviewers and admins can assign images.")
    if asked:
        _asked(project, person, images, asked, reviewing)


def _figures(project: ProjectRecord, images: dict[str, ImageRecord], found: Sequence[ImageAgreement]) -> None:
    rows = class_agreements(found, project.scheme)
    pictures = len({each.image_id for each in found})
    st.subheader("Inter-annotator agreement", anchor=False)
    left, right = side_by_side([1, 1.2], gap="large", key="agreement")
    with left:
        table = agreement_table(rows)
        st.dataframe(table, hide_index=True, placeholder="–", width="stretch", key=f"agreement-{project.id}")
        one = " One image gives no interval." if pictures == 1 else ""
        st.caption(
            f"Dice between two annotators, {counted(pictures, 'image')}: mean over images with its 95 % "
            f"interval, and over all their pixels together.{one} Only pixels confirmed by both count; both "
            "started from the same label map, so what neither changed counts as agreement."
        )
    with right:
        pairs = pairs_table(project, images, found)
        picked = st.dataframe(
            pairs, hide_index=True, placeholder="–", width="stretch", key=f"agreement-pairs-{project.id}-{len(found)}",
            on_select="rerun", selection_mode="single-cell",
        )  # fmt: skip
        st.caption("Click an image to see the differences.")
        st.download_button(
            "CSV", lambda: _csv(table, pairs), f"agreement_{project.id}.csv", "text/csv", icon=":material/download:",
            key="agreement-csv",
        )  # fmt: skip
    index = picked_row(picked["selection"])
    _panes(project, found[index if index is not None else 0], images)


def agreement_table(rows: Sequence[ClassAgreement]) -> pd.DataFrame:
    """One row per class, and their mean."""
    return pd.DataFrame(
        {
            "Class": [row.name for row in rows],
            "Dice": [_with_interval(row) for row in rows],
            "All pixels": [_figure(row.pooled) for row in rows],
            "Images": [row.images for row in rows],
        }
    )


def pairs_table(
    project: ProjectRecord, images: dict[str, ImageRecord], found: Sequence[ImageAgreement]
) -> pd.DataFrame:
    """One row per image and pair of people."""
    return pd.DataFrame(
        [
            {
                "Image": images[each.image_id].name if each.image_id in images else each.image_id,
                "Annotators": " and ".join(each.people),
                "Both confirmed, px": f"{each.agreement.shared_px:,}",
                "Differing": f"{each.agreement.differing_px / each.agreement.shared_px:.2%}"
                if each.agreement.shared_px
                else "–",
                **{
                    item.name: _figure(each.agreement.dice.get(item.id, float("nan")))
                    for item in project.scheme.classes
                },
            }
            for each in found
        ]
    )


def _with_interval(row: ClassAgreement) -> str:
    return (
        _figure(row.dice)
        if row.low != row.low
        else with_interval(f"{row.dice:.3f}", f"{row.low:.3f}", f"{row.high:.3f}")
    )


def _figure(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"


def _csv(classes: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Both tables, one below the other, as spreadsheets take them."""
    safe = [
        table.map(lambda cell: not_a_formula(cell) if isinstance(cell, str) else cell) for table in (classes, pairs)
    ]
    return "\n".join(table.to_csv(index=False, lineterminator="\n") for table in safe)


def _panes(project: ProjectRecord, pair: ImageAgreement, images: dict[str, ImageRecord]) -> None:
    """Where the two differ."""
    name = images[pair.image_id].name if pair.image_id in images else pair.image_id
    first, second = pair.people
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(f"{name}: {first} and {second}"))
        mode = st.segmented_control(
            "View", list(PANE_MODES), default=PaneMode.PANES, format_func=titled(PANE_MODES), key="agreement-mode",
            required=True, label_visibility="collapsed",
        )  # fmt: skip
    linked_panes(
        pair.image_id,
        reference_id=pair.revision_ids[0],
        prediction_id=pair.revision_ids[1],
        classes=project.scheme.classes,
        mode=PaneMode(mode or PaneMode.PANES),
        panes=(PaneKind.IMAGE, PaneKind.REFERENCE, PaneKind.PREDICTION, PaneKind.ERRORS),
        key=f"agreement-panes-{'-'.join(pair.revision_ids)}",
        height=560,
        remember_as="agreement",
        url_view=False,
        story=PaneStory.OPINIONS,
        names=pair.people,
    )
    st.caption("Complete label maps are shown, including unconfirmed regions.")


def _ask(project: ProjectRecord, person: str, images: Sequence[ImageRecord]) -> None:
    """Choose an image and two or more people."""
    if not images:
        return
    roles = current_settings().access is Access.ROLES
    done = int(st.session_state.get(_ASKED, 0))
    new = f"-{done}" if done else ""  # other keys, so that the fields are empty once somebody was asked, and not before
    with st.expander("Assign image to annotators", icon=":material/group_add:"):
        with st.form(f"agreement-ask{new}", border=False):
            by_id = {image.id: image for image in images}
            names_by_id = {image.id: image.name for image in images}
            image_id = choice("Image", names_by_id, details=image_details(by_id), key=f"agreement-image{new}")
            if roles:
                known = [
                    member.name
                    for member in members(context.store(), project.id)
                    if Permission.PAINT in ALLOWED[member.role]
                ]
                names = st.multiselect("Annotators", known, key=f"agreement-people{new}")
            else:
                one, other = st.columns(2)
                names = [
                    one.text_input("First annotator", key=f"agreement-one{new}"),
                    other.text_input("Second annotator", key=f"agreement-two{new}"),
                ]
            st.caption(
                "The image appears first on each annotator's Correct page. All start from the same label map: the "
                "newest prediction, otherwise an empty one. Nobody sees the others' work."
            )
            pressed = st.form_submit_button("Assign", type="primary", icon=":material/send:")
        if pressed:
            if len({person_key(name) for name in names if person_key(name)}) < 2:
                st.error("Select two different annotators.", icon=":material/error:")
            else:

                def ask() -> None:
                    ask_to_annotate(context.store(), image_id, names, by=person)
                    st.session_state[_ASKED] = done + 1

                _done(ask)


def _asked(
    project: ProjectRecord, person: str, images: dict[str, ImageRecord], asked: Sequence[Assignment], reviewing: bool
) -> None:
    """Who has submitted and who has not."""
    st.subheader("Assigned", anchor=False)
    rows = []
    for image_id, group in groupby(sorted(asked, key=lambda each: each.image_id), key=lambda each: each.image_id):
        people = list(group)
        rows.append(
            {
                "Image": images[image_id].name if image_id in images else image_id,
                "Submitted": ", ".join(person.person for person in people if person.revision_id) or "–",
                "Pending": ", ".join(person.person for person in people if not person.revision_id) or "–",
                "Assigned by": people[0].assigned_by,
                "On": f"{people[0].assigned_at:%Y-%m-%d}",
            }
        )
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, placeholder="–", width="stretch", key=f"agreement-asked-{project.id}"
    )
    if not reviewing:
        return
    with st.popover("Cancel assignment", icon=":material/person_remove:", type="tertiary"):
        st.caption("Cancels their assignment; other annotators' work is no longer hidden from them.")
        by_pair = {(each.image_id, person_key(each.person)): each for each in asked}
        shown = {
            pair: ", ".join([each.person, *([images[pair[0]].name] if pair[0] in images else [])])
            for pair, each in by_pair.items()
        }
        details = image_details(images)
        one = by_pair[
            choice(
                "Annotator",
                shown,
                key="agreement-cancelled",
                details={pair: details.get(pair[0], ()) for pair in by_pair},
            )
        ]
        if st.button("Cancel assignment", key="agreement-cancel", type="primary"):
            _done(lambda: excuse(context.store(), one.image_id, one.person, by=person))


def _done(act: Callable[[], None]) -> None:
    flag = "agreement-changed"
    with explained():
        act()
        st.session_state[flag] = True
    if st.session_state.pop(flag, False):
        st.rerun()
