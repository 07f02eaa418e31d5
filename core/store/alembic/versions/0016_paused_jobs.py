"""Paused is a state of a job; until now it was an interrupted one whose message said so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_JOBS = sa.table("jobs", sa.column("state", sa.String), sa.column("message", sa.String))


def upgrade() -> None:
    """The message was the same in all versions."""
    interrupted = (_JOBS.c.state == "interrupted", _JOBS.c.message == "Paused.")
    op.execute(_JOBS.update().where(*interrupted).values(state="paused"))


def downgrade() -> None:
    """The message is still there."""
    op.execute(_JOBS.update().where(_JOBS.c.state == "paused").values(state="interrupted", message="Paused."))
