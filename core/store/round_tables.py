"""The tables of rounds: what was trained on what, how it compares, what was decided. See `core.store.round_records`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.store.tables import ID, JSON_VALUE, NULLABLE_JSON, Base, UtcDateTime


class RoundRow(Base):
    """See `RoundRecord`. Models live in the model store: their ids are words here, not references."""

    __tablename__ = "rounds"
    __table_args__ = (UniqueConstraint("project_id", "number"), Index(None, "state"))

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    number: Mapped[int]
    author: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    step: Mapped[str] = mapped_column(String(16))
    steps: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON_VALUE)
    notices: Mapped[list[str]] = mapped_column(JSON_VALUE)
    parent_model_id: Mapped[str | None] = mapped_column(String(200))
    base_model_id: Mapped[str | None] = mapped_column(String(200))
    promoted_then: Mapped[str | None] = mapped_column(String(200))
    model_id: Mapped[str | None] = mapped_column(String(200))
    test_set: Mapped[dict[str, str]] = mapped_column(JSON_VALUE)
    evaluation_id: Mapped[str | None] = mapped_column(ID)
    base_evaluation_id: Mapped[str | None] = mapped_column(ID)
    comparison: Mapped[dict[str, Any] | None] = mapped_column(NULLABLE_JSON)
    decision: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(String(200))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    corrected: Mapped[dict[str, int]] = mapped_column(JSON_VALUE)
    covered: Mapped[dict[str, int]] = mapped_column(JSON_VALUE)
    annotation_s: Mapped[float] = mapped_column(Float(53))
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PromotedModelRow(Base):
    """The model that a project uses now; without a row it has none. ``round_id`` is empty where a person chose it."""

    __tablename__ = "promoted_models"

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(200))
    round_id: Mapped[str] = mapped_column(ID)
    who: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeclinedModelRow(Base):
    """A model that was trained in a project, and that somebody did not want to use there when asked."""

    __tablename__ = "declined_models"

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    who: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
