"""Opening, migrating, and what goes wrong with a database."""

from __future__ import annotations

import errno
import json
import sqlite3
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

import core.store.database as database
from core.annotation.ranking import Strategy
from core.annotation.suggestions import Visit, tour
from core.errors import StorageFullError, StoreError
from core.imaging.image import Image
from core.imaging.image_content import content_hash
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import job
from core.label_scheme import DEFAULT_SCHEME
from core.settings import Settings, load_settings
from core.store import RevisionKind, Store
from core.store.base import now
from core.store.tables import Base, UtcDateTime
from tests.jobs import submit

ALEMBIC = Path(database.__file__).parent / "alembic"


def test_the_known_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == database.SCHEMA_HEAD


def test_migrations_give_exactly_the_tables_of_the_code(store: Store) -> None:
    engine = create_engine(store.settings.resolved_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_tables_can_be_made_on_postgresql() -> None:
    dialect = postgresql.dialect()
    text = "\n".join(str(CreateTable(table).compile(dialect=dialect)) for table in Base.metadata.sorted_tables)
    assert "JSONB" in text
    assert "TIMESTAMP WITH TIME ZONE" in text


def test_opening_again_migrates_nothing_and_keeps_everything(store: Store) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    again = Store(store.settings)
    assert again.projects.all() == (project,)
    again.close()


def back_to(store: Store, version: str) -> None:
    """Give the store the tables of an earlier version, as the migrations themselves go back; close it."""
    store.close()
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC))
    config.set_main_option("path_separator", "os")
    engine = create_engine(store.settings.resolved_database_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        config.attributes["connection"] = connection
        command.downgrade(config, version)
        connection.commit()
    engine.dispose()


def test_migrations_lead_back_and_forth(store: Store) -> None:
    """A new migration needs no change of the tests of earlier ones."""
    back_to(store, "base")
    again = Store(store.settings)
    assert again.projects.all() == ()
    again.close()


def test_planes_of_an_older_database_are_known_again(store: Store) -> None:
    """Until migration 0002 a plane's hash was that of its pixels alone."""
    project = store.projects.create("one", DEFAULT_SCHEME)
    blank = Image(np.zeros((3, 4), np.uint8))
    single, plane = store.images.add(project.id, blank), store.images.add(project.id, blank, stack="s.tif", z_index=2)
    store.images.delete(single.id)
    back_to(store, "0001")
    with sqlite3.connect(store.settings.data_dir / "cristae.sqlite3") as connection:
        connection.execute("UPDATE images SET content_hash = ?", (content_hash(blank),))
    connection.close()
    again = Store(store.settings)
    assert again.images.get(plane.id) == plane
    assert again.images.add_once(project.id, blank, stack="s.tif", z_index=2) == (plane, False)
    again.close()


def test_what_was_seen_before_stays_seen(store: Store) -> None:
    """Until migration 0009 a visit belonged to a prediction, and none to an image."""
    project = store.projects.create("one", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((300, 400), np.uint8)))
    begun = store.revisions.begin(image.id, RevisionKind.PREDICTION)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), np.ones(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    prediction = store.revisions.complete(begun.id)
    place = tour(store, image.id, "Ada", Strategy.RANDOM).suggestions[0].place
    back_to(store, "0008")
    with sqlite3.connect(store.settings.data_dir / "cristae.sqlite3") as connection:
        row = (prediction.id, "ada", place, "skipped", "2026-01-02 03:04:05.000000")
        into = "INSERT INTO visits (revision_id, person, place, outcome, at) VALUES (?, ?, ?, ?, ?)"
        connection.execute(into, row)
    connection.close()
    again = Store(store.settings)
    assert tour(again, image.id, "Ada", Strategy.RANDOM).visits == {place: Visit.SKIPPED}
    again.revisions.delete(prediction.id)
    with again.database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM visits").scalar() == 0
    again.close()


@pytest.mark.parametrize(("names", "marked"), [(("Liver", "My images"), "My images"), (("Liver",), None)])
def test_the_project_of_uploads_of_an_older_database_is_known_by_its_name(
    store: Store, names: tuple[str, ...], marked: str | None
) -> None:
    for name in names:
        store.projects.create(name, DEFAULT_SCHEME)
    back_to(store, "0013")
    again = Store(store.settings)
    known = again.projects.uploads_project()
    assert (known.name if known else None) == marked
    again.close()


def test_jobs_of_an_older_database_are_known_by_what_they_are_about(store: Store) -> None:
    """Until migration 0015 that stood in their parameters alone."""
    project = store.projects.create("one", DEFAULT_SCHEME)
    asked = {
        "train": {"project_id": project.id, "model_id": "nerve", "name": "Nerve"},
        "predict": {"image_id": "a" * 32, "model_id": "nerve"},
        "import_model": {"path": "/lab/model.zip", "project_id": None},
        "transfer": {"project_id": project.id, "target_id": "b" * 32, "image_ids": ["a" * 32]},
        "measure": {"project_id": "no id of ours, which is longer than any", "model_id": 7},
    }
    ids = {kind: submit(kind, {}, store=store).id for kind in asked}
    with sqlite3.connect(store.settings.data_dir / "cristae.sqlite3") as connection:
        for kind, params in asked.items():
            connection.execute("UPDATE jobs SET params = ? WHERE id = ?", (json.dumps(params), ids[kind]))
    connection.close()
    back_to(store, "0014")
    again = Store(store.settings)
    rows = {kind: job(ids[kind], store=again) for kind in asked}
    about = {kind: (row.project_id, row.image_id, row.model_id, row.target_id, row.title) for kind, row in rows.items()}
    assert about == {
        "train": (project.id, None, "nerve", None, "Nerve"),
        "predict": (None, "a" * 32, "nerve", None, ""),
        "import_model": (None, None, None, None, "/lab/model.zip"),
        "transfer": (project.id, None, None, "b" * 32, ""),
        "measure": (None, None, None, None, ""),
    }
    assert {kind: dict(row.params) for kind, row in rows.items()} == asked
    again.close()


def test_jobs_that_were_paused_before_are_paused(store: Store) -> None:
    """Until migration 0016 they were interrupted, with a message."""
    ids = [submit("train", {}, store=store).id for _ in range(3)]
    back_to(store, "0015")
    with sqlite3.connect(store.settings.data_dir / "cristae.sqlite3") as connection:
        for job_id, state, message in zip(
            ids, ("interrupted", "interrupted", "queued"), ("Paused.", "", "Paused."), strict=True
        ):
            connection.execute("UPDATE jobs SET state = ?, message = ? WHERE id = ?", (state, message, job_id))
    connection.close()
    again = Store(store.settings)
    assert [job(job_id, store=again).state.value for job_id in ids] == ["paused", "interrupted", "queued"]
    again.close()


def test_many_processes_may_open_an_empty_folder_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from core.settings import load_settings; from core.store import Store; "
        "s = Store(load_settings(data_dir=sys.argv[1])); print(len(s.projects.all()))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60) for process in started]
    assert [out.strip() for out, _ in answers] == [b"0"] * 4, answers


def test_sqlite_is_safe_and_patient(store: Store) -> None:
    with store.database.reading() as session:
        connection = session.connection()
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert asked == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": database.BUSY_TIMEOUT_S * 1000}


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    with sqlite3.connect(store.settings.data_dir / "cristae.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version of Cristae.*'9999'.*Update"):
        Store(store.settings)


def test_a_file_that_is_no_database_is_named(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "cristae.sqlite3").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match=r"cristae\.sqlite3 is damaged.*backup"):
        Store(settings)


