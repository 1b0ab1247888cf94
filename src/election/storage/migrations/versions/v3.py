"""Version 0.2: digests of the scenario, who may decide, who is elected, quarantine, removal."""

from pathlib import Path

from alembic import op

from election.storage.migrations import psycopg_of

revision, down_revision = "v3", "v2"


def upgrade() -> None:
    psycopg_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
