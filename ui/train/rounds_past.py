"""The rounds so far: Dice over rounds, the work in them, what each one changed; and the project's current model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.roles import Permission
from core.rounds import decisions
from core.rounds.figures import DECISIONS, dice_over_rounds, work_over_rounds
from core.rounds.promotion import promote_model
from core.rounds.timeline import TimelineRound
from core.store.records import ProjectRecord, Split
from core.store.round_records import RoundState
from core.wording import counted
from ui import context
from ui.access import may_as
from ui.errors import plain
from ui.figure import figure
from ui.parts.columns import count_columns
from ui.parts.names import model_choice
from ui.parts.options import choice_or_none
from ui.parts.side_by_side import side_by_side
from ui.train.rounds_now import changed, judgement_panel, notices_list, steps_line
from ui.train.rounds_words import CURRENT, STATES, interval_text


def current_model_panel(project: ProjectRecord, person: str) -> None:
    """The project's current model, since when, why; a way to use another, and to predict with it."""
    store = context.store()
    promoted, models = store.rounds.promoted_model(project.id), context.offered_models()
    allowed = may_as(person, Permission.TRAIN, project.id)
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        if promoted is None:
            text = unpromoted_text(project)
        else:
            text = f"**Current model: {plain(context.model_name(promoted.model_id))}**"
            by = f" by {plain(promoted.who)}" if promoted.who else ""
            text += f", promoted {promoted.at:%Y-%m-%d %H:%M} UTC{by}."
            if promoted.reason:
                text += f" {plain(promoted.reason)}"
        st.markdown(f":material/verified: {text}")
        if allowed and models:
            _use_another(project, person, promoted.model_id if promoted else None)
        if allowed and promoted is not None:
            _predict(project, person)


def unpromoted_text(project: ProjectRecord) -> str:
    """What the current model is while none has been promoted, and what rounds compare with, as Markdown."""
    current = context.find_current_model(project.id)
    compared = "No model has been promoted yet. New models are compared with the model that they were fine-tuned from."
    if current is None:
        return compared
    return f"**Current model: {plain(current.model.card.name)}** ({CURRENT[current.reason]}). {compared}"


def _use_another(project: ProjectRecord, person: str, now: str | None) -> None:
    """Choosing a model by hand, or going back to an earlier one."""
    with st.popover("Change model", icon=":material/swap_horiz:", width="content"):
        st.caption("Changes the current model without a round. The reason is recorded in the audit log.")
        models = {model_id: model for model_id, model in context.offered_models().items() if model_id != now}
        if not models:
            st.caption("There is no other model.")
            return
        chosen = model_choice("Model", models, key=f"round-use-{project.id}")
        reason = st.text_input("Reason", key=f"round-use-reason-{project.id}")
        if st.button("Use model", key=f"round-use-go-{project.id}", type="primary"):
            changed(lambda: promote_model(context.store(), project.id, chosen, person, reason))


def _predict(project: ProjectRecord, person: str) -> None:
    """The pool, predicted anew."""
    pool = sum(image.split is Split.POOL for image in context.store().images.all(project.id))
    if st.button(
        "Segment pool", icon=":material/blur_on:", disabled=not pool, key=f"round-pool-{project.id}",
        help=f"{counted(pool, 'image')} of the pool; their suggested places to check are updated.",
    ):  # fmt: skip
        changed(lambda: decisions.predict_pool(context.store(), project.id, person))


def past_panel(project: ProjectRecord, rounds: Sequence[TimelineRound]) -> None:
    """Figures over all rounds, the table, and one round in detail."""
    st.subheader("Past rounds", anchor=False)
    left, right = side_by_side([1.6, 1], key="rounds")
    version = f"{len(rounds)}-{sum(each.decision is not None for each in rounds)}"
    with left.container(border=True, height="stretch"):
        st.markdown("**Dice by round**")
        drawn = dice_over_rounds(rounds)
        figure(drawn, name="dice_over_rounds", key=f"rounds-dice-{project.id}-{version}")
        st.caption(
            "Mean Dice on the test set with interval, starting with the previous model. Open marks: not promoted. "
            "Rounds with different test sets are not comparable."
        )
    with right.container(border=True, height="stretch"):
        st.markdown("**Annotation effort**")
        if any(any(round_.corrected.values()) for round_ in rounds):
            drawn = work_over_rounds(rounds)
            figure(drawn, name="work_over_rounds", key=f"rounds-work-{project.id}-{version}")
            st.caption("Pixels changed by new corrections, by new class. Above: painting time.")
        else:
            st.caption(
                "No corrections have changed pixels yet. Correct the model's errors on the Correct page and "
                "approve them on the Review page; the next round is trained on them."
            )
    st.dataframe(
        rounds_table(rounds), hide_index=True, placeholder="–", width="stretch", key=f"rounds-table-{project.id}",
        column_config=count_columns("Corrected, px"),
    )  # fmt: skip
    by_number = {round_.number: round_ for round_ in reversed(rounds)}
    chosen = choice_or_none(
        "Details of round", {number: f"{number} · {_where(each)}" for number, each in by_number.items()},
        placeholder="Choose one", key=f"rounds-detail-{project.id}", width=320,
    )  # fmt: skip
    if chosen is not None:
        _detail(by_number[chosen])


def rounds_table(rounds: Sequence[TimelineRound]) -> pd.DataFrame:
    """One row per round, the newest first."""
    return pd.DataFrame(
        [
            {
                "Round": round_.number,
                "Step": _where(round_),
                "Model": round_.model_name + (" (current)" if round_.promoted else ""),
                "Mean Dice": interval_text(round_.dice()),
                "Change": interval_text(round_.gain(), signed=True),
                "Decided by": round_.decided_by,
                "Training images": round_.learned_images,
                "Corrected, px": sum(round_.corrected.values()),
                "Painting, min": round(round_.annotation_minutes, 1),
                "Started": f"{round_.created_at:%Y-%m-%d %H:%M} UTC",
                "By": round_.author,
            }
            for round_ in reversed(rounds)
        ]
    )


def _where(each: TimelineRound) -> str:
    if each.decision is not None:
        return DECISIONS[each.decision]
    return STATES[each.state]


def _detail(each: TimelineRound) -> None:
    """What a round's corrections were, and what came of them."""
    record = context.store().rounds.get(each.round_id)
    with st.container(border=True):
        steps_line(record)
        names = {0: "background", **{item.id: item.name for item in each.scheme.classes}}
        if any(each.corrected.values()) or any(each.covered.values()):
            st.markdown("**Corrected pixels and change of Dice by class**")
            st.dataframe(
                pd.DataFrame(
                    {
                        "Class": list(names.values()),
                        "Corrected, px": [each.corrected.get(i, 0) for i in names],
                        "Confirmed, px": [each.covered.get(i, 0) for i in names],
                        "Change of Dice": [interval_text(each.gain(i), signed=True) if i else "–" for i in names],
                    }
                ),
                hide_index=True,
                placeholder="–",
                width="stretch",
                column_config=count_columns("Corrected, px", "Confirmed, px"),
            )
        else:
            st.caption("No new corrections in this round.")
        if each.reason:
            st.markdown(f"**Reason:** {plain(each.reason)}")
        notices_list(each.notices)
        if record.comparison is not None and record.state is not RoundState.WAITING:
            judgement_panel(record)
