"""Editing the classes of a project: label maps and open drafts keep their meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.annotation.draft_tiles import class_counts, pack_tile
from core.annotation.submission import submit_draft
from core.errors import LabelMapError, StoreError
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import LabelScheme
from core.morphometry.coverage import coverage_table
from core.store.label_maps import label_classes, open_label_map
from core.store.records import DraftTileRecord, ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store

SCHEME = LabelScheme.from_names({"mito": 1, "ER": 2, "golgi": 3})
LABELS = np.array([[0, 1, 2], [2, 2, 255]], np.uint8)


@pytest.fixture
def image(store: Store) -> ImageRecord:
    project = store.projects.create("liver", SCHEME)
    return store.images.add(project.id, Image(np.zeros(LABELS.shape, np.uint8), name="cell"))


def add(store: Store, image: ImageRecord, kind: RevisionKind, labels: Any = LABELS, **more: Any) -> RevisionRecord:
    """A complete label map in the project's classes of now."""
    scheme = store.projects.get(image.project_id).scheme
    begun = store.revisions.begin(image.id, kind, details={"scheme": scheme.to_json()}, **more)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=None)
    rows = coverage_table(labels, scheme, None)
    return store.revisions.complete(begun.id, coverage=[row.to_json() for row in rows])


def read(store: Store, revision: RevisionRecord) -> list[list[int]]:
    found: list[list[int]] = open_label_map(store, revision).read(0, slice(None), slice(None)).tolist()
    return found


def renamed(scheme: LabelScheme, **names: str) -> LabelScheme:
    return LabelScheme.from_names({names.get(c.name, c.name): c.id for c in scheme.classes})


def draft_with(store: Store, image: ImageRecord, labels: Any, base: str | None = None) -> str:
    """An open draft of Ada with one tile."""
    draft, _ = store.drafts.open(image.id, "Ada", base)
    covered = np.ones(labels.shape, bool)
    record = DraftTileRecord(0, 0, 0, class_counts(labels), class_counts(labels), {})
    store.drafts.write_tiles(draft.id, "tab", 1, [(record, pack_tile(labels, covered))], seconds=1, strokes=1)
    return draft.id


def test_a_renamed_class_keeps_its_pixels_in_label_maps_and_open_drafts(store: Store, image: ImageRecord) -> None:
    reference = add(store, image, RevisionKind.REFERENCE)
    draft_id = draft_with(store, image, LABELS, reference.id)
    store.projects.update(image.project_id, scheme=renamed(SCHEME, ER="reticulum"))
    assert read(store, reference) == LABELS.tolist()
    assert label_classes(store, reference).name_of(2) == "reticulum"
    done = submit_draft(store, draft_id, "tab").revision
    assert read(store, done) == LABELS.tolist()
    assert {row["name"]: row["pixels"] for row in done.coverage}["reticulum"] == 3
    assert store.projects.get(image.project_id).former_names == {"ER": 2}


def test_a_class_in_an_open_draft_is_not_removed(store: Store, image: ImageRecord) -> None:
    """It was: the draft's pixels then were of no class, or of the one that got its number."""
    draft_with(store, image, LABELS)
    without = LabelScheme.from_names({"mito": 1, "golgi": 3})
    with pytest.raises(StoreError, match=r"Open drafts of the project contain pixels of ER \(2\)") as refused:
        store.projects.update(image.project_id, scheme=without)
    assert "submit or discard" in refused.value.remedy
    store.projects.update(image.project_id, scheme=LabelScheme.from_names({"mito": 1, "ER": 2}))


