"""What counts as the same image: of a stack's plane also its place (see `core.store.images.content_hash`)."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the place into the hashes of planes that are there."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("id", "content_hash", "stack", "z_index")]
    images = sa.table("images", *columns)
    connection = op.get_bind()
    for row in connection.execute(sa.select(*columns).where(images.c.stack != "")).all():
        digest = hashlib.sha256(f"{row.content_hash} {row.z_index} {row.stack}".encode()).hexdigest()
        connection.execute(images.update().where(images.c.id == row.id).values(content_hash=digest))


def downgrade() -> None:
    """Nothing to do: older versions take such planes for new ones when they are sent again."""
