"""A change of the pixel size says what it makes outdated, and for how long that keeps a machine busy."""

from __future__ import annotations

import numpy as np
import pytest

from core.curation.pixel_size_change import PixelSizeChange, change_of_pixel_size, seconds_to_segment
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.segmentation.scale_note import scale_note
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("one", DEFAULT_SCHEME)
    return store.images.add(project.id, Image(np.zeros((1000, 2000), np.uint8), PixelSize.from_user(8.0)))


def _predicted(store: Store, image: ImageRecord, nm: float | None, seconds: float, *, scale: float = 1.0) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m")
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.zeros(image.shape_yx, np.uint8), pixel_size_nm=nm)
    summary = {"pixel_size_nm": nm, "scale_factor": scale, "seconds": seconds, "shape_yx": list(image.shape_yx)}
    store.revisions.complete(begun.id, summary=summary)


def test_predictions_of_another_size_take_as_long_as_their_pixels(store: Store, image: ImageRecord) -> None:
    _predicted(store, image, 8.0, 10.0)
    change = change_of_pixel_size(store, [image], 16.0)
    assert (change.images, change.predictions, change.outdates) == (1, 1, True)
    assert change.seconds == pytest.approx(40), "twice as large a pixel is four times the pixels for the network"
    assert change_of_pixel_size(store, [image], 8.0) == PixelSizeChange(0, 0, 0, 0, None)


def test_what_was_made_at_the_new_size_stays(store: Store, image: ImageRecord) -> None:
    _predicted(store, image, 4.0, 3.0, scale=0.5)
    assert not change_of_pixel_size(store, [image], 4.0).outdates


def test_measurements_and_evaluations_are_counted(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.zeros(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(begun.id)
    path = store.revisions.object_table_path(begun.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    change = change_of_pixel_size(store, [image], 4.0)
    assert (change.predictions, change.measured, change.evaluations) == (0, 1, 0)
    assert change.outdates


def test_time_for_an_image_comes_from_earlier_ones_of_the_model(store: Store, image: ImageRecord) -> None:
    assert seconds_to_segment(store, image, 8.0, "m", 8.0) is None
    _predicted(store, image, 16.0, 80.0, scale=2.0)  # 8 Mpx as the network saw it
    assert seconds_to_segment(store, image, 8.0, "m", 8.0) == pytest.approx(20)
    assert seconds_to_segment(store, image, 4.0, "m", 8.0) == pytest.approx(5)
    assert seconds_to_segment(store, image, 8.0, "other", 8.0) is None


@pytest.mark.parametrize(
    ("image_nm", "model_nm", "words"),
    [
        (32.0, 8.0, "enlarged 4 times"),
        (32.0, 8.0, "finer than about 64 nm"),
        (2.0, 8.0, "shrunk 4 times"),
        (2.0, 8.0, "smaller than about 24 nm are lost"),
    ],
)
def test_an_image_far_from_the_models_scale_is_warned_of(image_nm: float, model_nm: float, words: str) -> None:
    assert words in str(scale_note(image_nm, model_nm))


@pytest.mark.parametrize(("image_nm", "model_nm"), [(8, 8), (16, 8), (4, 8), (None, 8), (8, None)])
def test_near_the_models_scale_nothing_is_said(image_nm: float | None, model_nm: float | None) -> None:
    assert scale_note(image_nm, model_nm) is None
