"""Renaming, archiving, trashing and restoring models."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelError, NotFoundError
from core.exchange.bundle import export_bundle, import_bundle
from core.models.store import STARTER_ID, ModelStore, open_model
from tests.core.models.test_store import model_folder
from tests.models import write_model


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """The starter and two models, the newest of which is called newer."""
    models = tmp_path / "models"
    model_folder(models, STARTER_ID)
    model_folder(models, "older", name="Older")
    model_folder(models, "newer", created="2026-02-01T00:00:00+00:00")
    return ModelStore(models)


def ids(store: ModelStore) -> set[str]:
    return {model.id for model in store.list()}


def test_a_new_name_leaves_the_id_and_the_weights(store: ModelStore) -> None:
    before = store.get("older").weights(0).stat().st_mtime_ns
    assert store.rename("older", "  Liver \n round 2 ").card.name == "Liver round 2"
    assert store.get("older").weights(0).stat().st_mtime_ns == before
    assert ids(store) == {STARTER_ID, "older", "newer"}


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_names_that_are_none_are_refused(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelError, match="1 to 120"):
        store.rename("older", name)
    assert store.get("older").card.name == "Older"


def test_an_archived_model_stays_usable_but_stands_in_for_nobody(store: ModelStore) -> None:
    store.set_default("older")
    store.archive(STARTER_ID, True)
    assert store.get(STARTER_ID).archived
    assert STARTER_ID in ids(store)
    store.trash("older")
    assert store.default().id == "newer"  # type: ignore[union-attr]  # not the starter, which is put aside
    store.archive(STARTER_ID, False)
    assert store.default().id == STARTER_ID  # type: ignore[union-attr]


def test_the_default_cannot_be_archived_and_becoming_it_ends_that(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="default model"):
        store.archive(STARTER_ID, True)
    store.archive("older", True)
    store.set_default("older")
    assert not store.get("older").archived


def test_a_trashed_model_comes_back_as_it_was_and_as_the_default(store: ModelStore) -> None:
    store.set_default("older")
    assert store.next_default("older").id == STARTER_ID  # type: ignore[union-attr]
    trashed = store.trash("older")
    assert (trashed.id, trashed.name, trashed.days_left) == ("older", "Older", 30)
    assert ids(store) == {STARTER_ID, "newer"}
    assert store.default().id == STARTER_ID  # type: ignore[union-attr]
    assert [item.id for item in store.trashed()] == ["older"]
    assert store.free_id("older") == "older-2"  # what could come back keeps its id
    store.restore("older")
    assert store.get("older").card.name == "Older"
    assert store.default().id == "older"  # type: ignore[union-attr]
    assert store.trashed() == ()


def test_the_starter_stays(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="belongs to Cristae"):
        store.trash(STARTER_ID)
    assert STARTER_ID in ids(store)


def test_restoring_never_overwrites(store: ModelStore) -> None:
    store.trash("older")
    model_folder(store.models_dir, "older", name="Another")
    with pytest.raises(ModelError, match="Another model in the store has the id 'older'"):
        store.restore("older")
    assert store.get("older").card.name == "Another"
    with pytest.raises(NotFoundError, match="contains no model"):
        store.restore("never")
    with pytest.raises(NotFoundError):
        store.trash("never")


def test_a_broken_folder_can_be_trashed_too(store: ModelStore) -> None:
    (store.models_dir / "older" / "card.json").write_text("[")
    assert store.trash("older").name == "older"
    assert store.scan()[1] == ()
    store.restore("older")
    assert [item.id for item in store.scan()[1]] == ["older"]


def test_what_is_past_its_time_is_removed(store: ModelStore) -> None:
    path = store.trash("older").path
    store.trash("newer")
    id_, stamp = path.name.split("~")
    days_31_ms = 31 * 24 * 3600 * 1000
    path.rename(path.with_name(f"{id_}~{int(stamp) - days_31_ms}"))
    assert [item.id for item in store.trashed()] == ["newer", "older"]  # looking removes nothing
    assert store.purge_trash() == 1
    assert [item.id for item in store.trashed()] == ["newer"]
    assert [entry.name.split("~")[0] for entry in path.parent.iterdir()] == ["newer"]


def test_an_unknown_pixel_size_can_be_given_once(store: ModelStore) -> None:
    model_folder(store.models_dir, "foreign", pixel_size_nm=None)
    with pytest.raises(ModelError, match="-4 nm per pixel is not plausible"):
        store.set_pixel_size("foreign", -4.0)
    assert store.set_pixel_size("foreign", 4.5).pixel_size_nm == 4.5
    with pytest.raises(ModelError, match=r"4\.5 nm"):
        store.set_pixel_size("foreign", 5.0)


def test_the_snapshot_travels_and_unknown_files_do_no_harm(tmp_path: Path, store: ModelStore) -> None:
    folder = store.models_dir / "older"
    (folder / "snapshot.json").write_text('{"cases": []}')
    (folder / "notes.txt").write_text("x")
    (folder / "fold_x.safetensors.tmp").write_text("x")
    (folder / "preview").mkdir()
    model = open_model(folder)
    assert model.folds == ("0",)
    copied = store.add(folder, model_id="copy")
    assert (copied.path / "snapshot.json").read_text() == '{"cases": []}'
    assert not (copied.path / "notes.txt").exists()
    back = import_bundle(export_bundle(model, tmp_path / "out.zip"), store)
    assert (back.path / "snapshot.json").read_text() == '{"cases": []}'


def test_a_taken_name_is_made_unequal_wherever_a_model_is_stored(tmp_path: Path) -> None:
    """Two models of one name could not be told apart in any list."""
    store = ModelStore(tmp_path / "models")
    folder = write_model(tmp_path / "given", name="Liver").path
    first, second = store.add(folder), store.add_free(folder, "given")
    third = store.add_free(folder, "given", name=" liver ")
    assert [model.card.name for model in (first, second, third)] == ["Liver", "Liver (2)", "liver (3)"]
    assert store.rename(third.id, "Liver").card.name == "Liver (3)"
    assert store.rename(third.id, "Liver (3)").card.name == "Liver (3)", "its own name is free"
    assert store.rename(third.id, "Kidney").card.name == "Kidney"
    store.trash(second.id)
    store.rename(third.id, "Liver (2)")
    store.restore(second.id)
    assert store.get(second.id).card.name == "Liver (2) (2)"
    long = "x" * 120
    assert store.rename(first.id, long).card.name == long
    assert store.rename(third.id, long).card.name == "x" * 116 + " (2)"
