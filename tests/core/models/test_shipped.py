"""The starter model that comes with the program gets into an empty store."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelError
from core.models.shipped import add_starter, shipped_starter
from core.models.store import STARTER_ID, ModelStore


def test_the_shipped_starter_is_copied_once_and_becomes_the_default(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    shipped = shipped_starter()
    assert shipped is not None
    added = add_starter(store)
    assert (added.id, added.path) == (STARTER_ID, tmp_path / "models" / STARTER_ID)
    assert added.weights("0").read_bytes() == shipped.weights("0").read_bytes()
    store.rename(STARTER_ID, "Ours")
    assert add_starter(store).card.name == "Ours"
    assert [model.id for model in store.list()] == [STARTER_ID]
    default = store.default()
    assert default is not None
    assert default.id == STARTER_ID


def test_where_it_is_not_shipped_nothing_is_offered_or_made(tmp_path: Path) -> None:
    assert shipped_starter(tmp_path / "none") is None
    with pytest.raises(ModelError):
        add_starter(ModelStore(tmp_path / "models"), tmp_path / "none")
    assert not (tmp_path / "models").exists()