def test_a_class_that_only_predictions_have_may_go_and_its_number_is_not_given_away(
    store: Store, image: ImageRecord
) -> None:
    """The next class took the number, and what the model had called ER was golgi from then on."""
    prediction = add(store, image, RevisionKind.PREDICTION)
    without = LabelScheme.from_names({"mito": 1, "golgi": 3})
    project = store.projects.update(image.project_id, scheme=without)
    assert read(store, prediction) == [[0, 1, 0], [0, 0, 255]]
    assert project.retired_ids == {2}
    with pytest.raises(StoreError, match="hold 2 for ER, which was removed; as number 2, peroxisomes"):
        store.projects.update(project.id, scheme=LabelScheme.from_names({"mito": 1, "golgi": 3, "peroxisomes": 2}))
    assert [c.id for c in without.with_classes(["peroxisomes"], project.retired_ids).classes] == [1, 3, 4]
    back = store.projects.update(project.id, scheme=LabelScheme.from_names({"mito": 1, "golgi": 3, "ER": 2}))
    assert back.retired_ids == set()
    assert read(store, prediction) == LABELS.tolist()
    elsewhere = store.projects.update(project.id, scheme=without)
    store.projects.update(elsewhere.id, scheme=LabelScheme.from_names({"mito": 1, "golgi": 3, "ER": 5}))
    assert read(store, prediction) == [[0, 1, 5], [5, 5, 255]]


@pytest.mark.parametrize("kind", [RevisionKind.REFERENCE, RevisionKind.PREDICTION])
def test_classes_that_are_in_use_do_not_swap_their_numbers(
    store: Store, image: ImageRecord, kind: RevisionKind
) -> None:
    """They did: every label map then meant the other class."""
    add(store, image, kind)
    swapped = LabelScheme.from_names({"mito": 2, "ER": 1, "golgi": 3})
    with pytest.raises(StoreError, match=r"mito from 1 to 2, ER from 2 to 1\), but label maps or drafts hold"):
        store.projects.update(image.project_id, scheme=swapped)


def test_numbers_may_change_while_nothing_has_them(store: Store, image: ImageRecord) -> None:
    draft_with(store, image, np.where(LABELS == 2, 1, LABELS).astype(np.uint8))
    with pytest.raises(StoreError, match="hold the number 1"):
        store.projects.update(image.project_id, scheme=LabelScheme.from_names({"mito": 2, "ER": 1, "golgi": 3}))
    moved = store.projects.update(image.project_id, scheme=LabelScheme.from_names({"mito": 1, "ER": 5, "golgi": 3}))
    assert moved.scheme.ids == (1, 3, 5)


def test_names_swapped_step_by_step_are_a_renaming(store: Store, image: ImageRecord) -> None:
    """For labels that were imported under each other's names."""
    reference = add(store, image, RevisionKind.REFERENCE)
    for names in ({"mito": 9, "x": 1}, {"x": 1, "mito": 2}, {"ER": 1, "mito": 2}):
        ids = {name: class_id for name, class_id in names.items() if class_id != 9}
        left = {c.name: c.id for c in SCHEME.classes if c.id not in ids.values() and c.name not in ids}
        store.projects.update(image.project_id, scheme=LabelScheme.from_names({**left, **ids}))
    assert label_classes(store, reference).name_of(2) == "mito"
    assert read(store, reference) == LABELS.tolist()


def test_what_was_decided_survives_renaming_and_falls_with_its_class(store: Store, image: ImageRecord) -> None:
    model = LabelScheme.from_names({"Golgi stack": 1, "junk": 2})
    project_id = image.project_id
    with pytest.raises(LabelMapError, match="'peroxisome', which the project does not have"):
        store.projects.keep_class_map(project_id, "m", {"Golgi stack": "peroxisome"})
    store.projects.keep_class_map(project_id, "m", {"Golgi stack": "Golgi", "junk": None})
    store.projects.update(project_id, scheme=renamed(SCHEME, golgi="Golgi apparatus"))
    assert store.projects.class_map(project_id, model, "m") == {"Golgi stack": "Golgi apparatus", "junk": None}
    assert store.projects.class_map(project_id, model, "other") == {}
    store.projects.update(project_id, scheme=LabelScheme.from_names({"mito": 1, "ER": 2}))
    assert store.projects.class_map(project_id, model, "m") == {"junk": None}
