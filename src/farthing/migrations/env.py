"""Alembic's entry: runs the steps over the connection that it is handed."""

from alembic import context

from farthing.kernel.columns import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
