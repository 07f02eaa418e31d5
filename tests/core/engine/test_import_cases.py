"""Planning an import and running it: pairs, refusals, duplicates, restarts."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as PilImage
from sqlalchemy.exc import OperationalError

import core.engine.runner as runner
from core.datasets.folder import read_classes
from core.datasets.import_case import ImportCase
from core.datasets.import_check import check_import, without_mixed_stacks
from core.datasets.import_plan import ImportPlan, plan_import
from core.errors import DatasetError, NotFoundError
from core.imaging.image import Image
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.jobs.rows import job, jobs, log_tail, request_cancel
from core.jobs.transitions import claim
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.labels.reading import LabelSource
from core.review.audit_log import audit_entries
from core.settings import Settings
from core.store import ImageRecord, JobRecord, JobState, ProjectRecord, RevisionKind, Split, Store
from core.store.images import Images
from core.store.import_batch import Part, clean_batches, find_batch, new_batch, safe_name, take_upload
from core.store.revisions import Revisions
from tests.jobs import submit

MAX_PX = 10**6


@pytest.fixture(autouse=True)
def here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's store is the process's."""
    monkeypatch.setattr(runner, "current_store", lambda: store)


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    """An empty one."""
    return store.projects.create("one", DEFAULT_SCHEME)


def _png(path: Path, pixels: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def _grey(value: int) -> np.ndarray[Any, Any]:
    return np.full((4, 5), value, np.uint8)


def _labels(*ids: int) -> np.ndarray[Any, Any]:
    values = np.zeros((4, 5), np.uint8)
    values[: len(ids), 0] = ids
    return values


def _run(store: Store, project: ProjectRecord, plan: ImportPlan, **params: Any) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = _job(store, project, plan, **params).result["outcomes"]
    return outcomes


def _job(store: Store, project: ProjectRecord, plan: ImportPlan, **params: Any) -> JobRecord:
    """An import, run to its end in this process."""
    cases = [case.to_json() for case in plan.cases]
    row = submit("import_cases", {"project_id": project.id, "cases": cases, **params}, store=store, author="Ada")
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    return job(row.id, store=store)


def test_label_images_become_references_with_coverage(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    _png(tmp_path / "images" / "liver_1.png", _grey(1))
    _png(tmp_path / "images" / "kidney.png", _grey(2))
    _png(tmp_path / "labels" / "liver_1_labels.png", _labels(1, 1, 2, 255))
    plan = plan_import(tmp_path, DEFAULT_SCHEME)
    outcomes = _run(store, project, plan)
    assert [(each["name"], each["outcome"], each["labels"]) for each in outcomes] == [
        ("kidney", "imported", "none"),
        ("liver_1", "imported", "added"),
    ]
    kidney, liver = store.images.all(project.id)
    assert (kidney.split, liver.split) == (Split.POOL, Split.TRAIN)
    revision = store.revisions.of_image(liver.id)[0]
    assert (revision.kind, revision.author) == (RevisionKind.REFERENCE, "Ada")
    assert [(row["class_id"], row["pixels"]) for row in revision.coverage[:3]] == [(0, 16), (1, 2), (2, 1)]
    assert np.array_equal(
        open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None)),
        _labels(1, 1, 2, 255),
    )


