"""Version 0.1: ballots from outside, runs, validations, certification."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v2", "v1"


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
