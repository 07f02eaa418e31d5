"""Fetching as a job: accepted first, whole or not at all, cut off and gone on with, tried out before it is kept."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from core.catalogue.catalogue import read_catalogue
from core.catalogue.start import RECORD_LICENCE, licence_of, start_fetch, start_look_up
from core.catalogue.work import discard_work, fetch_folder, sweep_fetched
from core.engine.context import JobContext
from core.engine.runner import run_job
from core.errors import AccessError, CatalogueError, FetchError
from core.jobs.kinds import FetchModelResult, LookUpResult
from core.jobs.rows import job, request_cancel, request_pause, retry
from core.jobs.transitions import claim
from core.models.store import ModelStore, StoredModel
from core.settings import Access, Settings
from core.store import JobRecord, Store
from core.store.records import JobState
from core.store.tables import JobRow
from tests.core.catalogue.conftest import entry_values, file_of, write_catalogue
from tests.core.exchange.test_exchange import NAME, trained_folder
from tests.core.remote.server import FileServer, Served


@pytest.fixture(autouse=True)
def here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner works in this store."""
    monkeypatch.setattr("core.engine.runner.current_store", lambda: store)


def run(store: Store, row: JobRecord) -> JobRecord:
    """An attempt of the job, as a worker makes it."""
    claimed = claim(store, job(row.id, store=store), "test")
    assert claimed is not None
    run_job(row.id, claimed.attempts)
    return job(row.id, store=store)


def having(store: Store, changes: dict[str, Any]) -> None:
    """Give the store other settings."""
    store._data.settings = store.settings.model_copy(update=changes)


def made(models: ModelStore, row: JobRecord) -> list[StoredModel]:
    assert row.state is JobState.SUCCEEDED, (row.error_cause, row.error_remedy)
    return [models.get(model_id) for model_id in FetchModelResult.of(row).model_ids]


def left(settings: Settings) -> list[str]:
    """Whatever is kept of fetches."""
    folder = settings.data_dir / "fetched"
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def test_a_bundle_is_fetched_and_says_where_it_is_from(
    store: Store, settings: Settings, models: ModelStore, server: FileServer, bundle: bytes
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle, cuts=[1000])]))
    row = run(store, start_fetch(store, entry, accepted="CC BY 4.0", by="Ada"))
    (model,) = made(models, row)
    source = model.card.source
    assert source is not None and model.card.name == "Human liver" and model.project_id == "all"
    assert (source.licence, source.accepted_by, source.entry_id) == ("CC BY 4.0", "Ada", "liver")
    assert source.accepted_at and source.urls == (f"{server.url}/liver.zip",) and source.citation == "Doe 2026"
    assert source.files == {"liver.zip": entry.files[0].sha256}
    noted = store.audit_log.details("licence_accepted")
    assert [(each["licence"], each["job"]) for each in noted] == [("CC BY 4.0", row.id)]
    assert left(settings) == [] and row.progress == 1


def test_nothing_is_asked_before_the_licence_is_accepted(
    store: Store, settings: Settings, server: FileServer, bundle: bytes
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    for accepted in ("", "another licence"):
        with pytest.raises(CatalogueError, match="was not accepted"):
            start_fetch(store, entry, accepted=accepted, by="Ada")
    having(store, {"fetching": False})
    with pytest.raises(FetchError, match="switched off"):
        start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")
    assert server.asked == [] and store.audit_log.details("licence_accepted") == ()


def test_where_access_goes_by_roles_only_those_who_may_import_may_fetch(
    store: Store, settings: Settings, server: FileServer, bundle: bytes
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    having(store, {"access": Access.ROLES, "admins": "Root"})
    with pytest.raises(AccessError):
        start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")
    assert start_fetch(store, entry, accepted="CC BY 4.0", by="Root").author == "Root"
    with pytest.raises(AccessError):
        start_fetch(store, entry, accepted="CC BY 4.0", by="Ada", folder="/etc")


def test_after_a_kill_only_what_is_missing_is_fetched(
    store: Store,
    settings: Settings,
    models: ModelStore,
    server: FileServer,
    bundle: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    row = start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr("core.engine.tasks.fetch_model.make_models", die)
    with pytest.raises(Killed):
        run(store, row)
    assert left(settings) == ["liver.zip"] and len(server.asked) == 1
    monkeypatch.undo()
    monkeypatch.setattr("core.engine.runner.current_store", lambda: store)
    with store.database.writing() as session:
        session.get_one(JobRow, row.id).state = JobState.QUEUED.value
    assert len(made(models, run(store, row))) == 1 and len(server.asked) == 1


@pytest.mark.parametrize("how", ["pause", "cancel"])
def test_a_fetch_is_paused_with_its_part_and_cancelled_without(
    store: Store,
    settings: Settings,
    models: ModelStore,
    server: FileServer,
    bundle: bytes,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    row = start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")
    monkeypatch.setattr("core.remote.download.CHUNK_BYTES", 64)
    asked: list[bool] = []

    plain = JobContext.progress

    def progress(self: JobContext[Any], fraction: float, message: str = "", eta_s: float | None = None) -> None:
        if fraction > 0 and not asked:
            asked.append(True)
            (request_pause if how == "pause" else request_cancel)(row.id, store=store)
            self._look()
        plain(self, fraction, message, eta_s)

    monkeypatch.setattr(JobContext, "progress", progress)
    ended = run(store, row)
    assert ended.state is (JobState.PAUSED if how == "pause" else JobState.CANCELLED)
    assert bool(left(settings)) == (how == "pause") and models.list() == ()
    if how == "pause":
        have = (fetch_folder(settings, row.id) / "liver.zip.part").stat().st_size
        assert 0 < have < len(bundle)
        retry(row.id, store=store)
        made(models, run(store, row))
        assert server.asked[-1][1] == f"bytes={have}-"


def hostile() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../evil/plans.json", "{}")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "served", "message"),
    [
        (hostile(), {}, "points outside its folder"),
        (b"no zip at all", {}, "cannot be opened as a zip file|no nnU-Net model"),
        (b"PK\x05\x06" + bytes(18), {}, "no nnU-Net model|no trained"),
        (b"fine", {"answers": [404]}, "does not have it"),
        (b"fine", {"announced": 3}, "3 bytes, but the catalogue says 4"),
    ],
    ids=["hostile zip", "no zip", "empty zip", "404", "lie"],
)
def test_a_fetch_that_fails_leaves_no_model(
    store: Store,
    settings: Settings,
    models: ModelStore,
    server: FileServer,
    content: bytes,
    served: dict[str, Any],
    message: str,
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "a.zip", content, **served)]))
    row = run(store, start_fetch(store, entry, accepted="CC BY 4.0", by="Ada"))
    assert row.state is JobState.FAILED
    assert re.search(message, row.error_cause), row.error_cause
    assert models.list() == () and not (settings.data_dir.parent / "evil").exists()


