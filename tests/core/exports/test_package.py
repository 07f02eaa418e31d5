"""A package of files holds what the store holds, says what it is, and survives an image that cannot be read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as PilImage

from core.errors import AccessError, DatasetError, JobCancelledError, StorageFullError
from core.exports.choice import chosen_maps, kinds_in_words, label_choices
from core.exports.files import _MAKERS, PART_TITLES, Part
from core.exports.names import distinct_stems, safe_stem
from core.exports.package import write_package
from core.exports.request import COUNTS, TRAINING, ExportRequest, Form
from core.exports.sinks import folder_sink, zip_sink
from core.familiarity.verdict import Level, Verdict
from core.imaging.names import is_file_stem
from core.imaging.reader import open_micrograph
from core.settings import Access
from core.store.records import RevisionKind
from core.store.rounds import Rounds
from core.store.store import Store
from tests.core.exports.conftest import SCHEME, Tissue
from tests.models import write_model

EVERYTHING = tuple(Part)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_every_kind_of_file_holds_the_pixels(tissue: Tissue, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tissue.export(out, tissue.request(parts=EVERYTHING))
    for stem, name in (("Liver_1", "Liver 1.tif"), ("liver_1_2", "liver 1.png"), ("CON_", "CON")):
        labels = tissue.labels[name]
        assert np.array_equal(tifffile.imread(out / "label_maps_tiff" / f"{stem}.tif"), labels)
        with PilImage.open(out / "label_maps_png" / f"{stem}.png") as picture:
            assert np.array_equal(np.asarray(picture), labels)
            assert picture.convert("RGB").getpixel(tuple(np.argwhere(labels == 2)[0][::-1])) == (0x12, 0xAB, 0x34)
        for item, ending in zip(SCHEME.classes, ("mitochondria", "ER_rough", "Lipid_große"), strict=True):
            with PilImage.open(out / "masks" / stem / f"{stem}_{ending}.png") as picture:
                assert np.array_equal(np.asarray(picture) == 255, labels == item.id)
        group = zarr.open_group(out / "ome_zarr" / f"{stem}.ome.zarr", mode="r")
        assert np.array_equal(np.asarray(group["labels/organelles/0"]), labels)
        with open_micrograph(out / "micrographs" / f"{stem}.tif") as file:
            image = file.read()
        assert image.pixel_size.nm == tissue.images[name].pixel_size.nm
        assert image.pixels_yx.dtype.name == tissue.images[name].dtype
        assert (out / "overlays" / f"{stem}.png").is_file()
    with PilImage.open(out / "masks_not_reviewed" / "liver_1_2.png") as picture:
        assert np.array_equal(np.asarray(picture) == 255, tissue.labels["liver 1.png"] == 255)
    assert not (out / "masks_not_reviewed" / "Liver_1.png").exists()


def test_tables_are_one_over_all_images(tissue: Tissue, tmp_path: Path) -> None:
    tissue.export(tmp_path / "out", tissue.request(parts=(Part.COVERAGE, Part.OBJECTS)))
    coverage = rows(tmp_path / "out" / "tables" / "coverage.csv")
    assert {row["image"] for row in coverage} == set(tissue.labels)
    row = next(each for each in coverage if each["image"] == "liver 1.png" and each["class_id"] == "7")
    assert int(row["pixels"]) == int((tissue.labels["liver 1.png"] == 7).sum())
    assert row["condition"] == "'=treated"
    assert row["label_map"] == "correction by Ada"
    objects = rows(tmp_path / "out" / "tables" / "objects.csv")
    assert {row["image"] for row in objects} == set(tissue.labels)
    areas = [int(row["area_px"]) for row in objects if row["image"] == "CON" and row["class"] == "mitochondria"]
    assert sum(areas) == int((tissue.labels["CON"] == 2).sum())
    assert {row["area_um2"] for row in objects if row["image"] == "CON"} == {""}  # no pixel size
    again = tissue.export(tmp_path / "again", tissue.request(parts=(Part.OBJECTS,)))
    assert rows(tmp_path / "again" / "tables" / "objects.csv") == objects  # measured once, kept
    assert again.images == len(tissue.labels)


def test_the_manifest_names_every_file_with_its_checksum_and_what_is_missing(tissue: Tissue, tmp_path: Path) -> None:
    out = tmp_path / "out"
    packed = tissue.export(out, tissue.request(parts=(Part.LABELS_TIFF, Part.MICROGRAPHS)))
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    listed = {file["path"]: file["sha256"] for image in manifest["images"] for file in image["files"]}
    found = {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*")
        if path.is_file() and path.parent != out
    }
    assert listed == found
    by_name = {image["name"]: image for image in manifest["images"]}
    corrected = by_name["liver 1.png"]
    assert (corrected["pixel_size_nm"], corrected["pixel_size_source"]) == (4.6, "file")
    assert corrected["content_sha256"] == tissue.images["liver 1.png"].content_hash
    (label_map,) = corrected["label_maps"]
    assert (label_map["kind"], label_map["author"]) == ("correction", "Ada")
    assert [item["color"] for item in label_map["classes"]] == ["#12ab34", "#0000fe", "#ffff00"]
    assert by_name["CON"]["label_maps"][0]["model_id"] == "m"
    assert by_name["vol z1"]["left_out"] == ["It has no label map."]
    assert "vol z1: It has no label map." in packed.left_out
    table = rows(out / "manifest.csv")
    assert {row["file"]: row["sha256"] for row in table if row["file"]} == found
    assert [row["left_out"] for row in table if row["image"] == "vol z1" and row["left_out"]] == [
        "It has no label map."
    ]
    assert next(row for row in table if row["image"] == "liver 1.png")["condition"] == "'=treated"
    assert "not annotated" in (out / "README.txt").read_text(encoding="utf-8")


def test_a_package_says_which_images_the_model_does_not_know(tissue: Tissue, tmp_path: Path) -> None:
    verdict = Verdict(Level.UNSEEN, 2.0, 1.3, ("its local contrast is lower than usual",))
    predicted = tissue.revisions["CON"]
    details = {"summary": {"verdict": verdict.to_json()}}
    tissue.store.revisions.keep_repaired(predicted.id, details, list(predicted.coverage))
    out = tmp_path / "out"
    tissue.export(out, tissue.request(parts=(Part.COVERAGE, Part.OBJECTS, Part.LABELS_TIFF)))
    said = (Level.UNSEEN.value, verdict.sentence)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    told = {
        image["name"]: (label_map["like_training_images"], label_map["verdict"])
        for image in manifest["images"]
        for label_map in image["label_maps"]
    }
    assert told == {name: said if name == "CON" else ("", "") for name in tissue.labels}
    for table in ("manifest.csv", "tables/coverage.csv", "tables/objects.csv"):
        found = {row["image"]: (row["like_training_images"], row["verdict"]) for row in rows(out / table)}
        assert {name: found[name] for name in told} == told, table


def test_an_image_that_cannot_be_read_is_named_and_spoils_nothing(tissue: Tissue, tmp_path: Path) -> None:
    shutil.rmtree(tissue.store.revisions.pyramid_path(tissue.revisions["Liver 1.tif"].id))
    chunk = next(
        path for path in tissue.store.images.pyramid_path(tissue.images["CON"].id).rglob("*") if "c" in path.parts
    )
    (chunk if chunk.is_file() else next(p for p in chunk.rglob("*") if p.is_file())).write_bytes(b"broken")
    packed = tissue.export(tmp_path / "out", tissue.request(parts=(Part.LABELS_TIFF, Part.MICROGRAPHS)))
    assert [line.split(":")[:2] for line in packed.left_out if "label map." not in line] == [
        ["Liver 1.tif", " label-tiff"],
        ["CON", " micrographs"],
    ]
    names = sorted(path.name for path in (tmp_path / "out" / "label_maps_tiff").iterdir())
    assert names == ["CON_.tif", "liver_1_2.tif", "vol_z0.tif"]
    assert not (tmp_path / "out" / "micrographs" / "CON_.tif").exists()


def test_a_zip_has_one_folder_and_holds_the_same(tissue: Tissue, tmp_path: Path) -> None:
    request = tissue.request("Liver 1.tif")
    tissue.export(tmp_path / "out", request)
    with zip_sink(tmp_path / "out.zip", "Liver") as sink:
        write_package(tissue.store, request, sink, person="Ada", work=tmp_path, progress=lambda fraction, message: None)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        names = {name.removeprefix("Liver/") for name in archive.namelist()}
        packed = {name.compress_type for name in archive.infolist() if name.filename.endswith(".tif")}
    assert names == {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert packed == {zipfile.ZIP_STORED}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


@pytest.mark.parametrize("sink", [folder_sink, lambda path: zip_sink(path, "x")], ids=["folder", "zip"])
@pytest.mark.parametrize("error", [JobCancelledError("stop"), StorageFullError("full")], ids=["cancelled", "full"])
def test_what_is_stopped_leaves_nothing(tissue: Tissue, tmp_path: Path, sink: object, error: Exception) -> None:
    def stop(fraction: float, message: str) -> None:
        if fraction > 0.3:
            raise error

    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(type(error)), sink(work / "out") as opened:  # type: ignore[operator]
        write_package(tissue.store, tissue.request(), opened, person="Ada", work=work, progress=stop)
    assert list(work.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(tissue: Tissue, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(DatasetError, match="exists already"):
        tissue.export(tmp_path / "out", tissue.request())
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_nothing_to_export_says_why(tissue: Tissue, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="vol z1: It has no label map"):
        tissue.export(tmp_path / "out", tissue.request("vol z1"))
    assert not (tmp_path / "out").exists()


class TestChoice:
    """Which label map of an image counts."""

    def test_a_correction_counts_before_a_reference_before_a_prediction(self, tissue: Tissue) -> None:
        """Who tried a model on labelled images got its prediction in place of the labels."""
        name = "Liver 1.tif"
        reference = tissue.revisions[name]
        tissue.label(name, RevisionKind.PREDICTION, 40, model="m")
        assert self.counting(tissue, name) == reference.id
        tissue.label(name, RevisionKind.CORRECTION, 41, author="Ada")  # not approved
        assert self.counting(tissue, name) == reference.id
        approved = tissue.approve(name, 42)
        tissue.label(name, RevisionKind.PREDICTION, 43, model="m")
        assert self.counting(tissue, name) == approved.id

    def test_the_promoted_model_counts_before_newer_predictions_of_others(
        self, tissue: Tissue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = "vol z1"
        own = tissue.label(name, RevisionKind.PREDICTION, 40, model="own")
        other = tissue.label(name, RevisionKind.PREDICTION, 41, model="other")
        assert self.counting(tissue, name) == other.id
        write_model(tissue.store.settings.models_dir / "own")
        promoted = type("Promoted", (), {"model_id": "own"})()
        monkeypatch.setattr(Rounds, "promoted_model", lambda self, project_id: promoted)
        assert self.counting(tissue, name) == own.id

    def test_one_source_takes_only_that(self, tissue: Tissue) -> None:
        chosen = chosen_maps(tissue.store, tissue.project_id, "reference", "Ada")
        assert {each.image.name for each in chosen if each.revision} == {"Liver 1.tif", "vol z0"}
        assert {each.reason for each in chosen if not each.revision} == {"It has no reference."}
        assert [
            each.image.name for each in chosen_maps(tissue.store, tissue.project_id, "model:m", "Ada") if each.layers
        ] == ["CON"]
        with pytest.raises(DatasetError, match="'nonsense'"):
            chosen_maps(tissue.store, tissue.project_id, "nonsense", "Ada")

    def test_choices_name_what_there_is(self, tissue: Tissue) -> None:
        assert label_choices(tissue.store, tissue.project_id, "Ada") == {
            "counts": "Preferred label map",
            "training": "Training labels",
            "approved": "Approved corrections",
            "reference": "References",
            "model:m": "Predictions of m",
        }
        words = kinds_in_words(chosen_maps(tissue.store, tissue.project_id, COUNTS, "Ada"))
        assert words == "1 approved correction, 1 prediction, 2 references"

    @staticmethod
    def counting(tissue: Tissue, name: str) -> str:
        (chosen,) = chosen_maps(tissue.store, tissue.project_id, COUNTS, "Ada", [tissue.images[name].id])
        assert chosen.revision is not None
        return chosen.revision.id


def test_what_is_annotated_blind_stays_hidden(tissue: Tissue, tmp_path: Path) -> None:
    from core.review.double_annotation import ask_to_annotate

    name = "vol z2"
    ask_to_annotate(tissue.store, tissue.images[name].id, ["Ada", "Eve"], by="Rex")
    correction = tissue.approve(name, 50, author="Eve")
    for labels in (COUNTS, "approved", TRAINING):
        form = Form.DATASET if labels == TRAINING else Form.FILES
        request = tissue.request(name, "vol z0", labels=labels, parts=(Part.MICROGRAPHS,), form=form)
        hidden = tissue.export(tmp_path / f"ada {labels}", request, person="Ada")
        assert correction.id not in hidden.revision_ids
        seen = tissue.export(tmp_path / f"rex {labels}", request, person="Rex")
        assert correction.id in seen.revision_ids


def test_only_who_may_look_exports(tmp_path: Path) -> None:
    from core.settings import load_settings
    from tests.core.exports.conftest import noise

    settings = load_settings(
        data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0, access=Access.ROLES, admins="Root"
    )
    store = Store(settings)
    tissue = Tissue(store, store.projects.create("Liver", SCHEME, 8.0).id)
    tissue.add("a.tif", noise(1))
    tissue.label("a.tif", RevisionKind.REFERENCE, 1)
    with pytest.raises(AccessError, match="Eve has no role"):
        tissue.export(tmp_path / "eve", tissue.request(), person="Eve")
    assert not (tmp_path / "eve").exists()
    assert tissue.export(tmp_path / "root", tissue.request(), person="Root").images == 1
    assert tissue.export(tmp_path / "shell", tissue.request(), person=None).images == 1  # the command line
    store.close()


@pytest.mark.parametrize(
    "names",
    [
        ["a.tif", "A.tif", "a.png"],
        ["con", "CON.tif", "Con.x.tif", "nul", "COM1.tif", "lpt9"],
        ["é.tif", "e\u0301.tif"],
        ["x" * 300, "X" * 300 + ".tif"],
        ["...", "", " ", "../../etc/passwd", "C:\\x", "a/b"],
        ["a", "a_2", "a", "a_2", "a"],
        ["trailing. ", "trailing", "=1+1", "-x", "a:b", 'a"b', "a|b", "a?b"],
    ],
    ids=["capitals", "devices", "accents", "long", "paths", "numbers", "signs"],
)
def test_names_are_safe_and_apart_everywhere(names: list[str]) -> None:
    import unicodedata

    stems = distinct_stems(names)
    assert len({unicodedata.normalize("NFC", stem.casefold()) for stem in stems}) == len(names)
    assert all(is_file_stem(stem) and len(stem) <= 80 for stem in stems), stems
    assert all(is_file_stem(safe_stem(name)) for name in names)


def test_a_request_survives_json_and_refuses_nonsense() -> None:
    request = ExportRequest(
        project_id="p", image_ids=("a", "b"), labels="reference", form=Form.FILES, parts=(Part.MASKS,), title="t"
    )
    assert ExportRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    for wrong in ({"image_ids": []}, {"parts": ["exe"]}, {"form": "rar"}, {"labels": TRAINING}, {"parts": []}):
        with pytest.raises(DatasetError):
            ExportRequest.from_json({**request.to_json(), **wrong})


def test_every_kind_of_file_has_a_title_and_a_maker() -> None:
    assert list(PART_TITLES) == list(Part)
    assert set(Part) - set(_MAKERS) == {Part.COVERAGE, Part.OBJECTS}, "the two tables over all images"
