"""Version 0.2: how far a scheduled look at the data came."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v4", "v3"


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
