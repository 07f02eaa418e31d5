"""Beside figures of predictions: what the model's figures are wrong by on the test images, and figures without that."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.access.roles import Permission
from core.measurements.model_bias import Biases, CheckedImages, biases, checked_images
from core.measurements.smallest import Smallest
from core.measurements.sources import Source, SourceKind
from core.measurements.start import start_measuring
from core.morphometry.bias import Bias
from core.morphometry.measures import Measure
from core.morphometry.summary import DENSITY_UM2, Selection
from core.morphometry.words import bias_words
from core.wording import counted
from ui import context
from ui.access import gate
from ui.address import switch_in_address
from ui.errors import plain
from ui.person import person
from ui.state import Query


def bias_panel(
    project_id: str,
    source: Source,
    contact_nm: float,
    smallest: Smallest,
    measure: Measure,
    selection: Selection,
    *,
    correct: bool,
) -> Biases | None:
    """What is known of the model's bias.

    Parameters
    ----------
    project_id, source, contact_nm, smallest
        What is measured.
    measure, selection
        The shown figure.
    correct
        Whether a correction may be offered.

    Returns
    -------
    Biases or None
        What figures are to be corrected for; None where they are not.
    """
    if source.kind is not SourceKind.MODEL:
        return None
    found = checked_images(context.store(), project_id, source, contact_nm, smallest)
    if found is None:
        st.caption(
            ":material/info: How far this model's figures are off is unknown: no test image has both reference labels "
            "and its prediction."
        )
        return None
    if found.missing:
        _offer(project_id, found, contact_nm, smallest)
    if not found.pairs:
        return None
    known = biases(found.pairs, measure, selection)
    st.markdown(
        f"**Bias of the model on {counted(len(found.pairs), 'test image')}**  \n{plain(_words(known, measure))}"
    )
    if not correct:
        st.caption("Differences between conditions are not corrected: the model may err differently in each.")
        return None
    changed = switch_in_address(Query.CORRECTED, "measure-corrected", default=False)
    chosen = st.toggle(
        "Correct for it",
        key="measure-corrected",
        on_change=changed,
        help="Divides means by the model's bias. The interval becomes wider, because the bias is known from few "
        "images. Holds for tissue like that of the test images. Files hold uncorrected figures.",
    )
    return known if chosen else None


def _words(known: Biases, measure: Measure) -> str:
    """All of it, against people's labels."""
    named: Sequence[tuple[str, Bias]] = (
        (f"mean {measure.words}", known.mean),
        (f"objects per {DENSITY_UM2:g} µm²", known.density),
        ("area fraction", known.share),
    )
    told = [f"{name} {bias_words(of)}" for name, of in named if of.known]
    return "; ".join(told) + " against reference labels" if told else "No figure is above 0 in both."


def _offer(project_id: str, found: CheckedImages, contact_nm: float, smallest: Smallest) -> None:
    """A button for what is not measured yet."""
    count = len(found.missing)
    st.caption(f"To see the model's bias, {counted(count, 'label map')} of the test images must be measured.")
    if gate(Permission.PAINT, project_id) and st.button(
        "Measure them", icon=":material/straighten:", key="measure-bias-start"
    ):
        start_measuring(
            context.store(), project_id, found.missing, contact_nm, smallest=smallest, by=person(), name="Test images"
        )
        st.rerun()
