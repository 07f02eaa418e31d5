"""Label maps of earlier versions: found, read right, written anew whatever cuts it off, and misread work named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import core.annotation.label_repair as label_repair
import core.doctor.doctor as doctor
from core.annotation.draft_start import begin_draft
from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.label_repair import aside, foreign_maps, misread_work, repair
from core.annotation.submission import submit_draft
from core.cli.app import app
from core.errors import LabelMapError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.store.label_maps import coverage_of, open_label_map, require_project_classes
from core.store.records import DraftTileRecord, ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

MODEL = LabelScheme.from_names({"membrane": 1, "mitochondria": 2, "golgi": 3})
PROJECT = LabelScheme.from_names({"mitochondria": 1, "ER": 2, "membrane": 3})
WRITTEN = np.array([[0, 1, 1, 2], [2, 2, 3, 255]], np.uint8)
MEANT = np.array([[0, 3, 3, 1], [1, 1, 0, 255]], np.uint8)
SURE = np.arange(8, dtype=np.uint8).reshape(2, 4)


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", PROJECT)
    pixels = Image(np.zeros(WRITTEN.shape, np.uint8), PixelSize.from_user(1000.0), name="a.tif")
    return store.images.add(project.id, pixels)


def write(store: Store, image: ImageRecord, kind: RevisionKind, scheme: LabelScheme, **more: Any) -> RevisionRecord:
    """A label map as earlier versions wrote it."""
    begun = store.revisions.begin(image.id, kind, details={"scheme": scheme.to_json()}, **more)
    path = store.revisions.pyramid_path(begun.id)
    write_label_pyramid(path, WRITTEN, pixel_size_nm=1000.0, confidence_yx=SURE, scheme=scheme)
    rows = coverage_table(WRITTEN, scheme, 1000.0)
    return store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])


@pytest.fixture
def old(store: Store, image: ImageRecord) -> RevisionRecord:
    return write(store, image, RevisionKind.PREDICTION, MODEL, model_id="brain")


def read(store: Store, revision: RevisionRecord) -> NDArray[np.uint8]:
    return np.asarray(open_label_map(store, revision.id).read(0, slice(None), slice(None)), np.uint8)


def raw(path: Path) -> NDArray[np.uint8]:
    return np.asarray(open_pyramid(path).read(0, slice(None), slice(None)), np.uint8)


def shares(rows: Any) -> dict[str, int]:
    return {row["name"]: row["pixels"] for row in rows}


def test_it_is_read_right_before_and_after(store: Store, image: ImageRecord, old: RevisionRecord) -> None:
    assert np.array_equal(read(store, old), MEANT)
    assert shares(coverage_of(store, old)) == {"background": 2, "mitochondria": 3, "membrane": 2}
    with pytest.raises(LabelMapError, match="with classes that differ from the project's"):
        require_project_classes(store, old)
    store.revisions.object_table_path(old.id).write_bytes(b"measured in the model's ids")
    (foreign,) = foreign_maps(store)
    assert (foreign.revision.id, foreign.image_name, foreign.project_name) == (old.id, "a.tif", "liver")
    done = repair(store, foreign)
    assert np.array_equal(read(store, old), MEANT)
    assert np.array_equal(raw(store.revisions.pyramid_path(old.id)), MEANT)
    assert np.array_equal(raw(aside(store) / old.id), WRITTEN)
    confidence = open_label_map(store, old.id).confidence
    assert confidence is not None
    assert np.array_equal(confidence.read(0, slice(None), slice(None)), SURE)
    assert shares(done.coverage) == {"background": 2, "mitochondria": 3, "ER": 0, "membrane": 2}
    assert LabelScheme.from_json(done.details["scheme"]) == PROJECT
    assert done.details["class_match"]["left_out"] == ["golgi"]
    assert done.version > old.version
    assert not store.revisions.object_table_path(old.id).exists(), "objects are measured anew"
    require_project_classes(store, done)
    (again,) = foreign_maps(store)
    assert again.repaired
    assert repair(store, again) == done


@pytest.mark.parametrize("step", ["before the old files are moved", "between the moves", "before the row is changed"])
def test_whatever_cuts_it_off_the_next_repair_goes_on(
    store: Store, image: ImageRecord, old: RevisionRecord, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: Any) -> Any:
        raise Killed

    with monkeypatch.context() as broken:
        if step == "before the old files are moved":
            broken.setattr(label_repair, "sync_tree", dies)
        elif step == "between the moves":
            real = Path.rename
            broken.setattr(Path, "rename", lambda path, to: dies() if path.name.startswith(".") else real(path, to))
        else:
            broken.setattr(label_repair, "_told", dies)
        with pytest.raises(Killed):
            repair(store, foreign_maps(store)[0])
    if step != "between the moves":
        assert np.array_equal(read(store, old), MEANT)
    (foreign,) = foreign_maps(store)
    assert not foreign.repaired
    done = repair(store, foreign)
    assert np.array_equal(read(store, old), MEANT)
    assert shares(done.coverage) == {"background": 2, "mitochondria": 3, "ER": 0, "membrane": 2}
    assert np.array_equal(raw(aside(store) / old.id), WRITTEN)


def test_what_is_right_already_is_left_alone(store: Store, image: ImageRecord) -> None:
    write(store, image, RevisionKind.REFERENCE, PROJECT)
    write(store, image, RevisionKind.PREDICTION, PROJECT, model_id="liver")
    store.projects.update(image.project_id, scheme=LabelScheme.from_names({"mitos": 1, "ER": 2, "membrane": 3}))
    assert foreign_maps(store) == ()


def test_numbers_that_an_earlier_version_let_change_are_put_right(
    store: Store, image: ImageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what people labelled, with what they confirmed."""
    reference = write(store, image, RevisionKind.REFERENCE, PROJECT)
    monkeypatch.setattr("core.store.project_classes._refuse_other_numbers", lambda *_: None)
    store.projects.update(image.project_id, scheme=LabelScheme.from_names({"mitochondria": 2, "ER": 1, "membrane": 3}))
    row = store.projects.get(image.project_id)
    assert row.former_classes, "this version would know that nothing was renumbered"
    with store.database.writing() as session:
        from core.store.tables import ProjectRow

        session.get_one(ProjectRow, row.id).former_classes = []
    swapped = np.array([0, 2, 1, 3, *([255] * 252)], np.uint8)[WRITTEN]
    assert np.array_equal(read(store, reference), swapped)
    (foreign,) = foreign_maps(store)
    repair(store, foreign)
    assert np.array_equal(raw(store.revisions.pyramid_path(reference.id)), swapped)


