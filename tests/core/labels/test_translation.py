"""Classes of one scheme as those of another: by name, as a person says, and never as another class."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.labels.translation as translation
from core.errors import LabelMapError
from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID, RESERVED_ID, LabelScheme
from core.labels.translation import alike_name, match_classes, own_classes


def scheme(**ids: int) -> LabelScheme:
    return LabelScheme.from_names({name.replace("_", " "): class_id for name, class_id in ids.items()})


def test_the_examples_in_the_docstrings_hold() -> None:
    found = doctest.testmod(translation)
    assert found.attempted >= 6
    assert not found.failed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mitochondria", "Mitochondrion"),
        ("nuclei", "NUCLEUS"),
        ("lipid droplets", "lipid_droplet"),
        ("cell-boundaries", "Cell Boundary"),
        ("synapses", "synapse"),
        ("T-tubules", "t tubule"),
    ],
)
def test_names_that_mean_the_same(one: str, other: str) -> None:
    assert alike_name(one) == alike_name(other)
    match = match_classes(LabelScheme.from_names({one: 1}), LabelScheme.from_names({other: 9}))
    assert match.ids == {1: 9}


@pytest.mark.parametrize(
    ("one", "other"),
    [("nucleus", "nucleolus"), ("ER", "endoplasmic reticulum"), ("axon", "axon initial segment"), ("cis", "ci")],
)
def test_names_that_do_not(one: str, other: str) -> None:
    match = match_classes(LabelScheme.from_names({one: 1}), LabelScheme.from_names({other: 1}))
    assert match.ids == {1: 0}
    assert match.undecided == (one,)
    assert match.missing == (other,)
    assert not match.any_in_common


def test_an_exact_name_comes_before_one_that_is_alike() -> None:
    match = match_classes(scheme(nuclei=1, nucleus=2), scheme(nucleus=7))
    assert match.ids == {1: 0, 2: 7}
    assert match.undecided == ("nuclei",)


def test_where_several_are_alike_none_is_guessed() -> None:
    assert match_classes(scheme(vesicle=1), LabelScheme.from_names({"vesicles": 1, "vesicle_": 2})).ids == {1: 0}
    assert match_classes(LabelScheme.from_names({"vesicles": 1, "vesicle_": 2}), scheme(vesicle=1)).ids == {1: 0, 2: 0}


def test_permuted_ids_go_by_name_and_say_nothing() -> None:
    match = match_classes(scheme(membrane=1, mitochondria=2), scheme(mitochondria=1, ER=2, membrane=3))
    labels = np.array([[0, 1], [2, IGNORE_ID]], np.uint8)
    assert match.translated(labels).tolist() == [[0, 3], [1, IGNORE_ID]]
    assert match.undecided == ()
    assert match.sentences() == ("Missing in the model: ER.",)


def test_what_a_person_says_comes_before_the_names() -> None:
    model, project = scheme(mito=1, membrane=2, junk=3), scheme(mitochondria=4, membrane=5)
    said = match_classes(model, project, {"mito": "Mitochondria", "membrane": None, "JUNK": None})
    assert said.ids == {1: 4, 2: 0, 3: 0}
    assert said.undecided == ()
    assert said.left_out == ("membrane", "junk")
    assert said.sentences() == (
        "The model's class mito is mitochondria in the project.",
        "Ignored (background), as chosen: membrane, junk.",
        "Missing in the model: membrane.",
    )
    assert said.to_json() == {
        "mapped": {"mito": "mitochondria"},
        "left_out": ["membrane", "junk"],
        "undecided": [],
        "missing": ["membrane"],
    }


def test_several_classes_may_become_one() -> None:
    match = match_classes(
        scheme(outer=1, inner=2), scheme(mitochondria=1), dict.fromkeys(("outer", "inner"), "mitochondria")
    )
    assert match.ids == {1: 1, 2: 1}


def test_what_nobody_decided_is_named() -> None:
    match = match_classes(scheme(golgi=1, ER=2), scheme(ER=1))
    assert match.sentences() == ("The project has no class golgi: what the model finds of it is background here.",)


def test_a_map_of_classes_that_there_are_not_is_refused() -> None:
    with pytest.raises(LabelMapError, match="'peroxisome', but the classes are ER"):
        match_classes(scheme(ER=1), scheme(ER=1), {"peroxisome": "ER"})
    with pytest.raises(LabelMapError, match=r"'ER' is matched to 'golgi', but the project's classes are mitochondria"):
        match_classes(scheme(ER=1), scheme(mitochondria=1), {"ER": "golgi"})


def test_a_former_name_leads_to_the_class_unless_another_has_it_now() -> None:
    model = scheme(mito=1, ER=2)
    assert match_classes(model, scheme(chondriome=5), former={"mito": 5, "ER": 9}).ids == {1: 5, 2: 0}
    assert match_classes(model, scheme(chondriome=5, mito=6), former={"mito": 5}).ids == {1: 6, 2: 0}


def test_an_id_of_no_class_is_never_taken_for_one() -> None:
    match = match_classes(scheme(ER=1), scheme(ER=2, golgi=3))
    assert match.translated(np.array([[1, 2, 3, 4]], np.uint8)).tolist() == [[2, RESERVED_ID, RESERVED_ID, 4]]


def test_nothing_is_copied_where_ids_stay() -> None:
    labels = np.array([[1, 5]], np.uint8)
    assert match_classes(DEFAULT_SCHEME, DEFAULT_SCHEME).translated(labels) is labels


@given(st.permutations(range(1, 7)), st.permutations(range(1, 7)))
def test_there_and_back_is_the_same(one: list[int], other: list[int]) -> None:
    names = ["mito", "nucleus", "ER", "lipid", "membrane", "golgi"]
    first = LabelScheme.from_names(dict(zip(names, one, strict=True)))
    second = LabelScheme.from_names(dict(zip(names, other, strict=True)))
    labels = np.array([[0, 1, 2, 3, 4, 5, 6, IGNORE_ID]], np.uint8)
    there = match_classes(first, second).translated(labels)
    for name in names:
        mine, theirs = (next(c.id for c in s.classes if c.name == name) for s in (first, second))
        assert (there == theirs).tolist() == (labels == mine).tolist()
    assert match_classes(second, first).translated(there).tolist() == labels.tolist()


class TestOwnClasses:
    """A label map in a project's ids, after the project's classes were changed."""

    def test_a_renamed_class_keeps_its_pixels(self) -> None:
        found = own_classes(scheme(mito=1, ER=2), scheme(chondriome=1, ER=2))
        assert found.identity

    def test_a_removed_class_is_background_and_named(self) -> None:
        found = own_classes(scheme(mito=1, ER=2), scheme(mito=1))
        assert found.ids == {1: 1, 2: 0}
        assert found.left_out == ("ER",)

    def test_a_class_that_came_back_under_another_number_is_followed(self) -> None:
        assert own_classes(scheme(mito=1, ER=2), scheme(mito=1, ER=4)).ids == {1: 1, 2: 4, 4: 4}

    def test_numbers_that_an_earlier_version_swapped_are_followed_by_name(self) -> None:
        assert own_classes(scheme(mito=1, ER=2), scheme(mito=2, ER=1)).ids == {1: 2, 2: 1}

    def test_names_that_were_swapped_on_purpose_stay_swapped(self) -> None:
        former = [(1, "mito"), (1, "x"), (2, "ER")]
        assert own_classes(scheme(mito=1, ER=2), scheme(mito=2, ER=1), former).identity

    def test_the_number_of_a_class_that_moved_away_is_not_taken_for_another(self) -> None:
        written, now = scheme(Nucleus=1, golgi=2, mito=3), scheme(mito=1, nucleus=2)
        assert own_classes(written, now).ids == {1: 2, 2: 0, 3: 1}
