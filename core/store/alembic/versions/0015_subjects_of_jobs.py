"""What a job is about stands in columns of its own, filled from the parameters of the jobs that there are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_IDS = {"project_id": 32, "image_id": 32, "model_id": 200, "target_id": 32}
_INDEXES = {
    "ix_jobs_project_id_kind_created_at": ["project_id", "kind", "created_at"],
    "ix_jobs_image_id_kind_created_at": ["image_id", "kind", "created_at"],
    "ix_jobs_model_id_kind_created_at": ["model_id", "kind", "created_at"],
    "ix_jobs_target_id": ["target_id"],
}


def upgrade() -> None:
    """Parameters of before are read by the names that they had."""
    with op.batch_alter_table("jobs") as table:
        for name, length in _IDS.items():
            table.add_column(sa.Column(name, sa.String(length)))
        table.add_column(sa.Column("title", sa.String(1000), nullable=False, server_default=""))
    jobs = sa.table(
        "jobs", sa.column("id", sa.String), sa.column("params", JSON_VALUE), sa.column("title", sa.String),
        *(sa.column(name, sa.String) for name in _IDS),
    )  # fmt: skip
    connection = op.get_bind()
    ids = connection.scalars(sa.select(jobs.c.id)).all()
    for start in range(0, len(ids), _AT_ONCE):
        some = sa.select(jobs.c.id, jobs.c.params).where(jobs.c.id.in_(ids[start : start + _AT_ONCE]))
        for job_id, params in connection.execute(some).all():
            connection.execute(jobs.update().where(jobs.c.id == job_id).values(**_about(params)))
    with op.batch_alter_table("jobs") as table:
        for name, columns in _INDEXES.items():
            table.create_index(name, columns)


def downgrade() -> None:
    """The parameters still say it all."""
    with op.batch_alter_table("jobs") as table:
        for name in _INDEXES:
            table.drop_index(name)
        for name in (*_IDS, "title"):
            table.drop_column(name)


def _about(params: Any) -> dict[str, str | None]:
    """Ids that fit; what is none is left out."""
    known = params if isinstance(params, dict) else {}
    found: dict[str, str | None] = {}
    for name, length in _IDS.items():
        value = known.get(name)
        found[name] = value if isinstance(value, str) and 0 < len(value) <= length else None
    title = known.get("name") or known.get("maker") or known.get("path") or ""
    found["title"] = str(title)[:1000]
    return found
