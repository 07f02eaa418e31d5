"""Drafts: open edits of label maps, their changed tiles, and which posts have arrived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is being corrected yet."""
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("image_id", sa.String(32), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("base_revision_id", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("whole_image", sa.Boolean, nullable=False),
        sa.Column("holder_id", sa.String(64), nullable=False),
        sa.Column("holder_name", sa.String(200), nullable=False),
        sa.Column("holder_seen_at", UtcDateTime),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("strokes", sa.Integer, nullable=False),
        sa.Column("submitted_revision_id", sa.String(32)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_drafts_image_id", ondelete="CASCADE"),
    )
    op.create_index("ix_drafts_image_id_state", "drafts", ["image_id", "state"])
    op.create_table(
        "draft_tiles",
        sa.Column("draft_id", sa.String(32), nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("column", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("counts", JSON_VALUE, nullable=False),
        sa.Column("covered", JSON_VALUE, nullable=False),
        sa.Column("before", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "row", "column", name="pk_draft_tiles"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_draft_tiles_draft_id", ondelete="CASCADE"),
    )
    op.create_table(
        "draft_posts",
        sa.Column("draft_id", sa.String(32), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("draft_id", "holder", "sequence", name="pk_draft_posts"),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name="fk_draft_posts_draft_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """What was painted and not submitted is lost."""
    op.drop_table("draft_posts")
    op.drop_table("draft_tiles")
    op.drop_table("drafts")
