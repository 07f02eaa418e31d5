"""Evaluations: a model or imported predictions on a test set, with the scores of every image."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is evaluated yet."""
    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("model_id", sa.String(200)),
        sa.Column("job_id", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scheme", JSON_VALUE, nullable=False),
        sa.Column("settings", JSON_VALUE, nullable=False),
        sa.Column("image_count", sa.Integer, nullable=False),
        sa.Column("scored_count", sa.Integer, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_evaluations"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_evaluations_project_id", ondelete="CASCADE"),
    )
    op.create_index("ix_evaluations_project_id_created_at", "evaluations", ["project_id", "created_at"])
    op.create_table(
        "evaluation_images",
        sa.Column("evaluation_id", sa.String(32), nullable=False),
        sa.Column("image_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.String(520), nullable=False),
        sa.Column("specimen", sa.String(200), nullable=False),
        sa.Column("group", sa.String(500), nullable=False),
        sa.Column("pixel_size_nm", sa.Float(53)),
        sa.Column("reference_id", sa.String(32)),
        sa.Column("prediction_id", sa.String(32)),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("scores", JSON_VALUE),
        sa.Column("errors", JSON_VALUE),
        sa.PrimaryKeyConstraint("evaluation_id", "image_id", name="pk_evaluation_images"),
        sa.ForeignKeyConstraint(
            ["evaluation_id"], ["evaluations.id"], name="fk_evaluation_images_evaluation_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """What was evaluated is lost; images and label maps stay."""
    op.drop_table("evaluation_images")
    op.drop_table("evaluations")