def test_a_map_without_a_known_class_is_named_and_kept(store: Store) -> None:
    project = store.projects.create("roots", LabelScheme.from_names({"cell wall": 1, "plastid": 2}))
    image = store.images.add(project.id, Image(np.zeros(WRITTEN.shape, np.uint8), name="root.tif"))
    old = write(store, image, RevisionKind.PREDICTION, MODEL, model_id="brain")
    (foreign,) = foreign_maps(store)
    assert foreign.translation is None
    assert shares(coverage_of(store, old)) == {"background": 7}
    assert misread_work(store, foreign) == ()
    with pytest.raises(LabelMapError, match="none"):
        repair(store, foreign)
    assert np.array_equal(raw(store.revisions.pyramid_path(old.id)), WRITTEN)


class TestMisreadWork:
    """Drafts and corrections that an earlier version began with the model's numbers under the project's names."""

    def paint(self, store: Store, draft_id: str, labels: NDArray[np.uint8]) -> None:
        covered = np.zeros(labels.shape, bool)
        covered[0, 0] = True
        record = DraftTileRecord(0, 0, 0, class_counts(labels), {}, {})
        store.drafts.write_tiles(draft_id, "tab", 1, [(record, pack_tile(labels, covered))], seconds=1, strokes=1)

    @pytest.mark.parametrize("repaired", [False, True])
    def test_what_took_the_numbers_over_is_named(
        self, store: Store, image: ImageRecord, old: RevisionRecord, repaired: bool
    ) -> None:
        taken = WRITTEN.copy()
        taken[0, 0] = 2
        bad, _ = store.drafts.open(image.id, "Ada", old.id)
        self.paint(store, bad.id, taken)
        submitted = submit_draft(store, bad.id, "tab").revision
        later, _ = store.drafts.open(image.id, "Ada", submitted.id)
        self.paint(store, later.id, taken)
        again = submit_draft(store, later.id, "tab").revision
        draft, _ = store.drafts.open(image.id, "Bo", old.id)
        self.paint(store, draft.id, taken)
        good, _ = begin_draft(store, image.id, "Cy", old.id)
        right = MEANT.copy()
        right[0, 0] = 2
        self.paint(store, good.id, right)
        if repaired:
            repair(store, foreign_maps(store)[0])
        found = misread_work(store, foreign_maps(store)[0])
        assert {(work.what, work.id, work.author, work.pixels) for work in found} == {
            ("draft", draft.id, "Bo", 6),
            ("correction", submitted.id, "Ada", 6),
            ("correction", again.id, "Ada", 6),
        }

    def test_the_doctor_says_so_and_repairs(
        self, store: Store, image: ImageRecord, old: RevisionRecord, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draft, _ = store.drafts.open(image.id, "Ada", old.id)
        self.paint(store, draft.id, WRITTEN)
        monkeypatch.setenv("CRISTAE_DATA_DIR", str(store.settings.data_dir))
        monkeypatch.setenv("CRISTAE_MODELS_DIR", str(store.settings.models_dir))
        monkeypatch.setattr(doctor, "_devices", list)
        said = {each.what: each for each in doctor.examine()}
        assert "a.tif in liver: written with other classes by an earlier version" in said[f"label map {old.id}"].detail
        assert "doctor --repair" in said[f"label map {old.id}"].remedy
        assert "by Ada: 6 pixels come from a label map" in said[f"draft {draft.id}"].detail
        monkeypatch.setattr("core.engine.engine.running_engine", lambda _: object())
        refused = CliRunner().invoke(app, ["doctor", "--repair"])
        assert refused.exit_code == 1
        assert np.array_equal(raw(store.revisions.pyramid_path(old.id)), WRITTEN)
        monkeypatch.setattr("core.engine.engine.running_engine", lambda _: None)
        done = CliRunner().invoke(app, ["doctor", "--repair"], terminal_width=300)
        assert "1 label map rewritten" in " ".join(done.output.split())
        assert done.exit_code == 1, "the draft is still to be discarded"
        assert np.array_equal(raw(store.revisions.pyramid_path(old.id)), MEANT)
        assert f"draft {draft.id}" in {each.what for each in doctor.examine()}
        assert f"label map {old.id}" not in {each.what for each in doctor.examine()}
