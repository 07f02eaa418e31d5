"""Projects, images, revisions, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first four tables."""
    _projects()
    _images()
    _revisions()
    _jobs()


def downgrade() -> None:
    """Remove them."""
    for table in ("jobs", "revisions", "images", "projects"):
        op.drop_table(table)


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("scheme", JSON_VALUE, nullable=False),
        sa.Column("pixel_size_nm", sa.Float(53)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
    )


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("dtype", sa.String(16), nullable=False),
        sa.Column("pixel_size_nm", sa.Float(53)),
        sa.Column("pixel_size_source", sa.String(16), nullable=False),
        sa.Column("pixel_size_detail", sa.String(500), nullable=False),
        sa.Column("specimen", sa.String(200), nullable=False),
        sa.Column("split", sa.String(16), nullable=False),
        sa.Column("stack", sa.String(500), nullable=False),
        sa.Column("z_index", sa.Integer),
        sa.Column("example", sa.Boolean, nullable=False),
        sa.Column("notices", JSON_VALUE, nullable=False),
        sa.Column("window_low", sa.Float(53), nullable=False),
        sa.Column("window_high", sa.Float(53), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_images_project_id", ondelete="CASCADE"),
        sa.UniqueConstraint("project_id", "content_hash", name="uq_images_project_id_content_hash"),
    )


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("image_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("parent_id", sa.String(32)),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("model_id", sa.String(200)),
        sa.Column("settings_key", sa.String(64), nullable=False),
        sa.Column("details", JSON_VALUE, nullable=False),
        sa.Column("coverage", JSON_VALUE, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_revisions_image_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["revisions.id"], name="fk_revisions_parent_id", ondelete="SET NULL"),
    )
    op.create_index("ix_revisions_image_id_created_at", "revisions", ["image_id", "created_at"])
    op.create_index("ix_revisions_image_id_settings_key", "revisions", ["image_id", "settings_key"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("params", JSON_VALUE, nullable=False),
        sa.Column("result", JSON_VALUE, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("progress", sa.Float(53), nullable=False),
        sa.Column("message", sa.String(1000), nullable=False),
        sa.Column("eta_s", sa.Float(53)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("error_cause", sa.String(4000), nullable=False),
        sa.Column("error_remedy", sa.String(4000), nullable=False),
        sa.Column("log_path", sa.String(1000), nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("finished_at", UtcDateTime),
        sa.Column("heartbeat_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_state_priority_created_at", "jobs", ["state", "priority", "created_at"])
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"])
