"""Review: decisions, comments, marks, members, blind assignments, and an audit log that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.store.tables import JSON_VALUE, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQLITE_GUARD = """
CREATE TRIGGER audit_log_no_{verb} BEFORE {verb} ON audit_log {when}
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""

_SQLITE_GUARDED = {
    "update": "",
    "delete": "",
    "insert": "WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)",  # INSERT OR REPLACE deletes without a word
}

_POSTGRESQL_GUARD = (
    "CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only()",
)


def upgrade() -> None:
    """Corrections that are there already wait for review; nobody is a member of anything yet."""
    with op.batch_alter_table("projects", recreate="never") as table:  # recreating would cascade to the images
        table.add_column(sa.Column("approve_own", sa.Boolean, nullable=False, server_default=sa.false()))
    _make_reviews()
    _make_people()
    _make_audit_log()
    op.execute(
        "INSERT INTO reviews (revision_id, state, assignee, created_at, decided_by, reason) "
        "SELECT id, 'submitted', '', COALESCE(completed_at, created_at), '', '' FROM revisions "
        "WHERE kind = 'correction' AND state = 'complete'"
    )


def _make_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("revision_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("assignee", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("superseded_by", sa.String(32)),
        sa.Column("changes", JSON_VALUE),
        sa.Column("effect", JSON_VALUE),
        sa.PrimaryKeyConstraint("revision_id", name="pk_reviews"),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name="fk_reviews_revision_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["superseded_by"], ["revisions.id"], name="fk_reviews_superseded_by", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_reviews_state_created_at", "reviews", ["state", "created_at"])
    op.create_table(
        "review_comments",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("revision_id", sa.String(32), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_comments"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["reviews.revision_id"], name="fk_review_comments_revision_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_review_comments_revision_id_created_at", "review_comments", ["revision_id", "created_at"])
    op.create_table(
        "review_marks",
        sa.Column("revision_id", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("number", "row", "column", "height", "width")),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("resolved_by", sa.String(200), nullable=False),
        sa.Column("resolved_at", UtcDateTime),
        sa.PrimaryKeyConstraint("revision_id", "number", name="pk_review_marks"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["reviews.revision_id"], name="fk_review_marks_revision_id", ondelete="CASCADE"
        ),
    )


def _make_people() -> None:
    op.create_table(
        "members",
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "person", name="pk_members"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_members_project_id", ondelete="CASCADE"),
    )
    op.create_table(
        "annotation_assignments",
        sa.Column("image_id", sa.String(32), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("assigned_by", sa.String(200), nullable=False),
        sa.Column("assigned_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "person", name="pk_annotation_assignments"),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name="fk_annotation_assignments_image_id", ondelete="CASCADE"
        ),
    )


def _make_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("details", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_project_id_id", "audit_log", ["project_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for verb, when in _SQLITE_GUARDED.items():
            op.execute(_SQLITE_GUARD.format(verb=verb, when=when))
    else:
        for statement in _POSTGRESQL_GUARD:
            op.execute(statement)


def downgrade() -> None:
    """Decisions and the audit log are lost."""
    for name in (
        "audit_log", "annotation_assignments", "members", "review_marks", "review_comments", "reviews",
    ):  # fmt: skip
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_is_append_only()")
    with op.batch_alter_table("projects", recreate="never") as table:
        table.drop_column("approve_own")
