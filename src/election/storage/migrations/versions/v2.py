"""Version 0.1: ballots from outside, runs, validations, certification."""

from pathlib import Path

from alembic import op

from election.storage.migrations import psycopg_of

revision, down_revision = "v2", "v1"


def upgrade() -> None:
    psycopg_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
