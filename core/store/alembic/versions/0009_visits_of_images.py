"""Visits of places that were found in an image itself, beside those that were found in a prediction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from core.store.tables import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A place's key holds its image now; what was seen of predictions stays seen."""
    found = sa.text(
        "SELECT revisions.image_id, visits.revision_id, person, place, outcome, at "
        "FROM visits JOIN revisions ON revisions.id = visits.revision_id"
    )
    _replace(
        [{**row, "place": f"{row['revision_id']}/{row['place']}"} for row in _rows(found)],
        sa.Column("image_id", sa.String(32), nullable=False),
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("revision_id", sa.String(32)),
        sa.PrimaryKeyConstraint("image_id", "person", "place", name="pk_visits"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_visits_image_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Places of images are forgotten."""
    found = sa.text("SELECT revision_id, person, place, outcome, at FROM visits WHERE revision_id IS NOT NULL")
    _replace(
        [{**row, "place": row["place"].partition("/")[2]} for row in _rows(found)],
        sa.Column("revision_id", sa.String(32), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("revision_id", "person", "place", name="pk_visits"),
    )


def _rows(asked: sa.TextClause) -> list[dict[str, Any]]:
    found = op.get_bind().execute(asked.columns(at=UtcDateTime))
    return [dict(row) for row in found.mappings()]


def _replace(rows: list[dict[str, Any]], *own: sa.schema.SchemaItem) -> None:
    """The table made anew, with these rows; names of keys are free once the old one has gone."""
    op.drop_table("visits")
    table = op.create_table(
        "visits",
        *own,
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_visits_revision_id", ondelete="CASCADE"),
    )
    if rows:
        op.bulk_insert(table, rows)
