"""The tables of the first version."""

from pathlib import Path

from alembic import op

from election.storage.migrations import psycopg_of

revision, down_revision = "v1", None


def upgrade() -> None:
    psycopg_of(op.get_bind()).execute(Path(__file__).with_suffix(".sql").read_bytes())
