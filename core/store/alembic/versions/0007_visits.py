"""Visits: which suggested places of a label map somebody has looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was suggested before."""
    op.create_table(
        "visits",
        sa.Column("revision_id", sa.String(32), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("revision_id", "person", "place", name="pk_visits"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_visits_revision_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("visits")
