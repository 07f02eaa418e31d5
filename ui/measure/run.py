"""Which label maps are measured, and measuring them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.exports.choice import revisions_in_words
from core.jobs.kinds import MeasureResult
from core.jobs.rows import job
from core.measurements.smallest import Smallest
from core.measurements.sources import COUNTING, MeasuredMap, Source, SourceKind
from core.measurements.start import Measured, last_ended, measured, running, start_measuring, usual_source
from core.morphometry.objects import CONTACT_NM
from core.store.records import JobRecord, JobState, ProjectRecord
from core.wording import counted
from ui import context
from ui.access import gate
from ui.address import kept_in_address, number_in_address
from ui.errors import explaining, plain
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.options import choice
from ui.parts.takeaway import COUNTS_HELP
from ui.person import person
from ui.state import Query, query, set_query

_FARTHEST_NM: Final = 10_000.0


def source_words(source: Source) -> str:
    """What label maps are called: the model's name, not its id."""
    match source.kind:
        case SourceKind.COUNTS:
            return "Preferred label map"
        case SourceKind.APPROVED:
            return "Approved corrections"
        case SourceKind.REFERENCE:
            return "Reference labels"
        case SourceKind.IMPORTED:
            return f"Predictions of {source.made_by}"
    there = any(model.id == source.made_by for model in context.models().list())
    return f"Predictions of {context.model_name(source.made_by)}" + ("" if there else " (deleted)")


def source_picker(there: Mapping[Source, Sequence[MeasuredMap]]) -> Source:
    """Where the label maps come from; the choice is kept in the address.

    Parameters
    ----------
    there
        What there is, one at least.
    """
    by_key = {source.key: source for source in there}
    asked = query(Query.SOURCE)
    first = asked if asked in by_key else usual_source(context.store(), there).key
    if asked and asked not in by_key:
        st.warning("This link points to label maps that are no longer in this project.", icon=":material/link_off:")
    words = {key: _choice_text(source, there[source]) for key, source in by_key.items()}
    chosen = choice(
        "Label maps",
        words,
        key="measure-source",
        help=COUNTS_HELP if COUNTING in there else None,
        on_change=kept_in_address(Query.SOURCE, "measure-source", by_key, first),
    )
    if asked != chosen:
        set_query(Query.SOURCE, chosen)
    return by_key[chosen]


def _choice_text(source: Source, maps: Sequence[MeasuredMap]) -> str:
    """A source in the list, with how many images, and of the label map that counts with what it is of how many."""
    if source == COUNTING:
        return f"{source_words(source)} · {revisions_in_words(each.revision for each in maps)}"
    return f"{source_words(source)} · {counted(len(maps), 'image')}"


def contact_field(neighbours: str) -> float:
    """The distance that counts as contact, out of the way of those who do not need it.

    Parameters
    ----------
    neighbours
        Which objects distances are to, in words.
    """
    changed = number_in_address(Query.CONTACT, "measure-contact", CONTACT_NM, 0.0, _FARTHEST_NM)
    with st.popover("Measurement settings", icon=":material/tune:", type="tertiary"):
        st.markdown(
            "An **object** is a connected region of one class (corners connect), or the pixels of one object id where "
            "a label map has them. Distances are measured in the "
            "image plane between the nearest pixels of an object and the other class; structures above and below "
            "the section are not seen. Means are taken over images, never over all objects, because objects of "
            "one image are not independent."
        )
        given = st.number_input(
            "Contact within, nm",
            min_value=0.0,
            max_value=_FARTHEST_NM,
            step=5.0,
            key="measure-contact",
            on_change=changed,
            help="Largest gap that counts as contact. Between mitochondria and smooth ER, gaps of 10 to 50 nm "
            "count as contact; with rough ER, 50 to 80 nm (doi 10.1038/cdd.2016.52). Below one pixel, only "
            "touching objects are in contact.",
        )
        st.caption(plain(f"{neighbours} Formulas and sources: docs/metrics.md, Objects measured."))
    return float(given)


def run_panel(
    project: ProjectRecord, source: Source, maps: Sequence[MeasuredMap], contact_nm: float, smallest: Smallest
) -> Measured:
    """What is measured already; a button for the rest, or how far that is."""
    found = measured(context.store(), maps, contact_nm, smallest)
    under_way = running(context.store(), project.id)
    if under_way:
        _live(tuple(row.id for row in under_way))
    elif found.missing or found.outdated:
        _offer(project, source, found, contact_nm, smallest)
    return found


def _offer(project: ProjectRecord, source: Source, found: Measured, contact_nm: float, smallest: Smallest) -> None:
    """The button, and why a measurement before it did not end well."""
    maps = (*found.missing, *found.outdated)
    with st.container(border=True):
        last = last_ended(context.store(), project.id, maps)
        if last is not None:
            _ended(last)
        st.markdown(_offer_words(found))
        if gate(Permission.PAINT, project.id) and st.button(
            f"Measure {counted(len(maps), 'label map')}",
            type="secondary" if found.images else "primary",
            icon=":material/straighten:",
            key="measure-start",
        ):
            start_measuring(
                context.store(), project.id, maps, contact_nm, smallest=smallest, by=person(),
                name=source_words(source),
            )  # fmt: skip
            st.rerun()


def _offer_words(found: Measured) -> str:
    """What measuring would add."""
    if not found.images:
        return (
            "Counts the profiles of organelles in these label maps and measures area, diameter, length, shape, "
            "distance to other organelles and contact length of each. A 16-megapixel image takes some seconds."
        )
    parts = []
    if found.missing:
        parts.append(f"{counted(len(found.missing), 'label map')} not measured yet.")
    if found.outdated:
        parts.append(
            f"Contacts or distances of {counted(len(found.outdated), 'label map')} were measured with another contact "
            "distance, pixel size or smallest object. They are excluded until measured again; all other values are "
            "valid."
        )
    return " ".join(parts)


def _ended(last: JobRecord) -> None:
    """What to know of the newest measurement, where it left something out."""
    if last.state is JobState.SUCCEEDED:
        for text in MeasureResult.of(last).problems[:5]:
            st.warning(plain(text), icon=":material/warning:")
    else:
        job_problem(last, key="measure", again=False)


@st.fragment(run_every=POLL_S)
@explaining
def _live(job_ids: tuple[str, ...]) -> None:
    """Live bars; the page is drawn anew when one has ended."""
    rows = [job(job_id) for job_id in job_ids]
    if any(row.finished for row in rows):
        st.rerun()
    for row in rows:
        job_bar(row, key="measure")
