"""What is asked of a running job (pause, finish), and images that are in the trash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is asked, nothing is in the trash."""
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("control", sa.String(16), nullable=False, server_default=""))
    with op.batch_alter_table("images") as table:
        table.add_column(sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Images in the trash come back."""
    with op.batch_alter_table("images") as table:
        table.drop_column("trashed_at")
    with op.batch_alter_table("jobs") as table:
        table.drop_column("control")
