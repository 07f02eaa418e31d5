"""Suggested places: doubtful ones first, the classes in turn, and what was seen stays seen."""

from __future__ import annotations

import numpy as np
import pytest

from core.annotation.ranking import Strategy, suggest
from core.annotation.suggestions import Visit, start_again, strategies, tour, visit
from core.errors import AnnotationError, NotFoundError
from core.imaging.image import Image
from core.imaging.pyramid import LabelPyramidWriter
from core.label_scheme import LabelScheme
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, RevisionRecord


def unsure_at(shape: tuple[int, int], *places: tuple[int, int, int], edge: int = 8) -> np.ndarray:
    """Full confidence but for squares of (row, column, confidence)."""
    confidence = np.full(shape, 255, np.uint8)
    for row, column, value in places:
        confidence[row : row + edge, column : column + edge] = value
    return confidence


def test_the_most_doubtful_place_comes_first() -> None:
    labels = np.ones((64, 64), np.uint8)
    found = suggest(labels, unsure_at((64, 64), (0, 0, 200), (40, 48, 50)), strategy=Strategy.CONFIDENCE, window=8)
    assert found[0] == (40, 48, 1, pytest.approx(50 / 255))
    assert found[1][:2] == (0, 0)


def test_a_frequent_class_does_not_crowd_out_a_rare_one() -> None:
    labels = np.ones((64, 64), np.uint8)
    labels[56:, 56:] = 2
    places = [(row, column, 60) for row in (0, 16, 32) for column in (0, 16, 32)]
    found = suggest(labels, unsure_at((64, 64), *places, (56, 56, 200)), strategy=Strategy.CONFIDENCE, window=8)
    assert 2 in [class_id for _, _, class_id, _ in found[:2]]


def test_background_is_suggested_where_something_may_have_been_missed() -> None:
    labels = np.zeros((32, 32), np.uint8)
    found = suggest(labels, unsure_at((32, 32), (8, 16, 130)), strategy=Strategy.CONFIDENCE, window=8)
    assert found[0][:3] == (8, 16, 0)


def test_where_everything_is_sure_there_is_nothing_to_suggest() -> None:
    labels = np.ones((32, 32), np.uint8)
    sure = np.full((32, 32), 255, np.uint8)
    assert suggest(labels, sure, strategy=Strategy.CONFIDENCE, window=8) == ()
    assert suggest(np.zeros((32, 32), np.uint8), sure, strategy=Strategy.RANDOM, window=8) == ()


@pytest.mark.parametrize("strategy", [Strategy.CONFIDENCE, Strategy.RANDOM])
def test_windows_overlap_by_half_at_most_and_lie_inside(strategy: Strategy) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (60, 90), np.uint8)
    found = suggest(labels, rng.integers(0, 256, (60, 90), np.uint8), strategy=strategy, window=16)
    assert len(found) > 5
    for number, (row, column, *_) in enumerate(found):
        assert 0 <= row <= 44
        assert 0 <= column <= 74
        others = found[:number]
        assert all(abs(row - r) > 8 or abs(column - c) > 8 for r, c, *_ in others)


def test_random_places_show_objects_and_are_the_same_again() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[10:14, 40:44] = 3
    first = suggest(labels, None, strategy=Strategy.RANDOM, window=16, seed=5)
    assert first == suggest(labels, None, strategy=Strategy.RANDOM, window=16, seed=5)
    row, column, class_id, confidence = first[0]
    assert labels[row : row + 16, column : column + 16].any()
    assert (class_id, confidence) == (3, None)


def test_ignored_pixels_are_never_suggested() -> None:
    labels = np.full((32, 32), 255, np.uint8)
    for strategy in (Strategy.CONFIDENCE, Strategy.RANDOM):
        assert suggest(labels, np.zeros((32, 32), np.uint8), strategy=strategy, window=8) == ()


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("one", LabelScheme.from_names({"mitochondria": 1}))
    return store.images.add(project.id, Image(np.random.default_rng(0).integers(0, 255, (600, 700), np.uint8)))


