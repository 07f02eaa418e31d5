"""Nobody deletes by opening; the engine cleans, at its start and now and then."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from core.engine import cleaning, serve
from core.engine.cleaning import clean
from core.errors import StoreError
from core.imaging.image import Image
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import ModelStore
from core.settings import Settings
from core.store import Store
from core.store.base import now
from core.store.records import RevisionKind
from core.store.tables import ImageRow
from tests.models import write_model

LONG_AGO = timedelta(days=31)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def old(settings: Settings) -> list[Path]:
    """Everything that is past its time, each a path that is there."""
    store = Store(settings)
    project = store.projects.create("one", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((4, 4), np.uint8), name="thrown away"))
    kept = store.images.add(project.id, Image(np.ones((4, 4), np.uint8), name="kept"))
    store.trash.put([image.id])
    with store.database.writing() as session:
        session.execute(update(ImageRow).where(ImageRow.id == image.id).values(trashed_at=now() - LONG_AGO))
    begun = store.revisions.begin(kept.id, RevisionKind.PREDICTION)
    half = [store.labels_dir / begun.id, store.images_dir / "half"]
    for folder in half:
        folder.mkdir()
    store.close()  # whoever was writing is gone
    models = ModelStore(settings.models_dir)
    for name in ("liver", "kidney"):
        write_model(settings.models_dir / name)
    thrown = models.trash("kidney").path
    stamp = int((now() - LONG_AGO).timestamp() * 1000)
    thrown = thrown.rename(thrown.with_name(f"kidney~{stamp}"))
    broken = settings.models_dir / ".import.0123abcd.partial"
    upload = settings.uploads_dir / f"{'0' * 32}.partial"
    broken.mkdir()
    upload.write_bytes(b"half")
    for path in (broken, upload):
        os.utime(path, (time.time() - 90_000,) * 2)
    return [store.images.pyramid_path(image.id), *half, thrown, broken, upload]


def test_opening_and_looking_removes_nothing(settings: Settings, old: list[Path]) -> None:
    for _ in range(2):
        store, models = Store(settings), ModelStore(settings.models_dir)
        assert [image.name for image in store.trash.images()] == ["thrown away"]
        assert [model.id for model in models.trashed()] == ["kidney"]
        assert [model.id for model in models.list()] == ["liver"]
        store.close()
    assert [path for path in old if not path.exists()] == []


def test_the_engine_removes_what_is_past_its_time_and_nothing_else(settings: Settings, old: list[Path]) -> None:
    store = Store(settings)
    assert clean(store) == len(old)
    assert [path for path in old if path.exists()] == []
    assert [image.name for image in store.images.all()] == ["kept"]
    assert [model.id for model in ModelStore(settings.models_dir).list()] == ["liver"]
    assert clean(store) == 0
    store.close()


def test_the_engine_cleans_at_its_start_and_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done, calls = asyncio.Event(), 0

    def cleaned(_: Store) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            done.set()
        if calls == 1:
            raise StoreError("The disk is away for a moment.")  # it is tried again
        return 0

    monkeypatch.setattr(cleaning, "clean", cleaned)
    monkeypatch.setattr(serve, "CLEAN_S", 0.01)
    store = Store(settings)
    asyncio.run(serve._clean(store, done))
    store.close()
    assert calls == 3
    assert "disk is away" in caplog.text
