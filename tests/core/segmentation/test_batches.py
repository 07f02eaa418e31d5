"""Which patches the training sees."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from core.segmentation.batches import BatchSource, cases_by_class
from core.segmentation.presets import NNUNET_RECIPE, SHORT_RECIPE

ANNOTATED = (-1, 0, 1, 2)
PLACES = np.zeros((3, 4), int)


class _Cases:
    """Ten cases show class 1, one of them class 2 as well."""

    def __init__(self, identifiers: list[str]) -> None:
        self.identifiers = identifiers

    def load_case(self, identifier: str) -> tuple[Any, Any, Any, Any]:
        rare = PLACES if identifier == "c7" else PLACES[:0]
        return None, None, None, {"class_locations": {1: PLACES, 2: rare, ANNOTATED: PLACES}}


def _source(identifiers: list[str]) -> BatchSource:
    source = BatchSource.__new__(BatchSource)
    source._data = _Cases(identifiers)
    source.annotated_classes_key = ANNOTATED
    return source


def test_cases_are_listed_by_the_classes_that_they_show() -> None:
    found = cases_by_class(_Cases(["c1", "c7"]), ANNOTATED)
    assert found == {1: ["c1", "c7"], 2: ["c7"]}


def test_a_class_that_few_cases_show_is_drawn_as_often_as_the_others() -> None:
    np.random.seed(0)  # noqa: NPY002 - the generator that nnU-Net uses
    source = _source([f"c{i}" for i in range(10)])
    drawn = Counter(source._case_with_class("c0") for _ in range(2000))
    rare = sum(count for (_, wanted), count in drawn.items() if wanted == 2)
    assert 0.45 < rare / 2000 < 0.55
    assert {key for key, wanted in drawn if wanted == 2} == {"c7"}
    assert len({key for key, wanted in drawn if wanted == 1}) == 10


def test_without_any_class_the_case_stays_as_drawn() -> None:
    assert _source([])._case_with_class("c3") == ("c3", None)


def test_patches_are_centred_on_a_class_as_often_as_is_asked_for_just_now() -> None:
    np.random.seed(0)  # noqa: NPY002
    source = _source(["c0"])
    for share in (SHORT_RECIPE.foreground_at(0), SHORT_RECIPE.foreground_at(0.75), SHORT_RECIPE.foreground_at(1)):
        source.oversample_foreground_percent = share
        drawn = [source._probabilistic_oversampling(position % 4) for position in range(4000)]
        assert np.mean(drawn) == pytest.approx(share, abs=0.03)


def test_nnunets_recipe_is_the_same_from_beginning_to_end() -> None:
    assert {NNUNET_RECIPE.foreground_at(part) for part in (0.0, 0.3, 0.8, 1.0)} == {0.33}