def predict(store: Store, image: ImageRecord, *, sure: bool = True) -> RevisionRecord:
    """A prediction that is in doubt at row 300, column 100."""
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION)
    labels = np.ones(image.shape_yx, np.uint8)
    path = store.revisions.pyramid_path(begun.id)
    with LabelPyramidWriter(path, image.shape_yx, pixel_size_nm=8.0, with_confidence=sure) as writer:
        writer.write(0, 0, labels, unsure_at(image.shape_yx, (300, 100, 20), edge=60) if sure else None)
        writer.finish()
    return store.revisions.complete(begun.id)


def test_a_tour_goes_on_where_its_person_left_it(store: Store, image: ImageRecord) -> None:
    prediction = predict(store, image)
    first = tour(store, image.id, "Ada")
    assert first.revision_id == prediction.id
    place = first.next
    assert place is not None
    assert place.row <= 300 <= place.row + place.height_px
    assert place.column <= 100 <= place.column + place.width_px
    visit(store, first, "Ada", place, Visit.SEEN)
    visit(store, first, "Ada", place, Visit.SKIPPED)
    again = tour(store, image.id, " ADA ")
    assert again.visits == {place.place: Visit.SKIPPED}
    assert again.done == 1
    assert again.next != place
    assert tour(store, image.id, "Bob").next == place
    start_again(store, first, "ada")
    assert tour(store, image.id, "Ada").next == place


def test_visits_go_with_their_prediction(store: Store, image: ImageRecord) -> None:
    prediction = predict(store, image)
    found = tour(store, image.id, "Ada")
    assert found.next is not None
    visit(store, found, "Ada", found.next, Visit.SEEN)
    store.revisions.delete(prediction.id)
    with pytest.raises(NotFoundError):
        visit(store, found, "Ada", found.next, Visit.SEEN)
    predict(store, image)
    assert tour(store, image.id, "Ada").done == 0


def test_without_a_prediction_or_its_confidence_the_remedy_is_named(store: Store, image: ImageRecord) -> None:
    with pytest.raises(AnnotationError, match="no prediction for this image yet"):
        tour(store, image.id, "Ada")
    predict(store, image, sure=False)
    with pytest.raises(AnnotationError, match="without a confidence map"):
        tour(store, image.id, "Ada")
    assert tour(store, image.id, "Ada", Strategy.RANDOM).next is not None


def test_what_an_image_can_be_looked_through_by(store: Store, image: ImageRecord) -> None:
    assert strategies(store, image.id) == (Strategy.VARIETY,)
    predict(store, image, sure=False)
    assert strategies(store, image.id) == (Strategy.RANDOM, Strategy.VARIETY)
    predict(store, image)
    assert strategies(store, image.id) == (Strategy.CONFIDENCE, Strategy.RANDOM, Strategy.VARIETY)
    with pytest.raises(NotFoundError):
        strategies(store, "gone")


def test_an_image_without_a_prediction_has_places_too(store: Store, image: ImageRecord) -> None:
    found = tour(store, image.id, "Ada", Strategy.VARIETY)
    place = found.next
    assert place is not None
    assert (place.class_id, place.confidence) == (None, None)
    assert place.row + place.height_px <= 600
    assert place.column + place.width_px <= 700
    visit(store, found, "Ada", place, Visit.SEEN)
    assert tour(store, image.id, "Ada", Strategy.VARIETY).done == 1
    assert tour(store, image.id, "Bob", Strategy.VARIETY).done == 0


def test_what_was_seen_of_an_image_and_of_its_prediction_is_kept_apart(store: Store, image: ImageRecord) -> None:
    predict(store, image)
    doubtful, varied = tour(store, image.id, "Ada"), tour(store, image.id, "Ada", Strategy.VARIETY)
    for found in (doubtful, varied):
        assert found.next is not None
        visit(store, found, "Ada", found.next, Visit.SEEN)
    for found, strategy in ((doubtful, Strategy.CONFIDENCE), (varied, Strategy.VARIETY)):
        assert found.next is not None
        assert tour(store, image.id, "Ada", strategy).visits == {found.next.place: Visit.SEEN}
    start_again(store, varied, "Ada")
    assert tour(store, image.id, "Ada").done == 1
    assert tour(store, image.id, "Ada", Strategy.VARIETY).done == 0
    store.images.delete(image.id)
    with pytest.raises(NotFoundError):
        visit(store, varied, "Ada", varied.suggestions[0], Visit.SEEN)