def test_a_disk_without_room_is_found_before_anything_is_asked(
    store: Store, settings: Settings, server: FileServer, bundle: bytes
) -> None:
    file = {**file_of(server, "liver.zip", bundle), "size_bytes": 10**11 * 9}
    entry = write_catalogue(settings, entry_values([file]))
    row = run(store, start_fetch(store, entry, accepted="CC BY 4.0", by="Ada"))
    assert row.state is JobState.FAILED and "900.00 GB are needed" in row.error_cause
    assert server.asked == []


def archive(tmp_path: Path, *, with_3d: bool) -> bytes:
    """Results of nnU-Net as people publish them: 2D, and 3D beside it."""
    folder = trained_folder(tmp_path / "trained")
    if with_3d:
        other = folder.parent / "nnUNetTrainer__nnUNetPlans__3d_fullres"
        (other / "fold_0").mkdir(parents=True)
        torch.save({"network_weights": {}}, other / "fold_0" / "checkpoint_final.pth")
        for name in ("plans.json", "dataset.json"):
            (other / name).write_bytes((folder / name).read_bytes())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for path in sorted(folder.parent.parent.rglob("*")):
            if path.is_file():
                zipped.write(path, Path("nnUNet_results") / path.relative_to(folder.parent.parent))
    return out.getvalue()


def record_of(server: FileServer, contents: dict[str, bytes]) -> dict[str, Any]:
    """An entry whose record names several archives."""
    files = []
    for name, content in contents.items():
        server.files[f"/files/{name}"] = Served(content)
        files.append({"key": name, "size": len(content), "links": {"self": f"{server.url}/files/{name}"}})
    record = {"metadata": {"title": "Models", "license": {"id": "cc-by-4.0"}}, "files": files}
    server.files["/record"] = Served(json.dumps(record).encode())
    return entry_values([], kind="nnunet", licence="", record_url=f"{server.url}/record", pixel_size_nm=8.0)


def test_of_a_record_with_several_archives_2d_models_are_taken_and_3d_ones_named(
    store: Store, settings: Settings, models: ModelStore, server: FileServer, tmp_path: Path
) -> None:
    contents = {
        "first.zip": archive(tmp_path / "a", with_3d=True),
        "second.zip": archive(tmp_path / "b", with_3d=False),
    }
    entry = write_catalogue(settings, record_of(server, contents | {"broken.zip": b"nothing"}))
    with pytest.raises(CatalogueError, match="are not known yet"):
        start_fetch(store, entry, accepted=licence_of(entry), by="Ada")
    found = LookUpResult.of(run(store, start_look_up(store, entry, by="Ada"))).entry
    entry = type(entry).model_validate(found)
    assert entry.licence == "cc-by-4.0" and entry.size_bytes == sum(map(len, contents.values())) + 7
    row = run(store, start_fetch(store, entry, accepted="cc-by-4.0", by="Ada"))
    taken = made(models, row)
    assert [model.pixel_size_nm for model in taken] == [8.0, 8.0]
    assert {model.card.source.part for model in taken if model.card.source} == {
        f"first.zip: nnUNet_results/{NAME}/nnUNetTrainer__nnUNetPlans__2d",
        f"second.zip: nnUNet_results/{NAME}/nnUNetTrainer__nnUNetPlans__2d",
    }
    reasons = {each.name: each.cause for each in FetchModelResult.of(row).left_out}
    assert "3D configuration" in reasons[f"first.zip: nnUNet_results/{NAME}/nnUNetTrainer__nnUNetPlans__3d_fullres"]
    assert "cannot be opened" in reasons["broken.zip"] and len(reasons) == 2
    again = run(store, start_fetch(store, entry, accepted="cc-by-4.0", by="Ada"))
    assert {model.id for model in made(models, again)}.isdisjoint(model.id for model in taken)


