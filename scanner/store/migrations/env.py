"""Run the steps on the one connection that the store already holds."""

from alembic import context

from scanner.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
