"""The database: opening, migrating, short transactions, and its errors in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as ConnectionPoolTimeout
from sqlalchemy.orm import Session

from core.errors import StorageFullError, StoreBusyError, StoreError
from core.files import explained_os_errors, make_private
from core.program import COMMAND
from core.store.presence import remember, require_there

SCHEMA_HEAD: Final = "0016"
"""The newest migration. Known here so that opening an up-to-date database need not import Alembic (0.2 s)."""

BUSY_TIMEOUT_S: Final = 20.0
"""How long a transaction waits for another writer; ours hold the lock for milliseconds."""

Transaction: TypeAlias = Session
"""What is begun by `Database.writing` and passed along by whoever takes part in it."""

DATABASE_FAULT: Final = SQLAlchemyError
"""What the library raises beside our own errors: a fault of the database, or of a statement."""

_WRITE: Final = "cristae_write"


class Database:
    """One database, opened and up to date; used by all threads of a process.

    Parameters
    ----------
    url
        SQLAlchemy URL.
    locks_dir
        Folder for the lock that lets one process migrate at a time.
    group
        Whether the group may read and write a database file that is made now.

    Raises
    ------
    StoreError
        The URL is unusable, the database is locked for too long, damaged or newer than this version of Cristae.
    StorageFullError
        The disk is full or the folder cannot be written.
    """

    def __init__(self, url: str, locks_dir: Path, *, group: bool = False) -> None:
        self._patience = {False: BUSY_TIMEOUT_S, True: BUSY_TIMEOUT_S}
        self._engine = _make_engine(url, self._patience)
        self._writing = self._engine.execution_options(**{_WRITE: True})
        self._watch: sqlite3.Connection | None = None
        self._file = Path(str(self._engine.url.database)).absolute() if self.log_path is not None else None
        self._make_file(group)
        self._migrate(locks_dir / "migrate.lock")
        if self._file is not None:
            remember(self._file)

    @property
    def is_sqlite(self) -> bool:
        """Whether it lives in a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A short transaction that changes nothing."""
        self._require_there()
        with _explained(self._engine), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A short transaction that holds the write lock from its start; commits when the block ends well."""
        self._require_there()
        with _explained(self._engine), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session
        self._require_there()  # what was just committed to a file without a name is lost

    def set_patience(self, *, reading_s: float, writing_s: float) -> None:
        """Wait less long for a database that another program keeps locked: somebody is waiting for an answer."""
        self._patience.update({False: reading_s, True: writing_s})

    def _make_file(self, group: bool) -> None:
        """An empty database file for its user alone: SQLite would make it readable for all, and its log the same."""
        if self._file is not None and not self._file.exists() and self._file.parent.is_dir():
            with explained_os_errors(self._file):
                self._file.touch(0o600, exist_ok=True)
                make_private(self._file, group)

    def _require_there(self) -> None:
        if self._file is not None:
            require_there(self._file)

    def change_token(self) -> int | None:
        """A number that differs once another connection has changed the database; None where it cannot be known.

        Costs some microseconds; call it from one thread only.
        """
        path = self._engine.url.database
        if not self.is_sqlite or not path:
            return None
        with _explained(self._engine):
            if self._watch is None:
                self._watch = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    @property
    def log_path(self) -> Path | None:
        """SQLite's write-ahead log, where what was committed last is; None on other databases."""
        path = self._engine.url.database
        return Path(f"{path}-wal") if self.is_sqlite and path else None

    def close(self) -> None:
        """Let go of all connections."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._engine.dispose()

    def _migrate(self, lock_path: Path) -> None:
        with _explained(self._engine):
            if self._version() == SCHEMA_HEAD:
                return
        try:
            with (
                explained_os_errors(lock_path),
                FileLock(lock_path, timeout=60),
                _explained(self._engine),
                self._writing.connect() as connection,
                _without_cascades(connection),
                connection.begin(),
            ):
                _upgrade(connection)
                _check_references(connection)
        except Timeout as error:
            raise StoreError(
                "Another process has been migrating the database for more than 60 s.",
                "Wait until it finishes, or stop it and restart.",
            ) from error

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            return _version_of(connection)


def schema_is_current(url: str) -> bool:
    """Whether there is a database and this version wrote or migrated it; nothing is made or changed."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        return False
    engine = create_engine(parsed)
    try:
        with engine.connect() as connection:
            return _version_of(connection) == SCHEMA_HEAD
    finally:
        engine.dispose()


