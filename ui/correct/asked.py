"""What a reviewer wants of the author: the reason, the marks to tick off one by one, what was said."""

from __future__ import annotations

import streamlit as st

from core.review.discussion import asked_changes, marks, resolve_mark, thread
from core.review.records import Mark
from core.review.rows import review as review_of
from core.store.records import ImageRecord
from core.wording import counted
from ui import context
from ui.errors import explained, plain
from ui.state import Query, set_query


def asked_panel(image: ImageRecord, person: str) -> None:
    """One box for each correction of this person that changes were asked for; nothing where there is none."""
    for revision_id in asked_changes(context.store(), image.id, person):
        with st.container(border=True):
            _asked(revision_id, person)


def _asked(revision_id: str, person: str) -> None:
    store = context.store()
    it, found, said = review_of(store, revision_id), marks(store, revision_id), thread(store, revision_id)
    st.markdown(
        f":material/edit_note: **{plain(it.decided_by or 'A reviewer')} requested changes**: {plain(it.reason)}"
    )
    if found:
        still = sum(mark.resolved_at is None for mark in found)
        st.caption(f"{counted(len(found), 'place')} marked, {still} unresolved. Click one to jump to it.")
    for mark in found:
        _mark_line(mark, person)
    if said:
        with st.expander(counted(len(said), "comment"), icon=":material/chat:"):
            for entry in said:
                st.caption(plain(f"{entry.author} · {entry.created_at:%Y-%m-%d %H:%M} UTC"))
                st.markdown(plain(entry.text))


def _mark_line(mark: Mark, person: str) -> None:
    """One mark: a box to tick, and its words, which fly there."""
    name, done = f"{mark.revision_id}-{mark.number}", mark.resolved_at is not None
    words = plain(": ".join(part for part in (mark.label, mark.note) if part))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "", icon=":material/check_box:" if done else ":material/check_box_outline_blank:", type="tertiary",
            key=f"mark-done-{name}", help="Reopen" if done else "Resolved",
        ):  # fmt: skip
            _resolve(mark, person, resolved=not done)
        st.button(
            f":gray[{mark.number}  {words}]" if done else f"{mark.number}  {words}", type="tertiary",
            key=f"mark-{name}", on_click=_go_to, args=(mark,),
        )  # fmt: skip


def _go_to(mark: Mark) -> None:
    """The place stands in the address, so that a reload shows it again."""
    box = mark.box
    set_query(Query.PLACE, f"{box.row},{box.column},{box.height},{box.width}")


def _resolve(mark: Mark, person: str, *, resolved: bool) -> None:
    done = False
    with explained():
        resolve_mark(context.store(), mark.revision_id, mark.number, person, resolved=resolved)
        done = True
    if done:
        st.rerun()
