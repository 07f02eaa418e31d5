"""The tables, typed. Every change here needs a migration in ``alembic/versions`` (a test compares the two)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

ID = String(32)
JSON_VALUE = JSON().with_variant(JSONB(), "postgresql")
NULLABLE_JSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""None is the database's NULL, so that queries can tell what is missing."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can address it on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ProjectRow(Base):
    """See `ProjectRecord`."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    scheme: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE)
    pixel_size_nm: Mapped[float | None] = mapped_column(Float(53))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approve_own: Mapped[bool] = mapped_column(default=False, server_default=false())
    former_classes: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE, default=list, server_default="[]")
    class_maps: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON_VALUE, default=dict, server_default="{}")
    for_uploads: Mapped[bool | None] = mapped_column(default=None, index=True, unique=True)
    """True for the one project that was made for files dropped without a project, None for all others."""


class ImageRow(Base):
    """See `ImageRecord`."""

    __tablename__ = "images"
    __table_args__ = (UniqueConstraint("project_id", "content_hash"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(500))
    content_hash: Mapped[str] = mapped_column(String(64))
    height_px: Mapped[int]
    width_px: Mapped[int]
    dtype: Mapped[str] = mapped_column(String(16))
    pixel_size_nm: Mapped[float | None] = mapped_column(Float(53))
    pixel_size_source: Mapped[str] = mapped_column(String(16))
    pixel_size_detail: Mapped[str] = mapped_column(String(500))
    specimen: Mapped[str] = mapped_column(String(200))
    condition: Mapped[str] = mapped_column(String(200), default="", server_default="")
    split: Mapped[str] = mapped_column(String(16))
    stack: Mapped[str] = mapped_column(String(500))
    z_index: Mapped[int | None]
    example: Mapped[bool]
    notices: Mapped[list[str]] = mapped_column(JSON_VALUE)
    window_low: Mapped[float] = mapped_column(Float(53))
    window_high: Mapped[float] = mapped_column(Float(53))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    trashed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RevisionRow(Base):
    """See `RevisionRecord`."""

    __tablename__ = "revisions"
    __table_args__ = (Index(None, "image_id", "created_at"), Index(None, "image_id", "settings_key"))

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id", ondelete="SET NULL"))
    author: Mapped[str] = mapped_column(String(200))
    model_id: Mapped[str | None] = mapped_column(String(200))
    settings_key: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    coverage: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JobRow(Base):
    """See `JobRecord`."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "state", "priority", "created_at"),
        Index(None, "created_at"),
        Index(None, "batch_id"),
        Index(None, "project_id", "kind", "created_at"),
        Index(None, "image_id", "kind", "created_at"),
        Index(None, "model_id", "kind", "created_at"),
        Index(None, "target_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    params: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    result: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    priority: Mapped[int]
    author: Mapped[str] = mapped_column(String(200))
    progress: Mapped[float] = mapped_column(Float(53))
    message: Mapped[str] = mapped_column(String(1000))
    eta_s: Mapped[float | None] = mapped_column(Float(53))
    attempts: Mapped[int]
    max_attempts: Mapped[int]
    cancel_requested: Mapped[bool]
    control: Mapped[str] = mapped_column(String(16), default="", server_default="")
    error_cause: Mapped[str] = mapped_column(String(4000))
    error_remedy: Mapped[str] = mapped_column(String(4000))
    log_path: Mapped[str] = mapped_column(String(1000))
    worker: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    batch_id: Mapped[str | None] = mapped_column(ID)
    project_id: Mapped[str | None] = mapped_column(ID)
    image_id: Mapped[str | None] = mapped_column(ID)
    model_id: Mapped[str | None] = mapped_column(String(200))
    target_id: Mapped[str | None] = mapped_column(ID)
    title: Mapped[str] = mapped_column(String(1000), default="", server_default="")


class BatchRow(Base):
    """See `BatchRecord`."""

    __tablename__ = "batches"
    __table_args__ = (Index(None, "created_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    author: Mapped[str] = mapped_column(String(200))
    project_id: Mapped[str | None] = mapped_column(ID)
    model_id: Mapped[str] = mapped_column(String(200))
    files: Mapped[int]
    already: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EvaluationRow(Base):
    """See `EvaluationRecord`."""

    __tablename__ = "evaluations"
    __table_args__ = (Index(None, "project_id", "created_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(16))
    model_id: Mapped[str | None] = mapped_column(String(200))
    job_id: Mapped[str | None] = mapped_column(ID)
    state: Mapped[str] = mapped_column(String(16))
    scheme: Mapped[list[dict[str, Any]]] = mapped_column(JSON_VALUE)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    image_count: Mapped[int]
    scored_count: Mapped[int]
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EvaluationImageRow(Base):
    """See `EvaluationImageRecord`. What is known of an image stays when the image goes."""

    __tablename__ = "evaluation_images"

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(520))
    specimen: Mapped[str] = mapped_column(String(200))
    group: Mapped[str] = mapped_column(String(500))
    pixel_size_nm: Mapped[float | None] = mapped_column(Float(53))
    reference_id: Mapped[str | None] = mapped_column(ID)
    prediction_id: Mapped[str | None] = mapped_column(ID)
    reason: Mapped[str] = mapped_column(String(2000))
    scores: Mapped[dict[str, Any] | None] = mapped_column(NULLABLE_JSON)
    errors: Mapped[list[dict[str, Any]] | None] = mapped_column(NULLABLE_JSON, deferred=True)


class DraftRow(Base):
    """See `DraftRecord`."""

    __tablename__ = "drafts"
    __table_args__ = (Index(None, "image_id", "state"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    author: Mapped[str] = mapped_column(String(200))
    base_revision_id: Mapped[str | None] = mapped_column(ID)
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    whole_image: Mapped[bool]
    holder_id: Mapped[str] = mapped_column(String(64))
    holder_name: Mapped[str] = mapped_column(String(200))
    holder_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seconds: Mapped[float] = mapped_column(Float(53))
    strokes: Mapped[int]
    submitted_revision_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DraftTileRow(Base):
    """A changed tile: labels and coverage, packed; pixels per class of the tile, of what is covered, and before."""

    __tablename__ = "draft_tiles"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    column: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    data: Mapped[bytes]
    counts: Mapped[dict[str, int]] = mapped_column(JSON_VALUE)
    covered: Mapped[dict[str, int]] = mapped_column(JSON_VALUE)
    before: Mapped[dict[str, int]] = mapped_column(JSON_VALUE)


class DraftPostRow(Base):
    """A post that has arrived, so that the same one sent again changes nothing."""

    __tablename__ = "draft_posts"

    draft_id: Mapped[str] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class VisitRow(Base):
    """A suggested place of an image that a person has looked at or skipped; ``person`` is the name as compared.

    ``revision_id`` is that of the prediction in which the place was found, and stands before it in ``place``; None
    where it was found in the image itself.
    """

    __tablename__ = "visits"

    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    place: Mapped[str] = mapped_column(String(128), primary_key=True)
    revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id", ondelete="CASCADE"))
    outcome: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
