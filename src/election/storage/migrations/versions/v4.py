"""Version 0.2: how far a scheduled look at the data came."""

from pathlib import Path

from alembic import op

from election.storage.migrations import psycopg_of

revision, down_revision = "v4", "v3"


def upgrade() -> None:
    psycopg_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
