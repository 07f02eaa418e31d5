"""What of a project can be measured, the job that does it, and looking at what is there."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cache import Cache
from core.errors import DatasetError
from core.exports.label_maps import render_download
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import LabelPyramidWriter
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.learning.training_labels import COVERED
from core.measurements import tables
from core.measurements.confirmed import confirmed_share, confirmed_words
from core.measurements.smallest import Smallest
from core.measurements.sources import COUNTING, REFERENCES, MeasuredMap, Source, SourceKind, sources
from core.measurements.start import last_ended, measured, running, start_measuring, usual_source
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects
from core.review.decisions import Decision, decide
from core.review.double_annotation import ask_to_annotate
from core.store import ImageRecord, JobState, ProjectRecord, RevisionKind, Store
from core.store.records import RevisionRecord
from tests.core.evaluations.conftest import run_job

SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})
LABELS = np.zeros((8, 8), np.uint8)
LABELS[2:4, 2:5] = 1
LABELS[6, 2:5] = 2

STARTER = Source(SourceKind.MODEL, "starter")


def label_maps(store: Store, project_id: str, source: Source) -> tuple[MeasuredMap, ...]:
    return sources(store, project_id)[source]


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("liver", SCHEME)


@pytest.fixture
def image(store: Store, project: ProjectRecord) -> ImageRecord:
    return add(store, project, "a")


def add(store: Store, project: ProjectRecord, name: str, nm: float | None = 100.0) -> ImageRecord:
    pixels = np.full((8, 8), len(store.images.all(project.id)), np.uint8)
    size = PixelSize() if nm is None else PixelSize.from_user(nm)
    return store.images.add(project.id, Image(pixels, size, name))


def label(
    store: Store, image: ImageRecord, kind: RevisionKind, labels: np.ndarray = LABELS, *, confidence: bool = False,
    **facts: Any,
) -> RevisionRecord:  # fmt: skip
    """A complete label map."""
    begun = store.revisions.begin(image.id, kind, **facts)
    path = store.revisions.pyramid_path(begun.id)
    with LabelPyramidWriter(path, labels.shape, pixel_size_nm=None, with_confidence=confidence) as writer:
        writer.write(0, 0, labels, np.full(labels.shape, 204, np.uint8) if confidence else None)
    return store.revisions.complete(begun.id)


def test_an_empty_project_has_nothing_to_measure(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    assert sources(store, project.id) == {}
    with pytest.raises(DatasetError, match="No label maps"):
        start_measuring(store, project.id, [], 30.0)


def test_sources_are_what_people_checked_then_each_maker_of_predictions(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    other = add(store, project, "b")
    label(store, image, RevisionKind.REFERENCE)
    label(store, image, RevisionKind.PREDICTION, model_id="starter")
    newest = label(store, image, RevisionKind.PREDICTION, model_id="starter")
    label(store, other, RevisionKind.PREDICTION, model_id="starter")
    label(store, other, RevisionKind.PREDICTION, details={"maker": "QuantEM"})
    waiting = label(store, image, RevisionKind.CORRECTION, author="ada")
    imported = Source(SourceKind.IMPORTED, "QuantEM")
    assert {source: len(maps) for source, maps in sources(store, project.id).items()} == {
        REFERENCES: 1,
        imported: 1,
        STARTER: 2,
    }
    assert label_maps(store, project.id, STARTER)[0].revision.id == newest.id
    assert [each.image.name for each in label_maps(store, project.id, STARTER)] == ["a", "b"]
    decide(store, waiting.id, "grace", Decision.APPROVE)
    assert list(sources(store, project.id)) == [COUNTING, Source(SourceKind.APPROVED), REFERENCES, imported, STARTER]
    approved = label_maps(store, project.id, Source(SourceKind.APPROVED))
    assert [each.revision.id for each in approved] == [waiting.id]


def test_a_corrected_image_is_measured_as_corrected_beside_the_others(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    """One measured the corrected images alone, or all images without their corrections."""
    predicted = [label(store, each, RevisionKind.PREDICTION, model_id="starter") for each in (
        image, add(store, project, "b"), add(store, project, "c"),
    )]  # fmt: skip
    run_job(store, start_measuring(store, project.id, label_maps(store, project.id, STARTER), 30.0))
    corrected = label(store, image, RevisionKind.CORRECTION, author="Ada")
    assert COUNTING not in sources(store, project.id)  # nobody has approved it
    decide(store, corrected.id, "Bo", Decision.APPROVE)
    there = sources(store, project.id)
    assert [each.revision.id for each in there[COUNTING]] == [corrected.id, predicted[1].id, predicted[2].id]
    assert usual_source(store, there) == COUNTING
    found = measured(store, there[COUNTING], 30.0)
    assert [each.revision.id for each in found.missing] == [corrected.id]  # the others are measured already
    for other in ("b", "c"):
        made = label(store, next(i for i in store.images.all(project.id) if i.name == other), RevisionKind.CORRECTION)
        decide(store, made.id, "Bo", Decision.APPROVE)
    assert COUNTING not in sources(store, project.id)  # it would be the approved corrections again


def test_what_nobody_has_confirmed_is_said(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    """An approved correction is mostly the prediction that it was begun from."""
    pixels = image.shape_yx[0] * image.shape_yx[1]
    part = {COVERED: {"0": pixels // 4, "1": pixels // 4}}
    predicted = label(store, image, RevisionKind.PREDICTION, model_id="starter")
    corrected = label(store, image, RevisionKind.CORRECTION, details=part)
    assert confirmed_share(image, predicted) == 0.0
    assert confirmed_share(image, label(store, image, RevisionKind.REFERENCE)) == 1.0
    assert confirmed_share(image, corrected) == pytest.approx(0.5, abs=0.02)
    assert math.isnan(confirmed_share(image, label(store, image, RevisionKind.CORRECTION)))
    table = measure_objects(np.zeros((8, 8), np.uint8), DEFAULT_SCHEME, 10.0)

    def images(*confirmed: float) -> list[ImageObjects]:
        return [ImageObjects(str(n), "", "", "", table, confirmed=share) for n, share in enumerate(confirmed)]

    assert confirmed_words(images(1.0, 0.96, math.nan)) == ""
    assert confirmed_words(images(0.02, 0.04, 1.0)).startswith(
        "People have confirmed 35 % of the pixels of these label maps; in 2 of 3 images less than 95 %."
    )
    assert "less than 1 %" in confirmed_words(images(0.001))


def test_what_is_measured_is_shown_first_then_what_most_images_have(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    other = add(store, project, "b")
    label(store, image, RevisionKind.REFERENCE)
    for each in (image, other):
        label(store, each, RevisionKind.PREDICTION, model_id="starter")
    assert usual_source(store, sources(store, project.id)) == STARTER
    run_job(store, start_measuring(store, project.id, label_maps(store, project.id, REFERENCES), 30.0))
    assert usual_source(store, sources(store, project.id)) == REFERENCES


def test_planes_of_a_stack_belong_together(store: Store, project: ProjectRecord) -> None:
    for number in range(2):
        size = PixelSize.from_user(100.0)
        pixels = np.full((8, 8), number, np.uint8)
        plane = store.images.add(project.id, Image(pixels, size, f"p{number}"), stack="s.tif", z_index=number)
        label(store, plane, RevisionKind.REFERENCE)
    maps = label_maps(store, project.id, REFERENCES)
    run_job(store, start_measuring(store, project.id, maps, 30.0))
    assert [(each.specimen, each.unit) for each in measured(store, maps, 30.0).images] == [("", "s.tif")] * 2


def test_a_job_measures_each_label_map_once(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    made = label(store, image, RevisionKind.PREDICTION, model_id="starter", confidence=True)
    maps = label_maps(store, project.id, STARTER)
    before = measured(store, maps, 300.0)
    assert (before.images, [each.revision.id for each in before.missing]) == ((), [made.id])
    row = start_measuring(store, project.id, maps, 300.0, author="ada", name="Predictions of starter")
    assert start_measuring(store, project.id, maps, 300.0).id == row.id  # asked twice, done once
    assert [each.id for each in running(store, project.id)] == [row.id]
    assert last_ended(store, project.id, maps) is None
    done = run_job(store, row)
    assert done.result == {"measured": 1, "kept": 0, "problems": []}
    assert running(store, project.id) == []
    after = measured(store, maps, 300.0)
    assert after.missing == ()
    (found,) = after.images
    assert (found.name, found.table.area_px.tolist()) == ("a", [6, 3])
    assert found.table.confidence.tolist() == pytest.approx([0.8, 0.8])
    assert found.table.near[0, 1] == pytest.approx(1.0)
    assert after.revisions == {image.id: made.id}
    assert run_job(store, start_measuring(store, project.id, maps, 300.0)).result["kept"] == 1


def test_another_pixel_size_or_contact_distance_costs_the_contacts_only(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    label(store, image, RevisionKind.REFERENCE)
    maps = label_maps(store, project.id, REFERENCES)
    run_job(store, start_measuring(store, project.id, maps, 300.0))
    assert not measured(store, maps, 300.0).outdated
    farther = measured(store, maps, 500.0)
    assert [each.image.id for each in farther.outdated] == [image.id]
    assert farther.missing == ()
    assert farther.images[0].table.area_px.tolist() == [6, 3]
    assert np.isnan(farther.images[0].table.near).all()
    store.images.set_pixel_size(image.id, PixelSize.from_user(50.0))
    resized = label_maps(store, project.id, REFERENCES)
    found = measured(store, resized, 300.0)
    assert found.images[0].table.pixel_size_nm == 50.0
    assert found.outdated
    run_job(store, start_measuring(store, project.id, resized, 300.0))
    again = measured(store, resized, 300.0)
    assert not again.outdated
    assert again.images[0].table.near[0, 1] == 1.0
    assert again.images[0] != found.images[0]  # figures that were kept of the old table are not shown


def test_the_same_table_counts_as_the_same_however_often_it_is_read(
    store: Store, project: ProjectRecord, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(store, image, RevisionKind.REFERENCE)
    label(store, add(store, project, "b"), RevisionKind.REFERENCE)
    maps = label_maps(store, project.id, REFERENCES)
    run_job(store, start_measuring(store, project.id, maps, 30.0))
    monkeypatch.setattr(tables, "_tables", Cache("measured objects", "", limit_bytes=1))  # only the newest fits
    first, second = measured(store, maps, 30.0), measured(store, maps, 30.0)
    assert first.images == second.images
    assert first.images[0].table is not second.images[0].table


def test_what_a_measurement_said_belongs_to_its_label_maps(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    label(store, image, RevisionKind.REFERENCE, np.full((8, 8), 77, np.uint8))
    label(store, image, RevisionKind.PREDICTION, model_id="starter")
    maps = label_maps(store, project.id, REFERENCES)
    failed = run_job(store, start_measuring(store, project.id, maps, 30.0))
    assert last_ended(store, project.id, maps) == failed
    assert last_ended(store, project.id, label_maps(store, project.id, STARTER)) is None


def test_what_cannot_be_measured_says_why_and_the_rest_is(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    label(store, image, RevisionKind.REFERENCE)
    label(store, add(store, project, "strange"), RevisionKind.REFERENCE, np.full((8, 8), 77, np.uint8))
    maps = label_maps(store, project.id, REFERENCES)
    done = run_job(store, start_measuring(store, project.id, maps, 30.0))
    assert done.state is JobState.SUCCEEDED
    assert done.result["measured"] == 1
    (problem,) = done.result["problems"]
    assert problem.startswith("strange: ")
    assert "[77]" in problem
    assert [each.image.name for each in measured(store, maps, 30.0).missing] == ["strange"]
    failed = run_job(store, start_measuring(store, project.id, measured(store, maps, 30.0).missing, 30.0))
    assert failed.state is JobState.FAILED
    assert failed.error_cause.startswith("None of the 1 label maps could be measured. strange: ")


@pytest.mark.parametrize("given", ["far", -1.0, float("inf")])
def test_a_senseless_contact_distance_is_refused(
    store: Store, project: ProjectRecord, image: ImageRecord, given: Any
) -> None:
    label(store, image, RevisionKind.REFERENCE)
    done = run_job(store, start_measuring(store, project.id, label_maps(store, project.id, REFERENCES), given))
    assert done.state is JobState.FAILED
    assert ("contact_nm is 'far'" if given == "far" else "contact distance") in done.error_cause


def test_a_label_map_that_was_deleted_meanwhile_leaves_nothing(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    kept = label(store, image, RevisionKind.REFERENCE)
    gone = label(store, add(store, project, "b"), RevisionKind.REFERENCE)
    row = start_measuring(store, project.id, label_maps(store, project.id, REFERENCES), 30.0)
    store.revisions.delete(gone.id)
    assert run_job(store, row).result["measured"] == 1
    assert not store.revisions.pyramid_path(gone.id).exists()
    store.revisions.delete(kept.id)
    assert not store.revisions.object_table_path(kept.id).exists()


def test_images_without_a_pixel_size_are_measured_in_pixels(store: Store, project: ProjectRecord) -> None:
    unknown = add(store, project, "no size", None)
    label(store, unknown, RevisionKind.REFERENCE)
    maps = label_maps(store, project.id, REFERENCES)
    run_job(store, start_measuring(store, project.id, maps, 30.0))
    table = measured(store, maps, 30.0).images[0].table
    assert table.pixel_size_nm is None
    assert np.isnan(table.near).all()


def test_the_table_is_no_part_of_what_is_taken_away_as_ome_zarr(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    made = label(store, image, RevisionKind.REFERENCE)
    run_job(store, start_measuring(store, project.id, [MeasuredMap(image, made)], 30.0))
    partial = store.revisions.object_table_path(made.id).with_name(".objects.npz.1f.partial")
    partial.write_bytes(b"half")  # somebody measures just now
    path, _, _ = render_download(store, made.id, "ome-zarr.zip", {})
    assert isinstance(path, Path)
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "objects" in name]
    assert store.revisions.object_table_path(made.id).is_file()


def test_sweeping_leaves_the_table(store: Store, project: ProjectRecord, image: ImageRecord) -> None:
    made = label(store, image, RevisionKind.REFERENCE)
    run_job(store, start_measuring(store, project.id, [MeasuredMap(image, made)], 30.0))
    store.sweep()
    assert store.revisions.object_table_path(made.id).is_file()


def test_blind_work_is_not_measured_by_the_other_annotator(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    ask_to_annotate(store, image.id, ["Bo", "Cy"], by="Root")
    made = label(store, image, RevisionKind.CORRECTION, author="Bo")
    decide(store, made.id, "Root", Decision.APPROVE)
    approved = Source(SourceKind.APPROVED)
    assert approved in sources(store, project.id)
    assert approved in sources(store, project.id, person="Bo")
    assert approved in sources(store, project.id, person="Root")
    assert approved not in sources(store, project.id, person="Cy")


def test_distances_are_to_objects_that_are_large_enough(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    """Other smallest objects need a new measurement only where they take other objects of a class."""
    labels = LABELS.copy()
    labels[4, 4] = 2  # a speck of ER beside the mitochondrion
    label(store, image, RevisionKind.REFERENCE, labels)
    maps = label_maps(store, project.id, REFERENCES)
    from_2_px = Smallest(((1, 0.02), (2, 0.02)))
    assert from_2_px.px(100.0) == pytest.approx({1: 2.0, 2: 2.0})
    run_job(store, start_measuring(store, project.id, maps, 300.0, smallest=from_2_px))
    (found,) = measured(store, maps, 300.0, from_2_px).images
    assert found.table.gap_px[0, 1] == 2.0
    every = measured(store, maps, 300.0)
    assert not every.outdated, "kept beside"
    assert every.images[0].table.gap_px[0, 1] == 0.0
    assert every.images[0] != found, "figures of the one are not those of the other"
    from_3_px = Smallest(((2, 0.03),))
    assert not measured(store, maps, 300.0, from_3_px).outdated, "the same objects"
    from_9_px = Smallest(((2, 0.09),))
    later = measured(store, maps, 300.0, from_9_px)
    assert later.outdated == ()
    assert math.isnan(later.images[0].table.gap_px[0, 1]), "as with 20 px: no ER is left"