def test_an_unusable_url_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="CRISTAE_DATABASE_URL"):
        Store(load_settings(data_dir=tmp_path, database_url="nonsense"))


def test_a_data_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFullError, match="is a file"):
        Store(load_settings(data_dir=tmp_path / "file" / "data"))


def test_a_data_folder_on_a_drive_that_is_not_there_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Path, "mkdir", absent)
    with pytest.raises(StorageFullError, match="cannot be created"):
        Store(load_settings(data_dir=tmp_path / "data"))


def test_a_database_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'absent' / 'x.sqlite3'}"
    with pytest.raises(StorageFullError, match="cannot be written"):
        Store(load_settings(data_dir=tmp_path / "data", database_url=url))


def test_a_locked_database_is_an_error_with_a_remedy(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Store(settings)
    other.database.set_patience(reading_s=0.2, writing_s=0.2)
    blocker = sqlite3.connect(settings.data_dir / "cristae.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        assert other.projects.all() == ()  # readers are not held up
        with pytest.raises(StoreError, match=r"is locked.*Try again"):
            other.projects.create("x", DEFAULT_SCHEME)
    finally:
        blocker.close()
        other.close()
    assert store.projects.create("x", DEFAULT_SCHEME).name == "x"


def test_a_full_disk_is_an_error_with_a_remedy(store: Store) -> None:
    with store.database.writing() as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StorageFullError, match=r"full.*Free some space"):
        store.projects.create("x" * 100, DEFAULT_SCHEME)
        for number in range(500):
            store.projects.create(f"{number}" + "x" * 150, DEFAULT_SCHEME)


def test_moments_are_in_utc_whatever_the_time_zone() -> None:
    moment = now()
    elsewhere = moment.astimezone(timezone(timedelta(hours=9)))
    column, dialect = UtcDateTime(), postgresql.dialect()
    assert column.process_bind_param(elsewhere, dialect) == moment
    assert column.process_result_value(moment.replace(tzinfo=None), dialect) == moment
    assert column.process_result_value(None, dialect) is None


def test_a_change_by_another_connection_is_noticed(store: Store) -> None:
    before = store.database.change_token()
    assert store.database.change_token() == before
    other = Store(store.settings)
    other.projects.create("x", DEFAULT_SCHEME)
    other.close()
    assert store.database.change_token() != before


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM alembic_version")
        raise RuntimeError
    Store(store.settings).close()


@pytest.mark.parametrize("breaks", [False, True], ids=["table made anew", "rows left behind"])
def test_a_migration_that_makes_a_table_anew_deletes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    """Dropping the old table once deleted everything that refers to it, by cascade."""
    project = store.projects.create("one", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((3, 4), np.uint8)))
    store.close()

    def remake(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE anew AS SELECT * FROM projects")
        connection.exec_driver_sql("DROP TABLE projects")
        connection.exec_driver_sql("CREATE TABLE projects AS SELECT * FROM anew")
        if breaks:
            connection.exec_driver_sql("DELETE FROM projects")
        connection.exec_driver_sql("CREATE UNIQUE INDEX by_id ON projects (id)")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'next'")

    monkeypatch.setattr(database, "SCHEMA_HEAD", "next")
    monkeypatch.setattr(database, "_upgrade", remake)
    if breaks:
        with pytest.raises(StoreError, match="images that refer to missing rows of projects"):
            Store(store.settings)
    again = sqlite3.connect(store.settings.data_dir / "cristae.sqlite3")
    kept = again.execute("SELECT id FROM images").fetchall()
    again.close()
    assert kept == [(image.id,)]
    if not breaks:
        opened = Store(store.settings)
        assert [row.id for row in opened.images.all(project.id)] == [image.id]
        opened.close()