def test_what_an_attempt_has_brought_is_not_brought_again(
    store: Store, settings: Settings, models: ModelStore, server: FileServer, bundle: bytes
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    row = start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")
    first = made(models, run(store, row))
    with store.database.writing() as session:  # as if the worker had died before it could say so
        session.get_one(JobRow, row.id).state = JobState.QUEUED.value
    assert [model.id for model in made(models, run(store, row))] == [model.id for model in first]
    assert len(models.list()) == 1


def test_files_that_somebody_brought_are_taken_without_a_network(
    store: Store, settings: Settings, models: ModelStore, server: FileServer, bundle: bytes, tmp_path: Path
) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "liver.zip", bundle)]))
    having(store, {"fetching": False})
    brought = tmp_path / "stick"
    brought.mkdir()
    start = {"accepted": "CC BY 4.0", "by": "Ada", "folder": str(brought)}
    row = run(store, start_fetch(store, entry, **start))
    assert row.state is JobState.FAILED and "liver.zip is missing" in row.error_cause
    (brought / "liver.zip").write_bytes(bundle[:-1])
    assert "bytes instead of" in run(store, start_fetch(store, entry, **start)).error_cause
    (brought / "liver.zip").write_bytes(bytes([bundle[0] ^ 1]) + bundle[1:])
    assert "another SHA-256 checksum" in run(store, start_fetch(store, entry, **start)).error_cause
    assert models.list() == ()
    (brought / "liver.zip").write_bytes(bundle)
    (model,) = made(models, run(store, start_fetch(store, entry, **start)))
    assert model.card.source is not None and model.card.source.urls == ()
    assert server.asked == [] and (brought / "liver.zip").read_bytes() == bundle


def test_of_a_record_the_zips_in_a_folder_are_taken(
    store: Store, settings: Settings, models: ModelStore, server: FileServer, tmp_path: Path
) -> None:
    entry = write_catalogue(settings, record_of(server, {}))
    brought = tmp_path / "stick"
    brought.mkdir()
    start = {"accepted": RECORD_LICENCE, "by": "Ada", "folder": str(brought)}
    assert "0 zip files" in run(store, start_fetch(store, entry, **start)).error_cause
    (brought / "any name.zip").write_bytes(archive(tmp_path / "a", with_3d=False))
    assert len(made(models, run(store, start_fetch(store, entry, **start)))) == 1


def test_a_catalogue_at_an_address_is_kept_and_a_worse_one_does_not_take_its_place(
    store: Store, settings: Settings, server: FileServer, bundle: bytes
) -> None:
    having(store, {"catalogue": f"{server.url}/list.json"})
    values = entry_values([file_of(server, "liver.zip", bundle)])
    good = json.dumps({"catalogue_version": 1, "entries": [values, {"id": "x"}]}).encode()
    server.files["/list.json"] = Served(good)
    assert all(entry.id != "liver" for entry in _read(store))
    result = LookUpResult.of(run(store, start_look_up(store, None, by="Ada")))
    assert result.entries == 1 and result.refused > 0
    assert _read(store)[0].id == "liver"
    server.files["/list.json"] = Served(b"<html>sign in</html>")
    row = run(store, start_look_up(store, None, by="Ada"))
    assert row.state is JobState.FAILED and "not valid JSON" in row.error_cause
    assert _read(store)[0].id == "liver"


def _read(store: Store) -> tuple[Any, ...]:
    return read_catalogue(store.settings).entries


def test_what_nobody_will_go_on_with_is_removed(store: Store, settings: Settings, server: FileServer) -> None:
    entry = write_catalogue(settings, entry_values([file_of(server, "a.zip", b"x", answers=[404])]))
    row = run(store, start_fetch(store, entry, accepted="CC BY 4.0", by="Ada"))
    waiting = start_fetch(store, entry, accepted="CC BY 4.0", by="Ada")
    for name in (row.id, waiting.id, "0" * 32):
        fetch_folder(settings, name).mkdir(parents=True, exist_ok=True)
        (fetch_folder(settings, name) / "a.zip.part").write_bytes(b"x")
    assert sweep_fetched(store, keep_failed_s=3600) == 1  # of a job that is not known
    assert sweep_fetched(store, keep_failed_s=-1) == 1
    assert [path.name for path in (settings.data_dir / "fetched").iterdir()] == [waiting.id]
    discard_work(store, waiting)
    assert left(settings) == []