def _version_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _make_engine(url: str, patience: Mapping[bool, float]) -> Engine:
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_size=8, max_overflow=56, pool_timeout=BUSY_TIMEOUT_S)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StoreError(
            f"The database URL cannot be used: {error}.",
            "Write CRISTAE_DATABASE_URL like sqlite:////folder/cristae.sqlite3 or postgresql+psycopg://user@host/name, "
            "and install the driver that it names.",
        ) from error
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, patience)
    return engine


def _configure_sqlite(engine: Engine, patience: Mapping[bool, float]) -> None:
    """Write-ahead log, enforced foreign keys, and transactions that begin when we say so.

    Parameters
    ----------
    patience
        Seconds to wait for a lock, by whether the transaction writes.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {int(patience[False] * 1000)}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = bool(connection.get_execution_options().get(_WRITE))
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(patience[write] * 1000)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _without_cascades(connection: Connection) -> Iterator[None]:
    """Foreign keys off on SQLite, before the transaction begins.

    A migration that makes a table anew drops the old one, which would delete all rows that refer to it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _check_references(connection: Connection) -> None:
    """Refuse a migration that leaves rows pointing nowhere; nothing of it is kept."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise StoreError(
            f"Migrating the database would leave rows of {broken[0]} that refer to missing rows of {broken[2]}.",
            "No data were changed. Continue with the previous version of Cristae, and report this bug.",
        )


def _upgrade(connection: Connection) -> None:
    """Run the migrations that are missing; the caller holds the lock."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(727274)"))
    found = _version_of(connection)
    if found == SCHEMA_HEAD:
        return
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if found is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(found)
        except CommandError as error:
            raise StoreError(
                f"The database was written by a newer version of Cristae (its schema is {found!r}, "
                f"this version knows up to {SCHEMA_HEAD!r}).",
                "Update Cristae, or set CRISTAE_DATA_DIR to another folder.",
            ) from error
    command.upgrade(config, SCHEMA_HEAD)


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn what the database driver says into a cause and a remedy."""
    try:
        yield
    except IntegrityError:
        raise
    except ConnectionPoolTimeout as error:
        raise StoreBusyError("The database is busy with too many requests.", "Try again.") from error
    except (DatabaseError, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", error))
        raise _in_words(reason, engine.url.database or engine.url.render_as_string()) from error


def _in_words(reason: str, where: str) -> StoreError:
    said = reason.lower()
    if "locked" in said or "busy" in said:
        return StoreBusyError(
            f"The database {where} is locked by another process.",
            "Try again; if the problem remains, close other programs that use the file.",
        )
    if "readonly" in said or "read-only" in said or "unable to open" in said:
        return StorageFullError(
            f"The database {where} cannot be written ({reason}).",
            "Make the data folder writable for this user or set CRISTAE_DATA_DIR to another one.",
        )
    if "full" in said or "disk i/o" in said:
        return StorageFullError(
            f"The database {where} cannot be written ({reason}).",
            "Free some space or set CRISTAE_DATA_DIR to a larger disk.",
        )
    if "malformed" in said or "not a database" in said:
        return StoreError(
            f"The database {where} is damaged ({reason}).",
            "Restore it from a backup, or move it away to start with an empty database; images on disk are kept.",
        )
    return StoreError(f"The database {where} refused: {reason}.", f"See the log; `{COMMAND} doctor` shows details.")
