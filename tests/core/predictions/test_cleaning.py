"""A stored prediction cleaned once more, the map before, and what files and pages say of it."""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import PredictionError
from core.exports.label_maps import render_download
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter, open_pyramid
from core.label_scheme import LabelScheme
from core.objects.cleaning import Changes
from core.objects.report import cleaning_sentence
from core.objects.rules import ObjectRule, ObjectRules, RuleSource
from core.predictions.cleaning import DETAILS, clean_again, cleaning_of, raw_labels, raw_pieces
from core.store import ImageRecord, RevisionKind, RevisionState, Store
from core.store.label_maps import MATCH
from core.store.records import RevisionRecord
from tests.core.evaluations.conftest import run_job
from tests.jobs import submit
from tests.models import write_model

SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})

RAW = np.zeros((20, 20), np.uint8)
RAW[4:10, 4:10] = 1
RAW[6, 6] = 0
RAW[14, 14] = RAW[16, 3:5] = 1
RAW[12:14, 8:10] = 2

RULES = ObjectRules((ObjectRule(class_id=1, smallest=0.05, smallest_cut=0.01, largest_hole=0.02),))
"""At 100 nm per pixel: 5 px, 1 px, 2 px."""


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", SCHEME)
    return store.images.add(project.id, Image(np.zeros((20, 20), np.uint8), PixelSize.from_user(100.0), "a"))


@pytest.fixture
def prediction(store: Store, image: ImageRecord) -> RevisionRecord:
    """A model's label map that was not cleaned."""
    return predicted(store, image, RAW)


def predicted(store: Store, image: ImageRecord, labels_yx: NDArray[np.uint8]) -> RevisionRecord:
    begun = store.revisions.begin(
        image.id, RevisionKind.PREDICTION, model_id="tiny", details={"scheme": SCHEME.to_json(), MATCH: {}}
    )
    with LabelPyramidWriter(store.revisions.pyramid_path(begun.id), labels_yx.shape, pixel_size_nm=100.0) as writer:
        writer.write(0, 0, labels_yx, labels_yx + np.uint8(100))
    return store.revisions.complete(begun.id, summary={"backend": "fake"})


def pixels(store: Store, revision: RevisionRecord) -> NDArray[np.uint8]:
    return np.asarray(open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None)))


def test_other_rules_make_another_label_map(store: Store, prediction: RevisionRecord) -> None:
    new = clean_again(store, prediction, RULES, author="ada")
    after_yx = pixels(store, new)
    assert after_yx[6, 6] == 1
    assert not after_yx[14:17, :].any()
    assert (after_yx == 2).sum() == 4
    assert pixels(store, prediction).tolist() == RAW.tolist()
    assert (new.model_id, new.author, new.parent_id, new.state) == (
        "tiny",
        "ada",
        prediction.id,
        RevisionState.COMPLETE,
    )
    assert new.details["summary"] == {"backend": "fake"}
    confidence = open_pyramid(store.revisions.pyramid_path(new.id)).confidence
    assert confidence is not None
    assert confidence.read(0, slice(None), slice(None)).tolist() == (RAW + np.uint8(100)).tolist()
    mitochondria, er = cleaning_of(new)
    assert (mitochondria.objects_before, mitochondria.objects, mitochondria.removed, mitochondria.filled) == (
        3,
        1,
        2,
        1,
    )
    assert (mitochondria.pixels_before, mitochondria.pixels) == (38, 36)
    assert mitochondria.smallest_px == pytest.approx(5)
    assert mitochondria.smallest_um2 == pytest.approx(0.05)
    assert (er.objects_before, er.objects, er.removed) == (1, 1, 0)
    assert cleaning_sentence(cleaning_of(new)) == (
        "2 pieces below the minimum size removed (2 mitochondria); 1 hole filled."
    )
    assert {row["name"]: row["objects"] for row in new.coverage}["mitochondria"] == 1


def test_an_image_of_unknown_pixel_size_is_cleaned_at_that_of_the_model(store: Store, image: ImageRecord) -> None:
    write_model(store.settings.models_dir / "tiny", pixel_size_nm=100.0)
    prediction = predicted(store, image, RAW)
    store.images.set_pixel_size(image.id, PixelSize())
    assert cleaning_of(clean_again(store, prediction, RULES))[0].removed == 2
    shutil.rmtree(store.settings.models_dir / "tiny")
    assert cleaning_of(clean_again(store, prediction, RULES))[0].removed == 0  # nobody knows a size then


