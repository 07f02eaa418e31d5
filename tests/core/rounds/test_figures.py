"""Rounds over time: what is drawn, and the numbers behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.evaluation.image_scores import ALL
from core.label_scheme import LabelScheme
from core.rounds.figures import dice_over_rounds, work_over_rounds
from core.rounds.gate import ClassJudgement, Figure, Judgement, Outcome
from core.rounds.timeline import TimelineRound
from core.store.round_records import RoundDecision, RoundState, Step

SCHEME = LabelScheme.from_names({"mitochondria": 1, "rare <b>": 2})


def a_round(number: int, dice: float | None, decision: RoundDecision | None, minutes: float = 0.0) -> TimelineRound:
    judged = (
        ClassJudgement(1, "mitochondria", None, Figure(dice, 0.4, 0.9, 4), None, 0, None, 0, ""),
        ClassJudgement(2, "rare <b>", None, Figure(None, None, None, 0), None, 0, None, 0, ""),
        ClassJudgement(ALL, "mean over classes", None, Figure(dice, None, None, 4), None, 0, None, 0, ""),
    )
    return TimelineRound(
        round_id=str(number), number=number, created_at=datetime(2026, 1, number, tzinfo=UTC), author="Ada",
        state=RoundState.DONE, step=Step.PREDICT, model_id="m", model_name=f"model {number}", base_model_id=None,
        judgement=None if dice is None else Judgement(Outcome.FIRST, judged, (), ""), decision=decision, reason="",
        decided_by="Ada", decided_at=None, promoted=number == 2, corrected={1: 100 * number, 0: 7}, covered={1: 500},
        annotation_minutes=minutes, learned_images=3, scheme=SCHEME, notices=(),
    )  # fmt: skip


ROUNDS = (
    a_round(1, 0.6, RoundDecision.KEPT),
    a_round(2, 0.8, RoundDecision.PROMOTED, 12.0),
    a_round(3, None, None, 0.5),
)


def test_a_line_per_class_and_one_for_the_mean() -> None:
    one, rare, mean = dice_over_rounds(ROUNDS).figure.data
    assert one.y == (0.6, 0.8)
    assert one.marker.symbol == ("circle-open", "circle"), "the first was not promoted"
    assert one.error_y.array[1] == 0.9 - 0.8
    assert rare.name == "rare &lt;b&gt;"
    assert rare.y == ()
    assert mean.error_y.array == (0.0, 0.0), "no interval"


def test_the_axis_names_the_model_in_use() -> None:
    ticks = dice_over_rounds(ROUNDS).figure.layout.xaxis.ticktext
    assert ticks == ("round 1", "round 2<br>current", "round 3")


def test_the_lines_begin_at_the_model_before() -> None:
    """The figure began with the first round, so nobody saw whether that was better than what there had been."""
    judged = (
        ClassJudgement(
            1, "mitochondria", Figure(0.5, 0.3, 0.6, 4), Figure(0.6, 0.4, 0.9, 4), None, 0, None, 0, "",
        ),
        ClassJudgement(
            ALL, "mean over classes", Figure(0.45, None, None, 4), Figure(0.6, None, None, 4), None, 0, None, 0, "",
        ),
    )  # fmt: skip
    first = replace(ROUNDS[0], judgement=Judgement(Outcome.PASSED, judged, (), ""), base_model_name="starter <x>")
    drawn = dice_over_rounds((first, *ROUNDS[1:]))
    one, rare, mean = drawn.figure.data
    assert one.y == (0.5, 0.6, 0.8)
    assert round(one.x[0]) == -1
    assert "before round 1" in one.hovertext[0]
    assert "starter &lt;x&gt;" in one.hovertext[0]
    assert mean.y[0] == 0.45
    assert rare.y == ()
    assert drawn.figure.layout.xaxis.ticktext == ("before", "round 1", "round 2<br>current", "round 3")
    row = drawn.table.iloc[0]
    assert (row["round"], row["model"], row["class"], row["dice"], row["n"]) == (
        0,
        "starter <x>",
        "mitochondria",
        0.5,
        4,
    )


def test_the_table_has_a_row_per_round_and_class() -> None:
    table = dice_over_rounds(ROUNDS).table
    assert len(table) == 9
    row = table[(table["round"] == 2) & (table["class"] == "mitochondria")].iloc[0]
    assert (row["dice"], row["low"], row["n"], row["decision"]) == (0.8, 0.4, 4, "promoted")
    assert table[table["round"] == 3]["n"].tolist() == [0, 0, 0]


def test_work_is_pixels_by_class_and_minutes() -> None:
    drawn = work_over_rounds(ROUNDS)
    background, mitochondria = drawn.figure.data
    assert background.y == (7, 7, 7)
    assert mitochondria.y == (100, 200, 300)
    assert [note.text for note in drawn.figure.layout.annotations] == ["12 min", "under 1 min"]
    row = drawn.table[(drawn.table["round"] == 2) & (drawn.table["class"] == "mitochondria")].iloc[0]
    assert (row["corrected_px"], row["confirmed_px"], row["annotation_min"]) == (200, 500, 12)


def test_no_rounds_no_rows() -> None:
    assert dice_over_rounds(()).table.empty
    assert work_over_rounds(()).table.empty
