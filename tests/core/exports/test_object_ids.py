"""Ids of objects through the product: out as files, in again, counted, scored, taught, copied."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from core.datasets.folder import load_objects, open_dataset
from core.errors import NotFoundError
from core.evaluation.error_objects import ErrorKind
from core.evaluation.image_scores import ImageScores
from core.evaluation.settings import EvaluationSettings
from core.evaluations.scoring import score_stored_image
from core.exports.files import Part
from core.exports.label_maps import render_download
from core.exports.request import COUNTS, Form
from core.imaging.object_pyramid import ObjectIds
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.labels.files import FileFacts, write_object_tiff
from core.learning.merged_objects import MergedIds
from core.learning.snapshot import take_snapshot, write_snapshot
from core.measurements.tables import table_of
from core.morphometry.coverage import coverage_table
from core.morphometry.objects import CONTACT_NM, ObjectTable, measure_objects
from core.objects.rules import AreaUnit, ObjectRule, ObjectRules
from core.predictions.cleaning import clean_again
from core.store.base import now
from core.store.records import EvaluationImageRecord, ImageRecord, RevisionKind, RevisionRecord, Split
from core.store.store import Store
from core.transfers.plan import TransferMode
from core.transfers.run import transfer_image
from tests.core.exports.conftest import Tissue
from tests.core.exports.test_dataset import imported

LABELS = np.zeros((40, 52), np.uint8)
LABELS[2:10, 2:22], LABELS[20:30, 5:25], LABELS[20:30, 30:40] = 2, 2, 7
IDS = np.zeros((40, 52), np.uint32)
IDS[2:10, 2:12], IDS[2:10, 12:22], IDS[20:30, 5:25] = 70_000, 2**32 - 1, 3
"""Three mitochondria of class 2, two of which touch; ER of class 7 without ids."""


def keep(
    store: Store, image: ImageRecord, labels: np.ndarray, ids: np.ndarray | None, kind: RevisionKind, **facts: str
) -> RevisionRecord:
    """A label map with ids of class 2."""
    scheme = store.projects.get(image.project_id).scheme
    objects = None if ids is None else ObjectIds(ids, (2,))
    begun = store.revisions.begin(image.id, kind, details={"scheme": scheme.to_json()}, **facts)  # type: ignore[arg-type]
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, labels, pixel_size_nm=8.0, objects=objects, scheme=scheme)
    rows = coverage_table(labels, scheme, 8.0, objects=objects)
    return store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])


def ids_of(store: Store, revision: RevisionRecord) -> ObjectIds:
    found = open_pyramid(store.revisions.pyramid_path(revision.id)).object_ids()
    assert found is not None
    return found


@pytest.fixture
def told_apart(tissue: Tissue) -> tuple[ImageRecord, RevisionRecord]:
    """An image with ids, in the project of the other tests."""
    pixels = np.random.default_rng(9).integers(0, 255, LABELS.shape, np.uint8)
    image = tissue.add("touching", pixels, split=Split.TRAIN)
    return image, keep(tissue.store, image, LABELS, IDS, RevisionKind.REFERENCE)


def test_ids_are_a_32_bit_tiff_that_imagej_opens_with_its_scale(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]
) -> None:
    path, media_type, name = render_download(tissue.store, told_apart[1].id, "objects.tif", {})
    assert (media_type, name) == ("image/tiff", "touching_objects.tif")
    assert isinstance(path, Path)
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.pages[0].dtype == np.uint32
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "um"
        assert "2 mitochondria" in file.imagej_metadata["Info"]
        across = file.pages[0].tags["XResolution"].value
        assert across[0] / across[1] == pytest.approx(125)
        np.testing.assert_array_equal(file.asarray(), IDS)


def test_a_label_map_without_ids_has_no_such_file(tissue: Tissue) -> None:
    revision = next(iter(tissue.revisions.values()))
    with pytest.raises(NotFoundError, match="no ids"):
        render_download(tissue.store, revision.id, "objects.tif", {})


def test_a_large_file_of_ids_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.labels.files._CLASSIC_BYTES", 100)
    write_object_tiff(tmp_path / "a.tif", IDS, FileFacts(pixel_size_nm=8.0, image="a"))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        np.testing.assert_array_equal(file.asarray(), IDS)


def test_a_package_has_ids_where_they_are_and_tables_say_what_was_counted(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord], tmp_path: Path
) -> None:
    parts = (Part.LABELS_TIFF, Part.OBJECT_IDS, Part.COVERAGE, Part.OBJECTS)
    tissue.export(tmp_path / "out", tissue.request(labels=COUNTS, parts=parts))
    assert [path.name for path in (tmp_path / "out" / "object_ids").iterdir()] == ["touching.tif"]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / "object_ids" / "touching.tif"), IDS)
    with (tmp_path / "out" / "tables" / "coverage.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] == "touching"]
    assert [(row["class_id"], row["objects"], row["counted_by"]) for row in rows] == [
        ("0", "", ""), ("2", "3", "ids"), ("7", "1", "pieces"), ("9", "0", "pieces"),
    ]  # fmt: skip
    with (tmp_path / "out" / "tables" / "objects.csv").open(encoding="utf-8-sig") as file:
        objects = [row for row in csv.DictReader(file) if row["image"] == "touching"]
    assert [(row["object_id"], row["counted_by"]) for row in objects] == [
        ("70000", "ids"), (str(2**32 - 1), "ids"), ("3", "ids"), ("", "pieces"),
    ]  # fmt: skip


def test_the_ome_zarr_has_ids_as_a_label_image_of_their_own(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord], tmp_path: Path
) -> None:
    path, _, _ = render_download(tissue.store, told_apart[1].id, "ome-zarr.zip", {})
    assert isinstance(path, Path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "zarr")
    (root,) = (tmp_path / "zarr").iterdir()
    assert '"objects"' in (root / "labels" / "zarr.json").read_text()
    assert not (root / "labels" / "organelles" / "objects").exists()
    ids = open_pyramid(root / "labels" / "objects")
    np.testing.assert_array_equal(ids.read(0, slice(None), slice(None)), IDS)


@pytest.mark.parametrize("form", [Form.DATASET, Form.NNUNET])
def test_a_dataset_folder_brings_ids_back(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord], tmp_path: Path, form: Form
) -> None:
    store = tissue.store
    tissue.export(tmp_path / "out", tissue.request(labels=COUNTS, form=form))
    case = open_dataset(tmp_path / "out").case("touching")
    np.testing.assert_array_equal(load_objects(case, LABELS.shape), IDS)
    project_id = imported(store, tmp_path / "out", "again")
    (image,) = (image for image in store.images.all(project_id) if image.name == "touching")
    (revision,) = store.revisions.of_image(image.id)
    found = ids_of(store, revision)
    np.testing.assert_array_equal(found.ids_yx, IDS)
    assert len(found.class_ids) == 1
    (row,) = (row for row in revision.coverage if row["name"] == "mitochondria")
    assert (row["objects"], row["counted_by"]) == (3, "ids")
    others = (image for image in store.images.all(project_id) if image.name != "touching")
    for other in others:
        for labels in store.revisions.of_image(other.id):
            assert open_pyramid(store.revisions.pyramid_path(labels.id)).objects is None


def test_a_training_gets_the_ids_of_its_labels(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord], tmp_path: Path
) -> None:
    snapshot = take_snapshot(tissue.store, tissue.project_id, [told_apart[0].id])
    (case,) = open_dataset(write_snapshot(tissue.store, snapshot, tmp_path / "snapshot")).cases
    np.testing.assert_array_equal(load_objects(case, LABELS.shape), IDS)


def test_label_maps_that_do_not_come_from_each_other_do_not_share_objects(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]
) -> None:
    store, (image, reference) = tissue.store, told_apart
    small = np.where(IDS > 0, np.uint32(5), np.uint32(0))
    first = keep(store, image, LABELS, np.where(IDS == 3, 4, small).astype(np.uint32), RevisionKind.REFERENCE)
    half = LABELS.copy()
    half[:15] = 255
    apart = keep(store, image, half, small, RevisionKind.REFERENCE)
    merged = MergedIds(store, [first.id, apart.id], LABELS.shape).whole()
    assert merged is not None
    assert set(np.unique(merged.ids_yx[LABELS == 2])) == {5, 10}, (
        "5 of the second is another object than 5 of the first"
    )
    child = keep(store, image, half, small, RevisionKind.REFERENCE, parent_id=first.id)
    merged = MergedIds(store, [first.id, child.id], LABELS.shape).whole()
    assert merged is not None
    assert set(np.unique(merged.ids_yx[LABELS == 2])) == {5}
    full = MergedIds(store, [reference.id, apart.id], LABELS.shape).whole()
    assert full is not None
    assert (full.ids_yx[20:30, 5:25] == 0).all(), "no room above the largest id: its pieces are its objects"


def test_new_objects_of_two_corrections_of_one_label_map_stay_two(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]
) -> None:
    """Both corrections gave their new object the next free number."""
    store, (image, _) = tissue.store, told_apart
    labels = np.full(LABELS.shape, 255, np.uint8)
    labels[0], labels[10], labels[30] = 2, 2, 2

    def ids(**rows: int) -> np.ndarray:
        made = np.zeros(LABELS.shape, np.uint32)
        for row, number in rows.items():
            made[int(row[1:])] = number
        return made

    def only(*rows: int) -> np.ndarray:
        made = np.full(LABELS.shape, 255, np.uint8)
        made[list(rows)] = 2
        return made

    first = keep(store, image, labels, ids(r0=3, r10=3, r30=3), RevisionKind.REFERENCE)
    one = keep(store, image, only(10), ids(r10=4), RevisionKind.REFERENCE, parent_id=first.id)
    other = keep(store, image, only(30), ids(r30=4), RevisionKind.REFERENCE, parent_id=first.id)
    merged = MergedIds(store, [first.id, one.id, other.id], LABELS.shape).whole()
    assert merged is not None
    assert [set(merged.ids_yx[row].tolist()) for row in (0, 10, 30)] == [{3}, {4}, {5}]
    later = keep(store, image, only(10), ids(r10=5), RevisionKind.REFERENCE, parent_id=one.id)
    merged = MergedIds(store, [first.id, one.id, other.id, later.id], LABELS.shape).whole()
    assert merged is not None
    assert [set(merged.ids_yx[row].tolist()) for row in (0, 10, 30)] == [{3}, {6}, {5}]


def test_a_copy_in_a_project_with_other_numbers_keeps_its_ids(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]
) -> None:
    store, (image, _) = tissue.store, told_apart
    source = store.projects.get(tissue.project_id)
    target = store.projects.create("elsewhere", LabelScheme.from_names({"mitochondria": 4}))
    reason = transfer_image(store, image, source, target, TransferMode.COPY, by="", began_at=now())
    assert not reason
    (copy,) = store.images.all(target.id)
    (labels,) = store.revisions.of_image(copy.id)
    found = ids_of(store, labels)
    assert found.class_ids == (4,)
    np.testing.assert_array_equal(found.ids_yx, IDS)
    (row,) = (row for row in labels.coverage if row["class_id"] == 4)
    assert (row["objects"], row["counted_by"]) == (3, "ids")


def test_a_prediction_that_is_cleaned_again_keeps_the_ids_of_what_stays(tissue: Tissue) -> None:
    image = tissue.add("dirty", np.arange(40 * 52, dtype=np.uint16).reshape(40, 52))
    labels, ids = LABELS.copy(), IDS.copy()
    labels[35, 45], ids[35, 45] = 2, 8  # a speck
    labels[24:26, 10:12], ids[24:26, 10:12] = 0, 0  # a hole in object 3
    revision = keep(tissue.store, image, labels, ids, RevisionKind.PREDICTION, model_id="m")
    rule = ObjectRule(class_id=2, smallest=5.0, smallest_cut=5.0, largest_hole=10.0)
    cleaned = clean_again(tissue.store, revision, ObjectRules((rule,), AreaUnit.PX))
    found = ids_of(tissue.store, cleaned)
    np.testing.assert_array_equal(found.ids_yx, IDS)
    (row,) = (row for row in cleaned.coverage if row["class_id"] == 2)
    assert (row["objects"], row["counted_by"]) == (3, "ids")
    assert cleaned.details["object_ids"]["removed"] == 1


def test_what_is_measured_is_kept_with_its_ids(tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]) -> None:
    store, (image, revision) = tissue.store, told_apart
    scheme = store.projects.get(image.project_id).scheme
    measure_objects(LABELS, scheme, 8.0, objects=ids_of(store, revision)).save(
        store.revisions.object_table_path(revision.id)
    )
    kept = table_of(store, image, revision, CONTACT_NM)
    assert kept is not None
    table: ObjectTable = kept.table
    assert table.object_id.tolist() == [70_000, 2**32 - 1, 3, 0]
    own = table.class_ids.index(2)
    assert table.gap_px[:2, own].tolist() == [0, 0]
    assert table.near[0, own] > 0


def test_deleting_a_label_map_deletes_its_ids(tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]) -> None:
    path = tissue.store.revisions.pyramid_path(told_apart[1].id)
    assert (path / "objects").is_dir()
    tissue.store.revisions.delete(told_apart[1].id)
    assert not path.exists()


def test_a_label_map_is_not_complete_while_its_ids_are_written(tissue: Tissue, tmp_path: Path) -> None:
    from core.errors import StoreError
    from core.imaging.object_pyramid import ObjectPyramidWriter

    image = tissue.add("unfinished", np.zeros((8, 8), np.uint8))
    begun = tissue.store.revisions.begin(image.id, RevisionKind.PREDICTION)
    path = tissue.store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, np.ones((8, 8), np.uint8), pixel_size_nm=None)
    writer = ObjectPyramidWriter(path, (8, 8), class_ids=(2,), pixel_size_nm=None)
    with pytest.raises(StoreError, match="is incomplete"):
        tissue.store.revisions.complete(begun.id)
    writer.finish()
    tissue.store.revisions.complete(begun.id)


def test_a_stored_prediction_is_scored_by_the_ids_of_both_label_maps(
    tissue: Tissue, told_apart: tuple[ImageRecord, RevisionRecord]
) -> None:
    store, (image, reference) = tissue.store, told_apart
    scheme = store.projects.get(image.project_id).scheme
    joined = np.where(IDS > 3, 1, IDS).astype(np.uint32)  # both that touch are one
    prediction = keep(store, image, LABELS, joined, RevisionKind.PREDICTION, model_id="m")
    record = EvaluationImageRecord(image.id, image.name, "", "", 8.0, reference.id, prediction.id)
    result = score_stored_image(store, record, prediction.id, scheme, EvaluationSettings().resolved(scheme, [8.0]))
    values = result.scores.values[2]
    assert (values["merges"], values["splits"], values["dice"], values["count_error"]) == (1, 0, 1, -1)
    assert [(error.kind, error.objects, error.column, error.width) for error in result.errors] == [
        (ErrorKind.MERGED, (70_000, 2**32 - 1), 2, 20)
    ]
    assert (result.scores.reference_by_id, result.scores.prediction_by_id) == ((2,), (2,))
    again = ImageScores.from_json(result.scores.to_json(scheme))
    assert again.reference_by_id == (2,)
