"""Jobs that were asked for together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Jobs of before belong to no batch."""
    op.create_table(
        "batches",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("project_id", sa.String(32)),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("already", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("cancelled_at", UtcDateTime),
        sa.Column("dismissed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index("ix_batches_created_at", "batches", ["created_at"])
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("batch_id", sa.String(32)))
        table.create_index("ix_jobs_batch_id", ["batch_id"])


def downgrade() -> None:
    """Jobs stay; which belonged together is forgotten, and what was held is cancelled."""
    op.execute("UPDATE jobs SET state = 'cancelled' WHERE state = 'held'")
    with op.batch_alter_table("jobs") as table:
        table.drop_index("ix_jobs_batch_id")
        table.drop_column("batch_id")
    op.drop_table("batches")
