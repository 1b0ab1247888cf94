"""Version 0.2: the log of published ballots, the journal of decisions, audits."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v5", "v4"


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
