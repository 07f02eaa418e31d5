"""Groups on both sides of the line between training and test, checked against pairs of images one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.datasets.case import Split
from core.datasets.leakage import Place, Straddle, straddling

PLACES = st.lists(
    st.builds(
        Place,
        split=st.sampled_from(Split),
        specimen=st.sampled_from(["", "mouse 1", "mouse 2"]),
        stack=st.sampled_from(["", "s1", "mouse 1"]),
    ),
    max_size=12,
)


def by_pairs(training: list[Place], test: list[Place]) -> tuple[Straddle, ...]:
    """Every group that a training image and a test image have in common, with how many of each it has."""
    found = []
    for what in ("specimen", "stack"):
        for name in sorted({getattr(image, what) for image in (*training, *test)} - {""}):
            sides = [sum(getattr(image, what) == name for image in images) for images in (training, test)]
            if all(sides):
                found.append(Straddle(what, name, *sides))
    return tuple(found)


@given(PLACES)
def test_splits_decide_where_nobody_says_what_is_trained_on(places: list[Place]) -> None:
    sides = ([place for place in places if place.split is split] for split in (Split.TRAIN, Split.TEST))
    assert straddling(places) == by_pairs(*sides)


@given(PLACES, PLACES)
def test_what_is_trained_on_counts_whatever_its_split(places: list[Place], chosen: list[Place]) -> None:
    test = [place for place in places if place.split is Split.TEST]
    taught = [place for place in chosen if place.split is not Split.TEST]
    assert straddling(places, training=chosen) == by_pairs(taught, test)
