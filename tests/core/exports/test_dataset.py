"""A dataset folder that was exported imports again: nothing that a project knows of its images is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import core.engine.runner as runner
from core.datasets.check import check_dataset
from core.datasets.folder import load_case, open_dataset, read_classes
from core.datasets.import_plan import plan_import
from core.exports.request import COUNTS, TRAINING, ExportRequest, Form
from core.imaging.pyramid import open_pyramid
from core.jobs.rows import job
from core.jobs.transitions import claim
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.core.exports.conftest import SCHEME, SHAPE, Tissue
from tests.jobs import submit


def imported(store: Store, folder: Path, name: str) -> str:
    """A project made from a dataset folder, by the product's own import."""
    project = store.projects.create(name, read_classes(folder))
    cases = [case.to_json() for case in plan_import(folder, project.scheme).cases]
    row = submit("import_cases", {"project_id": project.id, "cases": cases}, store=store, author="Eve")
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    outcomes = job(row.id, store=store).result["outcomes"]
    assert {each["outcome"] for each in outcomes} == {"imported"}, outcomes
    return project.id


def facts(image: ImageRecord) -> tuple[object, ...]:
    return (
        image.name, image.dtype, image.pixel_size.nm, image.split, image.specimen, image.condition, image.stack,
        image.z_index, image.content_hash,
    )  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    return np.asarray(open_pyramid(path).read(0, slice(None), slice(None)))


@pytest.mark.parametrize("form", [Form.DATASET, Form.NNUNET])
def test_a_round_trip_keeps_what_the_project_knows(tissue: Tissue, tmp_path: Path, form: Form) -> None:
    store = tissue.store
    tissue.export(tmp_path / "out", tissue.request(labels=COUNTS, form=form))
    project_id = imported(store, tmp_path / "out", "again")
    before, after = (sorted(store.images.all(each), key=lambda i: i.name) for each in (tissue.project_id, project_id))
    assert [facts(image) for image in after] == [facts(image) for image in before]
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(pixels(store.images.pyramid_path(old.id)), pixels(store.images.pyramid_path(new.id))), (
            old.name
        )


def test_classes_keep_ids_names_colours_and_keys(tissue: Tissue, tmp_path: Path) -> None:
    tissue.export(tmp_path / "out", tissue.request(form=Form.DATASET))
    assert read_classes(tmp_path / "out") == SCHEME
    tissue.export(tmp_path / "nn", tissue.request(form=Form.NNUNET))
    assert [(item.id, item.name, item.color) for item in read_classes(tmp_path / "nn").classes] == [
        (1, "mitochondria", "#12ab34"), (2, "ER, rough", "#0000fe"), (3, "Lipid: große", "#ffff00"),
    ]  # fmt: skip


def test_label_maps_come_back_pixel_by_pixel_and_predictions_stay_predictions(tissue: Tissue, tmp_path: Path) -> None:
    store = tissue.store
    tissue.export(tmp_path / "out", tissue.request(form=Form.DATASET))
    project_id = imported(store, tmp_path / "out", "again")
    found = {image.name: image for image in store.images.all(project_id)}
    kinds = {}
    for name, labels in tissue.labels.items():
        (revision,) = store.revisions.of_image(found[name].id)
        kinds[name] = revision.kind
        assert np.array_equal(pixels(store.revisions.pyramid_path(revision.id)), labels), name
    assert kinds == {
        "Liver 1.tif": RevisionKind.REFERENCE,
        "liver 1.png": RevisionKind.REFERENCE,
        "CON": RevisionKind.PREDICTION,
        "vol z0": RevisionKind.REFERENCE,
    }
    (prediction,) = store.revisions.of_image(found["CON"].id)
    assert prediction.details["maker"] == "m"


def test_planes_that_look_the_same_all_stay(tissue: Tissue, tmp_path: Path) -> None:
    tissue.export(tmp_path / "out", tissue.request("vol z0", "vol z1", "vol z2", form=Form.DATASET))
    project_id = imported(tissue.store, tmp_path / "out", "again")
    planes = tissue.store.images.all(project_id)
    assert sorted((image.stack, image.z_index) for image in planes) == [("vol", 0), ("vol", 1), ("vol", 2)]


def test_importing_into_the_same_project_adds_nothing(tissue: Tissue, tmp_path: Path) -> None:
    tissue.export(tmp_path / "out", tissue.request(form=Form.DATASET))
    store, project = tissue.store, tissue.store.projects.get(tissue.project_id)
    cases = [case.to_json() for case in plan_import(tmp_path / "out", project.scheme).cases]
    row = submit("import_cases", {"project_id": project.id, "cases": cases}, store=store)
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    assert {each["outcome"] for each in job(row.id, store=store).result["outcomes"]} == {"duplicate"}
    assert len(store.images.all(project.id)) == len(tissue.images)


