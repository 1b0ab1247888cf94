"""Version 0.2: the log of published ballots, the journal of decisions, audits."""

from pathlib import Path

from alembic import op

from election.storage.migrations import psycopg_of

revision, down_revision = "v5", "v4"


def upgrade() -> None:
    psycopg_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
