"""Drafts: what is being painted. Every post is one transaction: all of its tiles are kept, or none."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.errors import DraftClosedError, DraftHeldError, NotFoundError
from core.files import explained_os_errors
from core.store.base import StorePart, found, new_id, now, portions
from core.store.people import clean_name, person_key
from core.store.records import DraftRecord, DraftState, DraftTileRecord
from core.store.tables import DraftPostRow, DraftRow, DraftTileRow, ImageRow, RevisionRow

HOLD: Final = timedelta(seconds=60)
"""A tab that was not heard of for so long may be replaced without asking."""


class Drafts(StorePart):
    """Beginning, painting, holding and closing drafts."""

    def open(self, image_id: str, author: str, base_revision_id: str | None) -> tuple[DraftRecord, bool]:
        """The open draft of this author on this image, or a new one; the second value says whether it was there.

        Raises
        ------
        NotFoundError
            There is no such image, or it has no such revision.
        """
        author = clean_name(author)
        with self._data.database.writing() as session:
            found(session, ImageRow, image_id, "image")
            wanted = select(DraftRow).where(DraftRow.image_id == image_id, DraftRow.state == DraftState.OPEN.value)
            drafts = session.scalars(wanted.order_by(DraftRow.updated_at.desc(), DraftRow.id))
            old = next((row for row in drafts if person_key(row.author) == person_key(author)), None)
            if old is not None:
                return _record(old), True
            if base_revision_id is not None:
                base = found(session, RevisionRow, base_revision_id, "revision")
                if base.image_id != image_id:
                    raise NotFoundError(f"This image has no revision {base_revision_id!r}.", "Reload the page.")
            row = DraftRow(
                id=new_id(), image_id=image_id, author=author, base_revision_id=base_revision_id,
                state=DraftState.OPEN.value, version=1, whole_image=False, holder_id="", holder_name="",
                holder_seen_at=None, seconds=0.0, strokes=0, submitted_revision_id=None, created_at=now(),
                updated_at=now(),
            )  # fmt: skip
            session.add(row)
        return _record(row), False

    def get(self, draft_id: str) -> DraftRecord:
        """One draft.

        Raises
        ------
        NotFoundError
            There is none with this id.
        """
        with self._data.database.reading() as session:
            return _record(found(session, DraftRow, draft_id, "draft"))

    def of_image(self, image_id: str, *, state: DraftState | None = DraftState.OPEN) -> tuple[DraftRecord, ...]:
        """The drafts of an image, newest change first."""
        wanted = select(DraftRow).where(DraftRow.image_id == image_id)
        if state is not None:
            wanted = wanted.where(DraftRow.state == state.value)
        with self._data.database.reading() as session:
            rows = session.scalars(wanted.order_by(DraftRow.updated_at.desc(), DraftRow.id))
            return tuple(_record(row) for row in rows)

    def hold(
        self, draft_id: str, holder: str, name: str, *, take_over: bool = False, renew: bool = False
    ) -> tuple[DraftRecord, str]:
        """Let a browser tab paint, or renew that.

        Parameters
        ----------
        holder
            The tab's name for itself.
        name
            Whose tab it is, for those who are refused.
        take_over
            Replace a tab that was heard of a moment ago.
        renew
            Only if it still has it: a tab that slept must not go on with what it remembers of the pixels.

        Returns
        -------
        tuple
            The draft, and the tab that held it before ("": none).

        Raises
        ------
        NotFoundError
            There is no such draft.
        DraftClosedError
            It is submitted or discarded.
        DraftHeldError
            Another tab was heard of within `HOLD`, and ``take_over`` is not set; with ``renew``: another tab has it.
        """
        with self._data.database.writing() as session:
            row = _open_row(session, draft_id)
            fresh = row.holder_seen_at is not None and now() - row.holder_seen_at < HOLD
            if row.holder_id not in ("", holder) and (renew or (fresh and not take_over)):
                raise _held(row)
            before, row.holder_id = row.holder_id, holder
            row.holder_name, row.holder_seen_at = name.strip()[:200], now()
            return _record(row), before

    def authors_of_project(self, project_id: str) -> dict[str, tuple[str, ...]]:
        """Who has an open draft, by the image's id; the first to begin first."""
        wanted = (
            select(DraftRow.image_id, DraftRow.author)
            .join(ImageRow, ImageRow.id == DraftRow.image_id)
            .where(ImageRow.project_id == project_id, DraftRow.state == DraftState.OPEN.value)
            .order_by(DraftRow.created_at, DraftRow.id)
        )
        authors: dict[str, tuple[str, ...]] = {}
        with self._data.database.reading() as session:
            for image_id, author in session.execute(wanted):
                authors[image_id] = (*authors.get(image_id, ()), author)
        return authors

    def seconds(self, revision_ids: Collection[str]) -> float:
        """Seconds of painting in the drafts that became these revisions."""
        with self._data.database.reading() as session:
            sums = (
                session.scalar(select(func.sum(DraftRow.seconds)).where(DraftRow.submitted_revision_id.in_(some)))
                for some in portions(revision_ids)
            )
            return float(sum(each or 0.0 for each in sums))

    def tiles(self, draft_id: str) -> tuple[DraftTileRecord, ...]:
        """The changed tiles, without their pixels, in reading order."""
        columns = (
            DraftTileRow.row, DraftTileRow.column, DraftTileRow.version, DraftTileRow.counts, DraftTileRow.covered,
            DraftTileRow.before,
        )  # fmt: skip
        wanted = select(*columns).where(DraftTileRow.draft_id == draft_id)
        with self._data.database.reading() as session:
            rows = session.execute(wanted.order_by(DraftTileRow.row, DraftTileRow.column))
            return tuple(DraftTileRecord(*row) for row in rows)

    def tile_data(self, draft_id: str, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """The packed pixels of changed tiles, by (row, column); tiles that were never changed are left out."""
        if not places:
            return {}
        rows = {row for row, _ in places}
        wanted = select(DraftTileRow.row, DraftTileRow.column, DraftTileRow.data).where(
            DraftTileRow.draft_id == draft_id, DraftTileRow.row.between(min(rows), max(rows))
        )
        columns = {column for _, column in places}
        wanted = wanted.where(DraftTileRow.column.between(min(columns), max(columns)))
        with self._data.database.reading() as session:
            return {(row, column): data for row, column, data in session.execute(wanted) if (row, column) in places}

    def has_post(self, draft_id: str, holder: str, sequence: int) -> bool:
        """Whether this post has arrived before."""
        with self._data.database.reading() as session:
            return session.get(DraftPostRow, (draft_id, holder, sequence)) is not None

    def write_tiles(
        self,
        draft_id: str,
        holder: str,
        sequence: int,
        tiles: Sequence[tuple[DraftTileRecord, bytes]],
        *,
        seconds: float,
        strokes: int,
        sent_by: str | None = None,
    ) -> DraftRecord:
        """Keep what was painted: on disk when this returns. The same post again changes nothing.

        Parameters
        ----------
        holder, sequence
            The tab that painted it, and its number for the post: what makes it the same one.
        tiles
            With their packed pixels; their ``version`` is set here.
        sent_by
            The tab that sends it, if that is another one: what a closed tab could not send any more.

        Raises
        ------
        NotFoundError, DraftClosedError
            As for `hold`.
        DraftHeldError
            Another tab has taken it, however long ago.
        StorageFullError
            The disk is full. Nothing of the post is kept.
        """
        with self._data.database.writing() as session:
            row = found(session, DraftRow, draft_id, "draft")
            if session.get(DraftPostRow, (draft_id, holder, sequence)) is not None:
                return _record(row)
            sender = sent_by or holder
            row = _paintable(session, draft_id, sender)
            row.version += 1
            for tile, data in tiles:
                session.merge(
                    DraftTileRow(
                        draft_id=draft_id,
                        row=tile.row,
                        column=tile.column,
                        version=row.version,
                        data=data,
                        counts=tile.counts,
                        covered=tile.covered,
                        before=tile.before,
                    )
                )
            session.add(DraftPostRow(draft_id=draft_id, holder=holder, sequence=sequence))
            row.holder_id, row.holder_seen_at, row.updated_at = sender, now(), now()
            row.seconds += seconds
            row.strokes += strokes
        self._force_to_disk()
        return _record(row)

    def set_whole_image(self, draft_id: str, holder: str, value: bool) -> DraftRecord:
        """Confirm every pixel, or take that back.

        Raises
        ------
        NotFoundError, DraftClosedError, DraftHeldError
            As for `write_tiles`.
        """
        with self._data.database.writing() as session:
            row = _paintable(session, draft_id, holder)
            row.whole_image, row.updated_at = value, now()
            row.version += 1
        self._force_to_disk()
        return _record(row)

    def close(
        self,
        draft_id: str,
        state: DraftState,
        *,
        holder: str,
        revision_id: str | None = None,
        version: int | None = None,
    ) -> DraftRecord:
        """Declare a draft submitted or discarded. Its tiles go.

        Parameters
        ----------
        version
            What was submitted; refused when the draft has changed since.

        Raises
        ------
        NotFoundError, DraftClosedError, DraftHeldError
            As for `write_tiles`.
        """
        with self._data.database.writing() as session:
            row = close_within(session, draft_id, state, holder=holder, revision_id=revision_id, version=version)
        return _record(row)

    def _force_to_disk(self) -> None:
        """SQLite leaves the end of its log to the system until a checkpoint; a power cut must not take a stroke."""
        path = self._data.database.log_path
        if path is None or not path.is_file():
            return
        with explained_os_errors(path):
            handle = os.open(path, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def open_authors_within(session: Session, image_id: str) -> list[str]:
    """Within a transaction: who has an open draft of an image."""
    wanted = select(DraftRow.author).where(DraftRow.image_id == image_id, DraftRow.state == DraftState.OPEN.value)
    return list(session.scalars(wanted))


def close_within(
    session: Session,
    draft_id: str,
    state: DraftState,
    *,
    holder: str,
    revision_id: str | None = None,
    version: int | None = None,
) -> DraftRow:
    """`Drafts.close` within the transaction of what becomes of the draft."""
    row = _paintable(session, draft_id, holder)
    if version is not None and row.version != version:
        raise DraftHeldError("The draft was edited during the submission.", "Submit it again.", _holder(row))
    row.state, row.submitted_revision_id, row.updated_at = state.value, revision_id, now()
    session.execute(delete(DraftTileRow).where(DraftTileRow.draft_id == draft_id))
    session.execute(delete(DraftPostRow).where(DraftPostRow.draft_id == draft_id))
    return row


def _open_row(session: Session, draft_id: str) -> DraftRow:
    """The row, if the draft still changes."""
    row = found(session, DraftRow, draft_id, "draft")
    if row.state != DraftState.OPEN.value:
        raise DraftClosedError(f"This draft is {row.state}.", "Start a new draft of the image.")
    return row


def _paintable(session: Session, draft_id: str, holder: str) -> DraftRow:
    """The row, if this tab may change it: it has the draft, or nobody has.

    That another tab has been silent for long does not matter here: it may have painted before, and this one would
    overwrite that without having seen it.
    """
    row = _open_row(session, draft_id)
    if row.holder_id not in ("", holder):
        raise _held(row)
    return row


def _held(row: DraftRow) -> DraftHeldError:
    return DraftHeldError(
        f"{row.holder_name or 'Another tab'} has this draft open.",
        "Continue there, take the draft over, or start your own draft.",
        _holder(row),
    )


def _holder(row: DraftRow) -> dict[str, str]:
    seen = row.holder_seen_at.isoformat() if row.holder_seen_at else ""
    return {"id": row.holder_id, "name": row.holder_name, "seen_at": seen}


def _record(row: DraftRow) -> DraftRecord:
    return DraftRecord(
        id=row.id,
        image_id=row.image_id,
        author=row.author,
        base_revision_id=row.base_revision_id,
        state=DraftState(row.state),
        version=row.version,
        whole_image=row.whole_image,
        holder_id=row.holder_id,
        holder_name=row.holder_name,
        holder_seen_at=row.holder_seen_at,
        seconds=row.seconds,
        strokes=row.strokes,
        submitted_revision_id=row.submitted_revision_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