def test_only_what_people_confirmed_is_listed_for_training_and_tests(tissue: Tissue, tmp_path: Path) -> None:
    tissue.label("vol z1", RevisionKind.PREDICTION, 20, model="m")
    tissue.export(tmp_path / "out", tissue.request(form=Form.DATASET))
    described = json.loads((tmp_path / "out" / "dataset.json").read_text(encoding="utf-8"))
    assert sorted(described["train"]) == ["Liver_1", "vol_z0"]
    assert described["test"] == ["liver_1_2"]
    assert described["cases"]["vol_z1"]["predicted_by"] == "m"
    assert described["cases"]["vol_z1"]["split"] == "train"
    assert not [problem for problem in check_dataset(tmp_path / "out").problems if problem.fatal]


def test_what_trainings_learn_from_is_laid_together(tissue: Tissue, tmp_path: Path) -> None:
    """A reference, over it an approved correction where its author confirmed; nothing of a prediction."""
    reference = tissue.labels["Liver 1.tif"]
    tissue.approve("Liver 1.tif", 30, ignore=True)
    correction = tissue.labels["Liver 1.tif"]
    tissue.export(tmp_path / "out", tissue.request(labels=TRAINING, form=Form.DATASET))
    dataset = open_dataset(tmp_path / "out")
    _, labels = load_case(dataset.case("Liver_1"))
    assert np.array_equal(labels[:5], reference[:5])
    assert np.array_equal(labels[5:], correction[5:])
    assert dataset.case("CON_").label_path is None


def test_nnunet_gets_no_prediction_as_truth_and_says_so(tissue: Tissue, tmp_path: Path) -> None:
    tissue.label("vol z1", RevisionKind.PREDICTION, 20, model="m")
    packed = tissue.export(tmp_path / "out", tissue.request(form=Form.NNUNET))
    assert sorted(path.name for path in (tmp_path / "out" / "labelsTr").iterdir()) == ["Liver_1.tif", "vol_z0.tif"]
    assert sorted(path.name for path in (tmp_path / "out" / "imagesTr").iterdir()) == [
        "Liver_1_0000.tif", "vol_z0_0000.tif",
    ]  # fmt: skip
    assert any("vol z1" in line and "no predictions" in line for line in packed.left_out)
    described = json.loads((tmp_path / "out" / "dataset.json").read_text(encoding="utf-8"))
    assert described["numTraining"] == 2
    assert described["labels"]["ignore"] == 4  # after classes without gaps
    _, labels = load_case(open_dataset(tmp_path / "out").case("liver_1_2"))
    expected = np.select([tissue.labels["liver 1.png"] == i for i in (2, 7, 9, 255)], [1, 2, 3, 255], 0)
    assert np.array_equal(labels, expected)


def test_classes_of_an_older_label_map_are_translated_by_name(tissue: Tissue, tmp_path: Path) -> None:
    store = tissue.store
    scheme = [{**item, "id": number} for number, item in enumerate(SCHEME.to_json(), start=1)]
    image = tissue.images["vol z2"]
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE, details={"scheme": scheme})
    from core.imaging.pyramid import write_label_pyramid

    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.full(SHAPE, 2, np.uint8), pixel_size_nm=12.5)
    store.revisions.complete(begun.id, coverage=[{"class_id": 2, "name": "ER, rough", "pixels": 2080}])
    tissue.export(tmp_path / "out", tissue.request("vol z2", form=Form.DATASET))
    _, labels = load_case(open_dataset(tmp_path / "out").cases[0])
    assert np.unique(labels).tolist() == [7]


def test_a_dataset_of_one_image_without_labels_is_a_pool(tissue: Tissue, tmp_path: Path) -> None:
    packed = tissue.export(tmp_path / "out", tissue.request("vol z1", form=Form.DATASET))
    (case,) = open_dataset(tmp_path / "out").cases
    assert case.label_path is None
    assert packed.left_out == ("vol z1: It has no label map.",)


def test_exports_without_a_known_size_say_so(tissue: Tissue, tmp_path: Path) -> None:
    request: ExportRequest = tissue.request("CON", form=Form.DATASET)
    tissue.export(tmp_path / "out", request)
    (case,) = open_dataset(tmp_path / "out").cases
    assert case.pixel_size_nm is None
