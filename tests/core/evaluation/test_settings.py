"""The settings that people choose: page, command line and report take them from one table."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from core.errors import SettingsError
from core.evaluation.settings import CHOOSABLE, MEASURING, EvaluationSettings, parsed_settings
from core.evaluations.report.methods import chosen_sentence


@pytest.mark.parametrize("row", CHOOSABLE, ids=lambda row: row.name)
def test_a_setting_to_choose_is_a_field_that_counts_and_is_checked(row) -> None:  # type: ignore[no-untyped-def]
    assert row.name in {field.name for field in fields(EvaluationSettings)}
    assert row.name in MEASURING, "two evaluations that differ in it must not be compared"
    with pytest.raises(SettingsError, match=row.name):
        EvaluationSettings(**{row.name: row.lowest - 1})
    usual = getattr(EvaluationSettings(), row.name)
    assert (usual is None) == bool(row.usual)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["bins=3"], "'bins=3' names no setting"),
        (["min_object_px"], "min_object_px is '', not a whole number"),
        (["min_object_px=2.5"], "not a whole number"),
        (["tolerance_nm=wide"], "tolerance_nm is 'wide', not a number"),
        (["seed=3"], "names no setting"),
    ],
)
def test_settings_from_the_command_line_that_cannot_be_used_are_named(texts: list[str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        parsed_settings(texts)


def test_settings_from_the_command_line_are_values() -> None:
    assert parsed_settings([]) == {}
    chosen = parsed_settings([" min_object_px = 20 ", "tolerance_nm=12.5"])
    assert EvaluationSettings(**chosen) == EvaluationSettings(min_object_px=20, tolerance_nm=12.5)  # type: ignore[arg-type]


def test_the_methods_say_a_setting_only_where_it_is_not_the_usual_one() -> None:
    row = replace(CHOOSABLE[1], sentence="Pieces below {value} px are no objects.")
    assert chosen_sentence(row, EvaluationSettings()) == ""
    assert chosen_sentence(row, EvaluationSettings(min_object_px=20)) == "Pieces below 20 px are no objects."
    assert chosen_sentence(CHOOSABLE[1], EvaluationSettings(min_object_px=20)) == "", "the methods say it elsewhere"
