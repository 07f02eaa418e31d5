"""Which images and label maps a database knows, asked without opening a store: it may be of another version."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StoreError
from core.store.tables import ImageRow, RevisionRow


def known_pyramids(database_url: str) -> set[str]:
    """Ids of all images and label maps that have a row.

    Raises
    ------
    StoreError
        The database cannot be reached or read.
    ImportError
        The driver that the URL names is not installed.
    """
    known: set[str] = set()
    try:
        engine = create_engine(database_url)
        try:
            with engine.connect() as connection:
                for table in (ImageRow, RevisionRow):
                    if inspect(connection).has_table(table.__tablename__):
                        known.update(connection.scalars(select(table.id)))
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise StoreError(str(error).splitlines()[0], "Check CRISTAE_DATABASE_URL and that its server runs.") from error
    return known


def sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite database; None: it is another kind.

    Raises
    ------
    StoreError
        This is no address of a database.
    """
    try:
        url = make_url(database_url)
    except SQLAlchemyError as error:
        raise StoreError(str(error).splitlines()[0], "Check CRISTAE_DATABASE_URL and that its server runs.") from error
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def shown_url(database_url: str) -> str:
    """The address with its password hidden."""
    return make_url(database_url).render_as_string(hide_password=True)
