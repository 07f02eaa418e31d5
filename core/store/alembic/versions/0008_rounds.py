"""Rounds, and which model a project uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No round was run before; no model is promoted."""
    op.create_table(
        "rounds",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        *(sa.Column(name, JSON_VALUE, nullable=False) for name in ("steps", "plan", "snapshot", "notices")),
        *(
            sa.Column(name, sa.String(200))
            for name in ("parent_model_id", "base_model_id", "promoted_then", "model_id")
        ),
        sa.Column("test_set", JSON_VALUE, nullable=False),
        sa.Column("evaluation_id", sa.String(32)),
        sa.Column("base_evaluation_id", sa.String(32)),
        sa.Column("comparison", JSON_VALUE),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("corrected", JSON_VALUE, nullable=False),
        sa.Column("covered", JSON_VALUE, nullable=False),
        sa.Column("annotation_s", sa.Float(53), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_rounds"),
        sa.UniqueConstraint("project_id", "number", name="uq_rounds_project_id_number"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_rounds_project_id", ondelete="CASCADE"),
    )
    op.create_index("ix_rounds_state", "rounds", ["state"])
    op.create_table(
        "promoted_models",
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("round_id", sa.String(32), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_promoted_models"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_promoted_models_project_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Rounds are lost; their models, evaluations and label maps stay."""
    op.drop_table("promoted_models")
    op.drop_table("rounds")
