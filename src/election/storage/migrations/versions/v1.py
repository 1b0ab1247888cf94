"""The tables of the first version."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v1", None


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
