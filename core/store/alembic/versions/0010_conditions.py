"""What was done to the specimen that an image shows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is recorded."""
    with op.batch_alter_table("images") as table:
        table.add_column(sa.Column("condition", sa.String(200), nullable=False, server_default=""))


def downgrade() -> None:
    """What is recorded is forgotten."""
    with op.batch_alter_table("images") as table:
        table.drop_column("condition")
