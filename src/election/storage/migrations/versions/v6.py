"""Version 0.2: districts apart from contests, several votes a voter, rankings, outcomes of every electoral system."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v6", "v5"


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
