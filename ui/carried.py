"""What goes along from page to page: the image, the organelle and the model that somebody looks at.

The bar with the pages opens each without parameters in its address. A page that shows images gets those of the page
before, where it has the project in common and its own address names no image.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import streamlit as st

from core.access.roles import Permission
from core.errors import NotFoundError
from core.evaluations.read import evaluations
from core.measurements.sources import COUNTING, Source, SourceKind, sources
from core.store.records import ImageRecord, Split
from ui import context
from ui.access import allowed
from ui.person import person
from ui.state import Query, StateKey, query, set_query

_TAKES: Final = {
    "segment": (Query.IMAGE, Query.MODEL),
    "correct": (Query.IMAGE,),
    "measure": (Query.IMAGE, Query.CLASS),
    "results": (Query.IMAGE, Query.ERROR_CLASS),
    "review": (),
}
"""Address of a page to what it takes over; pages that are not listed forget the image."""

_ORGANELLE: Final = (Query.CLASS, Query.ERROR_CLASS)
"""One thing, under the names that pages give it."""


@contextmanager
def carried(page: str) -> Iterator[None]:
    """Complete the address of a page that was just opened, and remember what it says when the page has run.

    Parameters
    ----------
    page
        Its address, "" for the first page.
    """
    kept: dict[str, Any] = st.session_state.setdefault(StateKey.CARRIED, {"page": page})
    if kept["page"] != page:
        if page not in _TAKES:
            kept.clear()
        else:
            _complete(page, kept)
        kept["page"] = page
    try:
        yield
    finally:  # a page often ends with a rerun
        if page in _TAKES:
            _remember(page, kept)


def _remember(page: str, kept: dict[str, Any]) -> None:
    """What the address says now; what the page does not show stays as it was."""
    for name in _TAKES[page]:
        key = Query.CLASS if name in _ORGANELLE else name
        kept[key] = query(name)
    model_id = _model_shown(page)
    if model_id:
        kept[Query.MODEL] = model_id


def _complete(page: str, kept: dict[str, Any]) -> None:
    """Put into the address what it lacks."""
    if query(Query.IMAGE) or query(Query.REVISION) or query(Query.EVALUATION):
        return
    image = _image(kept.get(Query.IMAGE))
    if image is None or query(Query.PROJECT) not in (None, image.project_id):
        return
    if page == "results" and image.split is not Split.TEST:
        return
    if page != "segment":
        set_query(Query.PROJECT, image.project_id)
    for name in _TAKES[page]:
        set_query(name, kept.get(Query.CLASS if name in _ORGANELLE else name))
    if kept.get(Query.MODEL):
        _show_model(page, image.project_id, kept[Query.MODEL])


def _model_shown(page: str) -> str | None:
    """The model whose label maps or scores a page shows, where its address says that in another way."""
    if page == "measure":
        kind, _, model_id = (query(Query.SOURCE) or "").partition(":")
        return model_id if kind == SourceKind.MODEL else None
    evaluation_id = query(Query.EVALUATION) if page == "results" else None
    if evaluation_id is None:
        return None
    try:
        return context.store().evaluations.get(evaluation_id).model_id
    except NotFoundError:
        return None


def _show_model(page: str, project_id: str, model_id: str) -> None:
    """Put a model into the address of a page that shows its label maps or scores, where it has any there.

    Not where some images have been corrected: then what they look like now is measured, not what the model made.
    """
    store = context.store()
    if page == "measure" and not query(Query.SOURCE):
        source, there = Source(SourceKind.MODEL, model_id), sources(store, project_id, person=person())
        if source in there and COUNTING not in there:
            set_query(Query.SOURCE, source.key)
    elif page == "results":
        scored = (row.id for row in evaluations(store, project_id) if row.model_id == model_id)
        set_query(Query.EVALUATION, next(scored, None))


def _image(image_id: str | None) -> ImageRecord | None:
    """The image, where it is still there and this person may see it."""
    if not image_id:
        return None
    try:
        image = context.store().images.get(image_id)
    except NotFoundError:
        return None
    there = any(each.id == image_id for each in context.store().images.all(image.project_id))
    return image if there and allowed(Permission.VIEW, image.project_id) else None
