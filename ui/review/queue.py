"""What waits for review: a table, filters, the next one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.review.queue import QueueFilter, next_review, queue
from core.review.records import Review, ReviewState
from core.store.people import person_key
from core.store.records import ImageRecord, ProjectRecord
from core.store.reviews import OPEN_STATES
from ui import context
from ui.parts.columns import count_columns, picked_row
from ui.parts.gallery import thumbnail_address
from ui.parts.names import REVIEW_STATES
from ui.parts.options import titled
from ui.state import Query, set_query


def queue_panel(project: ProjectRecord, person: str) -> None:
    """The queue; a click opens a correction."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.pills(
            "State", list(REVIEW_STATES), default=sorted(OPEN_STATES), format_func=titled(REVIEW_STATES),
            selection_mode="multi", key="review-states",
        )  # fmt: skip
        text = st.text_input("Search", placeholder="image", key="review-text", icon=":material/search:", width=180)
        author = st.text_input("Author", key="review-author", width=160)
        mine = st.toggle("Assigned to me", key="review-mine")
    states = frozenset(chosen or REVIEW_STATES)
    filters = QueueFilter(states=states, author=author, text=text, assignee=person if mine else "")
    rows = queue(context.store(), project.id, filters, person=person)
    if not rows:
        _nothing(states)
        return
    following = next_review(context.store(), project.id, person)
    if following and st.button("Review next", icon=":material/arrow_forward:", type="primary", key="review-next"):
        set_query(Query.REVISION, following.revision_id)
        st.rerun()
    images = {image.id: image for image in context.store().images.all(project.id)}
    picked = st.dataframe(
        queue_table(rows, images, person),
        hide_index=True, placeholder="–", width="stretch", row_height=56, key=f"review-queue-{len(rows)}",
        on_select="rerun", selection_mode="single-cell",
        column_config={
            "": st.column_config.ImageColumn(width=64),
            **count_columns("Changed, px"),
            "Dice": st.column_config.NumberColumn(
                format="%+.3f", help="Change of the mean Dice against the reference, where the image has one"
            ),
        },
    )  # fmt: skip
    index = picked_row(picked["selection"])
    if index is not None:
        set_query(Query.REVISION, rows[index].revision_id)
        st.rerun()
    st.caption("Oldest first. Click a row to open it.")


def _shown_change(value: float | None) -> float | None:
    """Rounded as it is shown: else the table says -0.000."""
    return None if value is None else round(value, 3) + 0.0


def queue_table(rows: Sequence[Review], images: dict[str, ImageRecord], person: str) -> pd.DataFrame:
    """One row per correction; without a column for Dice where no image has a reference."""
    table = pd.DataFrame(
        [
            {
                "": thumbnail_address(images[row.image_id]) if row.image_id in images else "",
                "Image": row.image_name,
                "By": ", ".join(row.authors) + (" (you)" if _is_of(row, person) else ""),
                "Submitted": f"{row.created_at:%Y-%m-%d %H:%M}",
                "Changed, px": row.changes.pixels if row.changes else None,
                "Where": place_text(row),
                "Dice": _shown_change(row.effect.mean_difference if row.effect else None),
                "State": REVIEW_STATES[row.state],
                "Assigned to": row.assignee,
            }
            for row in rows
        ]
    )
    return table.drop(columns="Dice") if table["Dice"].isna().all() else table


def place_text(row: Review) -> str:
    """Where the changes are, in words of rows and columns."""
    box = row.changes.box if row.changes else None
    if box is None:
        return "no pixel changed"
    return f"rows {box.row}–{box.row + box.height}, columns {box.column}–{box.column + box.width}"


def _is_of(row: Review, person: str) -> bool:
    return person_key(person) in {person_key(name) for name in row.authors}


def _nothing(states: frozenset[ReviewState]) -> None:
    if states == OPEN_STATES:
        st.info(
            "No corrections are awaiting review. Corrections submitted on the Correct page appear here.",
            icon=":material/done_all:",
        )
    else:
        st.info("No corrections match these filters.", icon=":material/filter_alt_off:")
