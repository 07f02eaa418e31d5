"""Alembic's entry: migrates over the connection that `core.store.database` hands over."""

from __future__ import annotations

from alembic import context

from core.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
