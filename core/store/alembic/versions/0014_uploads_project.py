"""The project that files go to where none was chosen is marked, so that there is one whatever it is called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Until now it was known by its name, which no other project can have."""
    with op.batch_alter_table("projects") as table:
        table.add_column(sa.Column("for_uploads", sa.Boolean))
        table.create_index("ix_projects_for_uploads", ["for_uploads"], unique=True)
    projects = sa.table("projects", sa.column("name", sa.String), sa.column("for_uploads", sa.Boolean))
    op.execute(projects.update().where(projects.c.name == "My images").values(for_uploads=True))


def downgrade() -> None:
    """It is known by its name again."""
    with op.batch_alter_table("projects") as table:
        table.drop_index("ix_projects_for_uploads")
        table.drop_column("for_uploads")
