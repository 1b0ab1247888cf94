"""Version 0.2: digests of the scenario, who may decide, who is elected, quarantine, removal."""

from alembic import op

from election.storage.migrations import run_sql_of

revision, down_revision = "v3", "v2"


def upgrade() -> None:
    run_sql_of(__file__, op.get_bind())
