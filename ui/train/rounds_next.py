"""The next round: what is new since the last one, what it means, and the button."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from core.access.roles import Permission
from core.review.queue import QueueFilter, queue
from core.review.records import ReviewState
from core.rounds.gate import LEAST_IMAGES, MARGIN, MEAN_MARGIN
from core.rounds.new_work import NewWork
from core.rounds.plan import RoundPlan
from core.rounds.round import RoundCheck, check_round, start_round, usual_parent
from core.store.records import ProjectRecord
from core.training.presets import PRESET_TITLES, PRESETS, Preset
from core.training.verdict import undertrained_warning
from core.wording import counted
from ui import context
from ui.access import may_as, who_may
from ui.errors import explained, plain
from ui.pages import REVIEW_PAGE
from ui.parts.drawn_references import drawn_references
from ui.parts.names import model_choice
from ui.parts.options import titled
from ui.parts.side_by_side import side_by_side
from ui.parts.units import duration_text
from ui.state import Query
from ui.train.options import option_fields

_HELPS: Final = {
    "validation_fraction": "A round is evaluated on the test set, so all corrections can be used for training. Hold "
    "some out to stop a long training when validation scores no longer improve.",
}
"""Options that mean something else in a round."""


def next_round_panel(project: ProjectRecord, person: str) -> None:
    """What the next round would learn, how, and the button that runs it all."""
    with st.container(border=True):
        st.subheader("Next round", anchor=False)
        drawn_references(project, key="round")
        left, right = side_by_side([3, 2], gap="large", key="next-round")
        with right:
            plan = _plan(project)
        check = check_round(context.store(), plan)
        with left:
            _news(project, check, person)
        with right:
            _begin(project, plan, check, person)


def _news(project: ProjectRecord, check: RoundCheck, person: str) -> None:
    """What people have done since the last round, and the balance of everything that is learned."""
    new = check.new
    st.markdown(f"**New since round {new.since}**" if new.since else "**Available training labels**")
    pixels = sum(new.covered.values())
    figures = (
        ("Corrections approved", f"{len(new.corrections):,}"),
        ("Confirmed", f"{pixels / 1e6:.2f} Mpx" if pixels >= 10_000 else f"{pixels:,} px"),
        ("Time painting", duration_text(new.annotation_s) if new.annotation_s else "–"),
        ("New references", f"{len(new.references):,}"),
    )
    for column, (what, value) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(what, value)
    for text in _remarks(project, new, person):
        st.caption(text)
    if check.training.balance:
        st.dataframe(coverage_table(check), hide_index=True, placeholder="–", width="stretch", column_config=_COLUMNS)
        labelled, ignored = check.training.labelled_px, check.training.ignored_px
        share = ignored / (labelled + ignored) if labelled + ignored else 0.0
        st.caption(
            f"{counted(len(check.images), 'image')} for training, {labelled / 1e6:.2f} million labelled pixels. "
            f"{share:.0%} of their area is not confirmed and is ignored in training. Test images are never used."
        )
    if new.corrections:
        with st.expander(f"The {counted(len(new.corrections), 'correction')}", icon=":material/list:"):
            st.dataframe(_corrections(project, new), hide_index=True, placeholder="–", width="stretch")


def _remarks(project: ProjectRecord, new: NewWork, person: str) -> list[str]:
    """What else is to be known of the corrections."""
    waiting = QueueFilter(states=frozenset({ReviewState.SUBMITTED, ReviewState.CHANGES_REQUESTED}))
    pending = len(queue(context.store(), project.id, waiting, person=person))
    sentences = []
    if pending:
        verb = "is" if pending == 1 else "are"
        sentences.append(
            f":material/hourglass_empty: {counted(pending, 'correction')} {verb} not approved yet and not used."
        )
    if new.gone:
        sentences.append(
            f":material/history: {counted(len(new.gone), 'label map')} of the last round "
            f"{'is' if len(new.gone) == 1 else 'are'} no longer used (withdrawn, deleted or moved to the test set)."
        )
    if new.test_corrections:
        sentences.append(
            f":material/lock: {counted(new.test_corrections, 'approved correction')} of test images: never used "
            "for training."
        )
    return sentences


_COLUMNS: Final = {
    "New, px": st.column_config.NumberColumn(format="localized", help="Confirmed in the new corrections"),
    "Total, px": st.column_config.NumberColumn(format="localized", help=("All pixels used for training in this round")),
    "Share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
    "Images": st.column_config.NumberColumn(help="Number of images with this class"),
}


def coverage_table(check: RoundCheck) -> pd.DataFrame:
    """One row per class: new and in all."""
    rows = check.training.balance
    return pd.DataFrame(
        {
            "Class": [row.label.name for row in rows],
            "New, px": [check.new.covered.get(row.label.id, 0) for row in rows],
            "Total, px": [row.pixels for row in rows],
            "Share": [row.fraction for row in rows],
            "Images": [row.images for row in rows],
        }
    )


def _corrections(project: ProjectRecord, new: NewWork) -> pd.DataFrame:
    names = {image.id: image.name for image in context.store().images.all(project.id)}
    return pd.DataFrame(
        {
            "Image": [names.get(correction.image_id, correction.image_id) for correction in new.corrections],
            "By": [correction.author for correction in new.corrections],
            "Submitted": [correction.completed_at or correction.created_at for correction in new.corrections],
            "Changed, px": [
                int(correction.details.get("changes", {}).get("pixels", 0)) for correction in new.corrections
            ],
            "Time painting": [
                duration_text(float(correction.details.get("seconds", 0.0))) for correction in new.corrections
            ],
            "Note": [str(correction.details.get("note", "")) for correction in new.corrections],
        }
    )


def _plan(project: ProjectRecord) -> RoundPlan:
    """How it is trained; the usual way needs no choice."""
    models = context.offered_models()
    usual = usual_parent(context.store(), project.id)
    parent = model_choice(
        "Fine-tune", models, nothing="Nothing (from scratch)", first=usual,
        key=f"round-parent-{project.id}-{usual}",
        help="Usually the current model: fine-tuning keeps its abilities and adds the corrections.",
    )  # fmt: skip
    if parent and (text := undertrained_warning(models[parent].card)):
        st.warning(plain(text), icon=":material/hourglass_bottom:")
    preset = st.segmented_control(
        "Preset", list(Preset), default=Preset.COMPACT, format_func=titled(PRESET_TITLES),
        key="round-preset", required=True,
    )  # fmt: skip
    info = PRESETS[Preset(preset or Preset.COMPACT)]
    minutes = st.number_input(
        "Minutes of training", min_value=1.0, value=info.minutes or 60.0, key=f"round-minutes-{info.preset.value}",
        help=info.description,
    )  # fmt: skip
    automatic = st.toggle(
        "Promote automatically if the check passes", key=f"round-auto-{project.id}",
        help=f"The check passes if a loss of {MARGIN:g} in the Dice of a class, or of {MEAN_MARGIN:g} in their mean, "
        f"compared with the current model, is excluded by 95 % intervals over at least {LEAST_IMAGES} test images. "
        "Otherwise the round waits for your decision.",
    )  # fmt: skip
    following = st.toggle(
        "Start the next round automatically when new corrections are approved", key=f"round-again-{project.id}",
        help="The next round starts as soon as this many new corrections are approved. With automatic promotion, "
             "a model that does not pass the check is set aside without asking.",
    )  # fmt: skip
    count = None
    if following:
        count = st.number_input(
            "New corrections for the next round", min_value=1, value=5, step=1, key="round-again-count"
        )
    with st.expander("More", icon=":material/tune:"):
        name = st.text_input("Name of the model", placeholder="project name with round number")
        stepwise = st.toggle("Ask before each step", key=f"round-steps-{project.id}")
        options = option_fields(RoundPlan, key="round", helps=_HELPS)
    return RoundPlan(
        project.id, name=name, parent_id=parent or None, preset=info.preset, minutes=float(minutes),
        automatic=automatic, step_by_step=stepwise, again_after=int(count) if count else None, **options,
    )  # fmt: skip


def _begin(project: ProjectRecord, plan: RoundPlan, check: RoundCheck, person: str) -> None:
    for refusal in check.refusals:
        st.error(plain(str(refusal)), icon=":material/block:")
    for text in check.warnings:
        st.warning(plain(text), icon=":material/warning:")
    allowed = may_as(person, Permission.TRAIN, project.id)
    label = "Start round"
    if st.button(
        label, type="primary", icon=":material/play_arrow:", width="stretch", key="round-start",
        disabled=bool(check.refusals) or not allowed,
    ):  # fmt: skip
        with explained():
            start_round(context.store(), plan, person)
            st.session_state["round-begun"] = True
        if st.session_state.pop("round-begun", False):
            st.rerun()
    if not allowed:
        st.caption(who_may(person, "start rounds"))
    else:
        st.caption(
            "Freezes the label maps, trains, scores the new model and the current one (or its parent, if no model has "
            "been promoted yet) on the same test set, compares, and asks you. It continues when this page is closed."
        )


def nothing_yet(project: ProjectRecord) -> None:
    """What to do before there can be a round."""
    with st.container(border=True):
        st.subheader("No training labels yet", anchor=False)
        st.markdown(
            f"A round trains the next model on reference labels and approved corrections. {plain(project.name)} "
            "has neither: import label maps on the Data page, or correct an image and approve the correction on "
            "the Review page."
        )
        st.page_link(REVIEW_PAGE, label="Review", icon=":material/rate_review:", query_params={
            Query.PROJECT.value: project.id
        })  # fmt: skip
