"""The section *Get a model*: the catalogue as a list, one entry of it, and what was fetched."""

from __future__ import annotations

import html
from collections.abc import Iterable

import streamlit as st

from core.access.models import may_manage_store
from core.access.roles import Permission
from core.catalogue.catalogue import Catalogue, is_address, read_catalogue
from core.catalogue.entry import Entry
from core.catalogue.start import start_look_up
from core.jobs.kinds import JobKind, LookUpResult
from core.jobs.rows import job, jobs
from core.settings import current_settings
from core.store.records import JobRecord, JobState
from core.wording import some_of
from ui import context
from ui.access import allowed, sees_job
from ui.errors import explaining, plain
from ui.models.accept_model import accept_panel
from ui.models.fetched import fetched_panel
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.options import choice
from ui.parts.units import bytes_text
from ui.person import person
from ui.state import Query, StateKey, query, set_query

_ALL = ""


def get_model_panel() -> None:
    """The list, or the entry of the address; what is being fetched stands above either."""
    catalogue = read_catalogue(current_settings())
    _running()
    opened = query(Query.ENTRY)
    entry = next((each for each in catalogue.entries if each.id == opened), None)
    if opened and entry is None:
        st.warning(plain(f"The catalogue has no model {opened[:80]}."), icon=":material/search_off:")
    if entry is None:
        _list(catalogue)
        return
    if st.button("All models", key="catalogue-back", icon=":material/arrow_back:", type="tertiary"):
        set_query(Query.ENTRY, None)
        st.rerun()
    _detail(entry)


def _list(catalogue: Catalogue) -> None:
    """Filters, then a card for each entry."""
    if not current_settings().fetching:
        st.info(
            "Fetching from the network is disabled on this server. Open a model to see which files to bring.",
            icon=":material/cloud_off:",
        )
    _own_catalogue(catalogue)
    tissues = _distinct(word for entry in catalogue.entries for word in entry.tissue)
    classes = _distinct(word for entry in catalogue.entries for word in entry.classes)
    left, right = st.columns(2)
    with left:
        tissue = choice("Tissue", {_ALL: "All tissues"} | {word: word for word in tissues}, key="catalogue-tissue")
    with right:
        name = choice("Class", {_ALL: "All classes"} | {word: word for word in classes}, key="catalogue-class")
    shown = [
        entry
        for entry in catalogue.entries
        if (not tissue or tissue in entry.tissue) and (not name or name in entry.classes)
    ]
    if not shown:
        st.info("No models match. Remove a filter.", icon=":material/filter_alt_off:")
    for entry in shown:
        _card(entry)


def _card(entry: Entry) -> None:
    """An entry in the list."""
    with st.container(border=True, key=f"entry-{entry.id}"):
        left, right = st.columns([4, 1.2], vertical_alignment="center")
        with left:
            st.markdown(f"#### {plain(entry.name)}{_badges(entry)}")
            if entry.description:
                st.markdown(plain(entry.description))
            st.caption(" · ".join(plain(fact) for fact in _facts(entry)))
        with right:
            _picture(entry)
            if st.button("Details", key=f"entry-open-{entry.id}", icon=":material/arrow_forward:", width="stretch"):
                set_query(Query.ENTRY, entry.id)
                st.rerun()


def _detail(entry: Entry) -> None:
    """Everything that is known of an entry, and the way to get it."""
    with st.container(border=True, key=f"entry-{entry.id}"):
        left, right = st.columns([4, 1.2])
        with left:
            st.markdown(f"#### {plain(entry.name)}{_badges(entry)}")
            if entry.description:
                st.markdown(plain(entry.description))
            if entry.note:
                st.caption(plain(entry.note))
        with right:
            _picture(entry)
        known = _known(entry)
        _table(known)
        if known.files:
            with st.expander(f"Files ({len(known.files)})", icon=":material/folder_zip:"):
                for file in known.files:
                    size = "size unknown" if file.size_bytes is None else bytes_text(file.size_bytes)
                    st.markdown(f"{plain(file.name)} · {size}")
                    st.caption(plain(file.url) + (f" · SHA-256 {file.sha256[:16]}…" if file.sha256 else ""))
    if not allowed(Permission.TRAIN):
        st.info("Your role does not allow importing models.", icon=":material/lock:")
        return
    if known.needs_look_up and current_settings().fetching:
        _look_up(entry)
    accept_panel(known)


