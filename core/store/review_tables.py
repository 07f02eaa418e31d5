"""The tables of review: what is decided on revisions, by whom, and who may. See `core.review.records`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.store.tables import ID, JSON_VALUE, NULLABLE_JSON, Base, UtcDateTime


class ReviewRow(Base):
    """Where a submitted revision stands; every complete correction has one.

    ``superseded_by`` is the later revision that stands in its place. ``changes`` and ``effect`` are worked out when
    somebody first asks, since a revision never changes.
    """

    __tablename__ = "reviews"
    __table_args__ = (Index(None, "state", "created_at"),)

    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(32))
    assignee: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    superseded_by: Mapped[str | None] = mapped_column(ForeignKey("revisions.id", ondelete="SET NULL"))
    changes: Mapped[dict[str, Any] | None] = mapped_column(NULLABLE_JSON)
    effect: Mapped[dict[str, Any] | None] = mapped_column(NULLABLE_JSON)


class ReviewCommentRow(Base):
    """One comment in the thread of a review."""

    __tablename__ = "review_comments"
    __table_args__ = (Index(None, "revision_id", "created_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    revision_id: Mapped[str] = mapped_column(ForeignKey("reviews.revision_id", ondelete="CASCADE"))
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text)


class ReviewMarkRow(Base):
    """A numbered box on the image, in its pixels."""

    __tablename__ = "review_marks"

    revision_id: Mapped[str] = mapped_column(ForeignKey("reviews.revision_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int]
    column: Mapped[int]
    height: Mapped[int]
    width: Mapped[int]
    label: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str] = mapped_column(String(200))
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberRow(Base):
    """What a person may do in a project; ``person`` is the name as compared, ``name`` as written."""

    __tablename__ = "members"

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AnnotationAssignmentRow(Base):
    """An image that a person is asked to annotate; ``blind``: without seeing the work of the others who are asked."""

    __tablename__ = "annotation_assignments"

    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    blind: Mapped[bool]
    assigned_by: Mapped[str] = mapped_column(String(200))
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One line of the audit log. The database itself refuses to change or remove it; it outlives its subject."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "project_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    who: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(String(64))
    project_id: Mapped[str] = mapped_column(ID)
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