def test_the_network_s_own_map_can_be_had_again(store: Store, prediction: RevisionRecord) -> None:
    cleaned = clean_again(store, prediction, RULES)
    assert raw_labels(store, cleaned).tolist() == RAW.tolist()
    back = clean_again(store, cleaned, ObjectRules())
    assert pixels(store, back).tolist() == RAW.tolist()
    assert cleaning_sentence(cleaning_of(back)) == ""
    gentler = dataclasses.replace(RULES.rules[0], smallest=0.015, source=RuleSource.PERSON)
    again = clean_again(store, back, ObjectRules((gentler,)))
    assert cleaning_of(again)[0].removed == 1  # the piece of one pixel; that of two stays
    assert ObjectRules.from_json(again.details[DETAILS]["rules"]).of(1).source is RuleSource.PERSON


def test_pieces_say_what_any_size_would_leave(store: Store, prediction: RevisionRecord) -> None:
    new = clean_again(store, prediction, RULES)
    pieces = raw_pieces(store, new)
    assert pieces is not None
    assert pieces.count()[1] == 3
    assert pieces.count(pieces.kept(RULES.limits(100.0)))[1] == 1
    assert raw_pieces(store, prediction) is None


def test_a_change_of_the_project_s_classes_is_followed(store: Store, prediction: RevisionRecord) -> None:
    new = clean_again(store, prediction, RULES)
    project = store.projects.get(store.images.get(new.image_id).project_id)
    store.projects.update(project.id, scheme=LabelScheme((project.scheme[1],)))
    kept = store.revisions.get(new.id)
    raw_yx = raw_labels(store, kept)
    assert (raw_yx == 2).sum() == 0
    assert (raw_yx == 1).sum() == 38


def test_label_maps_of_people_are_not_cleaned(store: Store, image: ImageRecord) -> None:
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    with LabelPyramidWriter(
        store.revisions.pyramid_path(begun.id), RAW.shape, pixel_size_nm=None, with_confidence=False
    ) as writer:
        writer.write(0, 0, RAW)
    with pytest.raises(PredictionError, match="Only predictions"):
        clean_again(store, store.revisions.complete(begun.id), RULES)


def test_a_failure_leaves_nothing(store: Store, prediction: RevisionRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Changes, path: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(Changes, "save", fail)
    with pytest.raises(OSError, match="no space"):
        clean_again(store, prediction, RULES)
    assert store.revisions.of_image(prediction.image_id, state=None) == (prediction,)
    assert [path.name for path in store.labels_dir.iterdir()] == [prediction.id]


def test_the_job_makes_the_label_map(store: Store, prediction: RevisionRecord) -> None:
    asked = submit("clean", {"revision_id": prediction.id, "rules": RULES.to_json()}, store=store)
    done = run_job(store, asked)
    assert done.result["revision_id"] == store.revisions.of_image(prediction.image_id)[0].id != prediction.id
    refused = run_job(store, submit("clean", {"revision_id": prediction.id}, store=store))
    assert "object rules cannot be read" in refused.error_cause


def test_the_table_to_take_away_has_numbers_before_and_after(store: Store, prediction: RevisionRecord) -> None:
    content, _, _ = render_download(store, clean_again(store, prediction, RULES).id, "coverage.csv", {})
    assert isinstance(content, bytes)
    rows = {row["class"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    row = rows["mitochondria"]
    assert (row["pixels_before_cleaning"], row["pixels"]) == ("38", "36")
    assert (row["objects_before_cleaning"], row["objects"]) == ("3", "1")
    assert (row["smallest_object_um2"], row["smallest_object_px"]) == ("0.05", "5")
    assert rows["background"]["objects_before_cleaning"] == ""


def test_sizes_mean_pixels_as_the_prediction_was_made(store: Store, prediction: RevisionRecord) -> None:
    """The page counted with the pixel size of the prediction, and the masks were cleaned with that of the image."""
    cleaned = clean_again(store, prediction, RULES)
    store.images.set_pixel_size(prediction.image_id, PixelSize.from_user(200.0))
    again = clean_again(store, cleaned, RULES)
    assert cleaning_of(again)[0].smallest_px == pytest.approx(5)  # at 100 nm, not 1.25 px at 200 nm
    assert pixels(store, again).tolist() == pixels(store, cleaned).tolist()