def _table(entry: Entry) -> None:
    licence = plain(entry.licence) if entry.licence else "shown by the record; look it up first"
    if entry.licence and entry.licence_url:
        licence = f"[{licence}]({entry.licence_url})"
    citation = plain(entry.citation)
    if entry.citation_url:
        citation += f" [{plain(entry.citation_url)}]({entry.citation_url})"
    pixel_size = "" if entry.pixel_size_nm is None else f"{entry.pixel_size_nm:g} nm"
    rows = {
        "Tissue": plain(", ".join(entry.tissue)),
        "Classes": plain(", ".join(entry.classes)) or "not stated",
        "Pixel size": pixel_size or "not stated",
        "Size": "not known yet" if entry.size_bytes is None else bytes_text(entry.size_bytes),
        "Licence": licence,
        "Please cite": citation.strip(),
        "Source": f"[{plain(entry.source_url)}]({entry.source_url})" if entry.source_url else "",
    }
    lines = [f"| {name} | {value.replace('|', ' ')} |" for name, value in rows.items() if value]
    st.markdown("\n".join(["| | |", "|---|---|", *lines]))


def _facts(entry: Entry) -> list[str]:
    facts = [some_of(entry.tissue), some_of(entry.classes)]
    facts += ["" if entry.pixel_size_nm is None else f"{entry.pixel_size_nm:g} nm per pixel"]
    facts += ["size not known yet" if entry.size_bytes is None else bytes_text(entry.size_bytes)]
    return [fact for fact in (*facts, entry.licence or "licence in the record") if fact]


def _badges(entry: Entry) -> str:
    return " :green-badge[tested]" if entry.tested else " :orange-badge[not tested]"


def _picture(entry: Entry) -> None:
    """Of the catalogue itself, so that no browser asks another site for it."""
    if entry.picture:
        st.html(
            f'<img src="{html.escape(entry.picture, quote=True)}" alt="Example of {html.escape(entry.name)}" '
            'style="max-width:100%;max-height:10rem;border-radius:6px">'
        )


def _distinct(words: Iterable[str]) -> list[str]:
    return sorted(dict.fromkeys(words), key=str.casefold)


def _own_catalogue(catalogue: Catalogue) -> None:
    """What is wrong with the administrator's list, and fetching it anew where it lies at an address."""
    if not may_manage_store(context.store(), person()):
        return
    settings = current_settings()
    if catalogue.refused:
        with st.expander(f"Catalogue entries that cannot be used ({len(catalogue.refused)})", icon=":material/error:"):
            for refusal in catalogue.refused[:50]:
                st.markdown(f"- {plain(str(refusal))}")
    if is_address(settings.catalogue) and settings.fetching:
        row = _last_look_up("")
        if row is not None and not row.finished:
            st.fragment(run_every=POLL_S)(_wait)(row.id, "catalogue-update")
        elif row is not None and row.state is JobState.FAILED:
            job_problem(row, key="catalogue-update", again=False)
        if st.button("Update the catalogue", key="catalogue-refresh", icon=":material/sync:", help=settings.catalogue):
            start_look_up(context.store(), None, by=person())
            st.rerun()


def _look_up(entry: Entry) -> None:
    """Ask the record for size and licence."""
    row = _last_look_up(entry.id)
    if row is not None and not row.finished:
        st.fragment(run_every=POLL_S)(_wait)(row.id, "look-up")
        return
    if row is not None and row.state is not JobState.SUCCEEDED:
        job_problem(row, key="look-up", again=False)
    if st.button("Look up size and licence", key="look-up-start", icon=":material/search:", type="primary"):
        start_look_up(context.store(), entry, by=person())
        st.rerun()


@explaining
def _wait(job_id: str, key: str) -> None:
    row = job(job_id)
    if row.finished:
        st.rerun()
    job_bar(row, key=key)


def _known(entry: Entry) -> Entry:
    """The entry with what its record said when somebody looked it up last."""
    row = _last_look_up(entry.id) if entry.needs_look_up else None
    if row is None or row.state is not JobState.SUCCEEDED:
        return entry
    found = LookUpResult.of(row).entry
    return Entry.model_validate(found) if found else entry


def _last_look_up(entry_id: str) -> JobRecord | None:
    """The newest look-up of an entry ("": of the catalogue itself) that this person may see."""
    for row in jobs(kinds=[JobKind.LOOK_UP], limit=100):
        about = row.params.get("entry") or {}
        if str(about.get("id", "")) == entry_id and sees_job(row):
            return row
    return None


def _running() -> None:
    """Fetches that run, and the one that this tab has asked for."""
    asked = st.session_state.get(StateKey.MODEL_FETCH)
    rows = [row for row in jobs(kinds=[JobKind.FETCH_MODEL], limit=100) if sees_job(row)]
    for row in rows:
        if row.id == asked or not row.finished or row.state in (JobState.PAUSED, JobState.INTERRUPTED):
            fetched_panel(row)
