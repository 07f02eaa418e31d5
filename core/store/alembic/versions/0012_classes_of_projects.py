"""What a project's classes were called before, and what becomes of a model's classes that it does not have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was renamed and nothing decided."""
    value = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("projects") as table:
        table.add_column(sa.Column("former_classes", value, nullable=False, server_default="[]"))
        table.add_column(sa.Column("class_maps", value, nullable=False, server_default="{}"))


def downgrade() -> None:
    """What is recorded is forgotten."""
    with op.batch_alter_table("projects") as table:
        table.drop_column("class_maps")
        table.drop_column("former_classes")