def test_a_second_import_adds_nothing_twice(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    _png(tmp_path / "images" / "a.png", _grey(1))
    _png(tmp_path / "labels" / "a.png", _labels(1))
    _run(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "b.png")
    (tmp_path / "labels" / "a.png").rename(tmp_path / "labels" / "b.png")
    again = _run(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    assert [(o["name"], o["outcome"], o["of"], o["labels"]) for o in again] == [("b", "duplicate", "a", "same")]
    _png(tmp_path / "labels" / "b.png", _labels(2))
    third = _run(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    assert [(o["outcome"], o["labels"]) for o in third] == [("duplicate", "added")]
    (only,) = store.images.all(project.id)
    assert len(store.revisions.of_image(only.id)) == 2


def test_files_of_one_import_with_the_same_pixels_are_one_image(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    """Both were counted as imported."""
    for folder, name in (("x", "a"), ("y", "a"), ("y", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        _png(tmp_path / folder / f"{name}.png", _grey(1))
    cases = tuple(ImportCase(path.stem, path) for path in sorted(tmp_path.rglob("*.png")))
    outcomes = _run(store, project, ImportPlan(cases))
    assert [(each["outcome"], each["of"]) for each in outcomes] == [
        ("imported", ""), ("duplicate", "a"), ("duplicate", "a")
    ]  # fmt: skip
    assert len(store.images.all(project.id)) == 1


def test_what_a_file_changes_about_an_image_that_was_there_is_said(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    image = store.images.add(project.id, Image(_grey(1), name="old"))
    made = store.revisions.begin(
        image.id, RevisionKind.PREDICTION, model_id="m", details={"summary": {"pixel_size_nm": None}}
    )
    write_label_pyramid(store.revisions.pyramid_path(made.id), _labels(1), pixel_size_nm=None)
    store.revisions.complete(made.id)
    case = ImportCase("a", _png(tmp_path / "a.png", _grey(1)), pixel_size_nm=8.0)
    (outcome,) = _run(store, project, ImportPlan((case,)))
    assert (outcome["outcome"], outcome["of"]) == ("duplicate", "old")
    assert outcome["notes"][0] == (
        "The pixel size was unknown; it was set to 8 nm. "
        "1 label map by models becomes outdated: segment the image again."
    )
    (outcome,) = _run(store, project, ImportPlan((replace(case, pixel_size_nm=4.0),)))
    assert outcome["notes"][0] == "This file contains 4 nm per pixel; the 8 nm already recorded were kept."


def test_a_file_that_brings_the_pixel_size_cancels_predictions_without_it(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    """They went on and ended as label maps of the wrong scale; nor did the audit log tell of the change."""
    image, other = (store.images.add(project.id, Image(_grey(value), name=f"old {value}")) for value in (1, 2))
    wrong, right = (submit("predict", {"image_id": each.id}, store=store) for each in (image, other))
    store.trash.put([image.id])
    case = ImportCase("a", _png(tmp_path / "a.png", _grey(1)), pixel_size_nm=8.0)
    twice = ImportCase("b", _png(tmp_path / "b.png", _grey(1)), pixel_size_nm=8.0)
    outcomes = _run(store, project, ImportPlan((case, twice)))
    assert outcomes[0]["notes"][:3] == [
        "It was restored from the trash.",
        "The pixel size was unknown; it was set to 8 nm.",
        "Its prediction was running without the pixel size and was cancelled; segment the image again.",
    ]
    assert outcomes[1]["notes"] == outcomes[0]["notes"][3:], "each change is told once"
    states = [job(row.id, store=store).state for row in (wrong, right)]
    assert states == [JobState.CANCELLED, JobState.QUEUED]
    assert [(entry.what, entry.who) for entry in audit_entries(store, project.id, by="")] == [
        ("images_restored", "Ada"), ("image_changed", "Ada"),
    ]  # fmt: skip


def test_a_job_that_was_cut_off_runs_again_and_says_imported(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    for number in range(2):
        _png(tmp_path / "images" / f"a{number}.png", _grey(number))
    plan = plan_import(tmp_path, DEFAULT_SCHEME)
    row = submit(
        "import_cases",
        {"project_id": project.id, "cases": [case.to_json() for case in plan.cases]},
        store=store,
    )
    _job(store, project, ImportPlan(plan.cases[:1]))  # as an earlier attempt would have
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    outcomes = job(row.id, store=store).result["outcomes"]
    assert [each["outcome"] for each in outcomes] == ["imported", "imported"]
    assert len(store.images.all(project.id)) == 2


def test_one_bad_file_stops_no_other(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        _png(tmp_path / "images" / f"{name}.png", _grey(ord(name)))
    _png(tmp_path / "labels" / "a.png", np.zeros((4, 4)))
    _png(tmp_path / "labels" / "b.png", np.full((4, 5), 9))
    (tmp_path / "images" / "d.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    plan = plan_import(tmp_path, DEFAULT_SCHEME)
    checks = {case.name: check_import(case, DEFAULT_SCHEME, deep=True, max_px=MAX_PX).refusal for case in plan.cases}
    outcomes = {each["name"]: each for each in _run(store, project, plan)}
    assert {name: each["outcome"] for name, each in outcomes.items()} == {
        "a": "refused", "b": "refused", "c": "imported", "d": "refused",
    }  # fmt: skip
    for name in "abd":
        refusal = checks[name]
        assert refusal is not None
        assert (refusal.cause, refusal.remedy) == (outcomes[name]["cause"], outcomes[name]["remedy"])
    assert "5 x 4 px" in outcomes["a"]["cause"]
    assert "same size" in outcomes["a"]["remedy"]
    assert [image.name for image in store.images.all(project.id)] == ["c"]


def test_cancelling_keeps_what_is_imported(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        _png(tmp_path / "images" / f"a{number}.png", _grey(number))
    real = store.images.add_once

    def add_then_stop(*args: Any, **kwargs: Any) -> tuple[ImageRecord, bool]:
        added = real(*args, **kwargs)
        if len(store.images.all()) == 2:
            request_cancel(jobs(store=store)[0].id, store=store)
            time.sleep(1.0)  # the job looks for such wishes four times a second
        return added

    monkeypatch.setattr(store.images, "add_once", add_then_stop)
    row = _job(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    assert row.state is JobState.CANCELLED
    assert [image.name for image in store.images.all(project.id)] == ["a0", "a1"]
    assert "a1: imported" in log_tail(row.id, store=store)


def test_masks_by_name_and_by_folder(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    for name in ("s1", "s2"):
        _png(tmp_path / "images" / f"{name}.png", _grey(ord(name[1])))
    mask = np.zeros((4, 5), np.uint8)
    mask[0] = 255
    _png(tmp_path / "byname" / "s1_mitochondria.png", mask)
    _png(tmp_path / "byname" / "s1_lipid_droplets.png", mask[::-1])
    _png(tmp_path / "byname" / "s1_colours.png", mask)
    plan = plan_import(tmp_path / "images", DEFAULT_SCHEME, labels=tmp_path / "byname")
    refusal = check_import(plan.cases[0], DEFAULT_SCHEME, deep=False, max_px=MAX_PX).refusal
    assert refusal is not None
    assert "s1_colours.png" in refusal.cause
    plan = plan_import(tmp_path / "images", DEFAULT_SCHEME, labels=tmp_path / "byname", leave_out=["s1_colours.png"])
    assert _run(store, project, plan)[0]["labels"] == "added"
    _png(tmp_path / "byclass" / "Mitochondria" / "s2.png", mask)
    _png(tmp_path / "byclass" / "lipid_droplets" / "s2.png", mask[::-1])
    plan = plan_import(tmp_path / "images", DEFAULT_SCHEME, labels=tmp_path / "byclass")
    assert _run(store, project, plan)[1]["labels"] == "added"
    expected = np.zeros((4, 5), np.uint8)
    expected[0], expected[3] = 1, 4
    for image in store.images.all(project.id):
        revision = store.revisions.of_image(image.id)[0]
        found = open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None))
        assert np.array_equal(found, expected)
        assert (image.stack, image.z_index) == ("s", int(image.name[1]))


def test_colours_are_known_for_what_they_are(tmp_path: Path) -> None:
    _png(tmp_path / "images" / "a.png", _grey(1))
    rgb = np.zeros((4, 5, 3), np.uint8)
    rgb[0] = (255, 0, 0)
    _png(tmp_path / "labels" / "a_rgb.png", rgb)
    (case,) = plan_import(tmp_path, DEFAULT_SCHEME).cases
    assert check_import(case, DEFAULT_SCHEME, deep=True, max_px=MAX_PX).refusal is None
    (told,) = plan_import(tmp_path, DEFAULT_SCHEME, source=LabelSource.IMAGE).cases
    assert check_import(told, DEFAULT_SCHEME, deep=True, max_px=MAX_PX).refusal is not None


def test_a_dataset_is_taken_over_by_class_name(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    _png(tmp_path / "imagesTr" / "a_0000.png", _grey(1))
    _png(tmp_path / "labelsTr" / "a.png", _labels(1, 2, 3))
    (tmp_path / "dataset.json").write_text(
        '{"labels": {"background": 0, "Nucleus": 1, "mitochondria": 2, "ignore": 3}, "file_ending": ".png",'
        ' "channel_names": {"0": "EM"}, "pixel_size_nm": 8}'
    )
    outcomes = _run(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    assert (outcomes[0]["name"], outcomes[0]["labels"]) == ("a", "added")
    (image,) = store.images.all(project.id)
    assert (image.pixel_size.nm, image.pixel_size.source.value, image.pixel_size.detail) == (8, "file", "dataset.json")
    revision = store.revisions.of_image(image.id)[0]
    found = open_pyramid(store.revisions.pyramid_path(revision.id)).read(0, slice(None), slice(None))
    assert np.array_equal(found, _labels(2, 1, 255))
    with pytest.raises(DatasetError, match="project does not have: Nucleus"):
        plan_import(tmp_path, LabelScheme(DEFAULT_SCHEME.classes[:1]))


@pytest.mark.parametrize(
    ("classes", "stray"),
    [
        pytest.param('"mitochondria": 1, "nucleus": 2, "ER": 3, "lipid droplets": 4, "ignore": 6', 5, id="ignore 6"),
        pytest.param('"mitochondria": 1, "nucleus": 2', 4, id="a class of the project alone"),
    ],
)
def test_ids_that_a_dataset_does_not_declare_become_no_class(
    store: Store, project: ProjectRecord, tmp_path: Path, classes: str, stray: int
) -> None:
    """Up to 1 % of undeclared ids took the nearest declared one, or the project's class of the same number."""
    for name in ("a", "b"):
        _png(tmp_path / "imagesTr" / f"{name}_0000.png", np.full((20, 20), ord(name)))
    labels = np.ones((20, 20), np.uint8)
    _png(tmp_path / "labelsTr" / "b.png", labels)
    labels[0, :3] = stray
    _png(tmp_path / "labelsTr" / "a.png", labels)
    (tmp_path / "dataset.json").write_text(
        f'{{"labels": {{"background": 0, {classes}}}, "file_ending": ".png", "channel_names": {{"0": "EM"}}}}'
    )
    plan = plan_import(tmp_path, DEFAULT_SCHEME)
    refusal = check_import(plan.cases[0], DEFAULT_SCHEME, deep=True, max_px=MAX_PX).refusal
    assert refusal is not None
    refused, imported = _run(store, project, plan)
    assert (refused["outcome"], imported["outcome"], imported["labels"]) == ("refused", "imported", "added")
    assert (refused["cause"], refused["remedy"]) == (refusal.cause, refusal.remedy)
    assert refused["cause"] == f"a.png contains unassigned values: {stray} (3 px)."
    assert "dataset.json" in refused["remedy"]
    assert [image.name for image in store.images.all(project.id)] == ["b"]


def test_a_stack_gives_every_page_and_takes_no_labels(store: Store, project: ProjectRecord, tmp_path: Path) -> None:
    import tifffile

    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "s.tif", np.stack([_grey(1), _grey(2)]), photometric="minisblack")
    outcomes = _run(store, project, plan_import(tmp_path, DEFAULT_SCHEME))
    assert [each["outcome"] for each in outcomes] == ["imported", "imported"]
    assert [(image.stack, image.z_index) for image in store.images.all(project.id)] == [("s", 0), ("s", 1)]
    _png(tmp_path / "labels" / "s.png", _labels(1))
    (case,) = plan_import(tmp_path, DEFAULT_SCHEME).cases
    refusal = check_import(case, DEFAULT_SCHEME, deep=False, max_px=MAX_PX).refusal
    assert refusal is not None
    assert "stack of 2 pages" in refusal.cause


def test_images_of_several_shapes_are_no_stack(tmp_path: Path) -> None:
    """Photos of one animal, numbered, became planes of a stack with one pixel size."""
    for name, rows in {"rat_9": 4, "rat_10": 5, "cord_0": 4, "cord_1": 4}.items():
        _png(tmp_path / f"{name}.png", np.zeros((rows, 6)))
    cases = plan_import(tmp_path, DEFAULT_SCHEME).cases
    kept = replace(cases[2], name="rat", stack="rat", z_index=3, known_place=True)
    assert {case.stack for case in cases} == {"rat", "cord"}
    checks = [check_import(case, DEFAULT_SCHEME, deep=False, max_px=MAX_PX) for case in (*cases, kept)]
    told = without_mixed_stacks(checks[:4])
    found = {check.case.image_path.stem: (check.case.stack, check.case.z_index) for check in told}
    assert found == {"rat_9": ("", None), "rat_10": ("", None), "cord_0": ("cord", 0), "cord_1": ("cord", 1)}
    notes = {check.case.image_path.stem: len(check.notes) for check in told}
    assert notes == {"rat_9": 1, "rat_10": 1, "cord_0": 0, "cord_1": 0}
    assert without_mixed_stacks(checks)[4].case.stack == "rat", "an export says so itself"


def test_senseless_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not on this server"):
        plan_import(tmp_path / "absent", DEFAULT_SCHEME)
    with pytest.raises(DatasetError, match="contains no images"):
        plan_import(tmp_path, DEFAULT_SCHEME)
    file = _png(tmp_path / "a.png", _grey(1))
    with pytest.raises(DatasetError, match="a file, not a folder"):
        plan_import(file, DEFAULT_SCHEME)
    with pytest.raises(DatasetError, match="separate folder"):
        plan_import(tmp_path, DEFAULT_SCHEME, labels=tmp_path)


def test_a_forbidden_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(DatasetError, match="no permission to read"):
        plan_import(tmp_path, DEFAULT_SCHEME)


def test_cases_survive_the_way_through_a_row(tmp_path: Path) -> None:
    case = ImportCase(
        name="a",
        image_path=tmp_path / "a.png",
        label_paths=(tmp_path / "l.png",),
        class_ids=(3,),
        source=LabelSource.RGB,
        values=((7, 1),),
        exact_values=True,
        split=Split.TEST,
        specimen="m",
        condition="c",
        stack="s",
        z_index=4,
        pixel_size_nm=8.0,
    )
    assert ImportCase.from_json(case.to_json()) == case
    with pytest.raises(DatasetError, match="Plan the import again"):
        ImportCase.from_json({"name": "a"})


def test_dropped_files_wait_under_their_names_and_go_after_the_import(
    store: Store, project: ProjectRecord, settings: Settings, tmp_path: Path
) -> None:
    batch = new_batch(settings)
    upload = settings.uploads_dir / f"{'a' * 32}.upload"
    upload.write_bytes(_png(tmp_path / "x.png", _grey(1)).read_bytes())
    upload.with_suffix(".json").write_text('{"name": "../liver: 1.png", "bytes": 3}')
    path = take_upload(settings, batch, "a" * 32, Part.IMAGES)
    assert path == batch.path / "images" / "liver_ 1.png"
    assert not list(settings.uploads_dir.iterdir())
    _run(store, project, plan_import(batch.path, DEFAULT_SCHEME), batch_id=batch.id)
    assert not batch.path.exists()
    assert [image.name for image in store.images.all(project.id)] == ["liver_ 1"]


def test_forgotten_batches_are_cleaned(settings: Settings, store: Store) -> None:
    batch = new_batch(settings)
    assert clean_batches(settings) == 0
    assert clean_batches(settings, older_than_s=-1) == 1
    assert not batch.path.exists()
    with pytest.raises(NotFoundError):
        find_batch(settings, "../..")
    with pytest.raises(DatasetError, match="letters and digits"):
        safe_name("con.png")


def test_section_12_from_its_masks(store: Store, shared_data: Path) -> None:
    scheme = read_classes(shared_data / "vnc")
    vnc = shared_data / "vnc"
    plan = plan_import(vnc / "images", scheme, labels=vnc / "masks_per_organelle", leave_out=["vnc_12_rgb.png"])
    case = next(each for each in plan.cases if each.label_paths)
    assert case.name == "vnc_12"
    project = store.projects.create("vnc", scheme)
    _run(store, project, ImportPlan((case,)))
    dataset = plan_import(vnc, scheme)
    same = next(each for each in dataset.cases if each.name == "vnc_12")
    assert [(o["outcome"], o["labels"]) for o in _run(store, project, ImportPlan((same,)))] == [("duplicate", "same")]


def _three(folder: Path) -> ImportPlan:
    """Three images with labels; the second is the odd one."""
    for number, name in enumerate(("first", "odd", "third")):
        _png(folder / "images" / f"{name}.png", _grey(number + 1))
        _png(folder / "labels" / f"{name}.png", _labels(1))
    return plan_import(folder, DEFAULT_SCHEME)


def _only_the_odd_one(outcomes: list[dict[str, Any]], store: Store, project: ProjectRecord) -> dict[str, Any]:
    assert [each["outcome"] for each in outcomes] == ["imported", "refused", "imported"]
    assert [image.name for image in store.images.all(project.id)] == ["first", "third"]
    assert outcomes[1]["cause"]
    assert outcomes[1]["remedy"]
    return outcomes[1]


@pytest.mark.parametrize("where", [(Images, "add_once"), (Revisions, "complete")])
@pytest.mark.parametrize(
    "error", [LookupError("nobody thought of this"), MemoryError(), OSError(5, "Input/output error")]
)
def test_whatever_one_file_does_is_named_and_the_others_are_imported(
    store: Store,
    project: ProjectRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[type, str],
    error: Exception,
) -> None:
    plan = _three(tmp_path)
    original = getattr(*where)
    calls: list[int] = []

    def odd(self: Any, *arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise error
        return original(self, *arguments, **named)

    monkeypatch.setattr(*where, odd)
    outcomes = _run(store, project, plan)
    assert [each["outcome"] for each in outcomes] == ["imported", "refused", "imported"]
    assert "odd" in outcomes[1]["cause"]
    assert outcomes[1]["remedy"]


@pytest.mark.parametrize("part", ["images", "labels"])
@pytest.mark.parametrize("harm", ["truncated", "text", "gone", "link", "folder"])
def test_a_file_that_changed_after_the_preview_is_named(
    store: Store, project: ProjectRecord, tmp_path: Path, part: str, harm: str
) -> None:
    plan = _three(tmp_path)
    path = tmp_path / part / "odd.png"
    content = path.read_bytes()
    path.unlink()
    if harm == "truncated":
        path.write_bytes(content[:45])
    elif harm == "text":
        path.write_text("hello")
    elif harm == "link":
        path.symlink_to(tmp_path / "images" / "first.png")
    elif harm == "folder":
        path.mkdir()
    assert "odd" in _only_the_odd_one(_run(store, project, plan), store, project)["cause"]


def test_a_page_that_cannot_be_read_is_named_and_the_others_are_imported(
    store: Store, project: ProjectRecord, tmp_path: Path
) -> None:
    pages = np.random.default_rng(0).integers(0, 255, (3, 64, 64), np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack", compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(tmp_path / "stack.tif") as file:
        at = file.pages[1].dataoffsets[0]
    content = bytearray((tmp_path / "stack.tif").read_bytes())
    content[at : at + 40] = b"\xff" * 40
    (tmp_path / "stack.tif").write_bytes(content)
    outcomes = _run(store, project, ImportPlan((ImportCase("stack", tmp_path / "stack.tif"),)))
    assert [each["outcome"] for each in outcomes] == ["imported", "refused", "imported"]
    assert "page 2" in outcomes[1]["name"]


def test_a_database_that_does_not_answer_is_no_fault_of_a_file(
    store: Store, project: ProjectRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("insert", {}, Exception("disk I/O error"))

    plan = _three(tmp_path)
    monkeypatch.setattr(Images, "add_once", gone)
    row = _job(store, project, plan)
    assert row.state is JobState.FAILED
    assert "outcomes" not in row.result
