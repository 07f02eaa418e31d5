"""Models that a project trained and that somebody did not want to use there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None is turned down."""
    op.create_table(
        "declined_models",
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "model_id", name="pk_declined_models"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_declined_models_project_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Nobody has been asked."""
    op.drop_table("declined_models")
