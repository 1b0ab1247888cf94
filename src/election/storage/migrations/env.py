"""What Alembic runs: on the connection that it was given, inside the transaction that is open there."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
