"""Creates the tables, views and grants of the elections database."""

from importlib.resources import files

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from election.platform import Platform
from election.storage.deciders import deciders, set_deciders
from election.storage.migrations import psycopg_of, upgrade

# Any number will do, as long as it is this one everywhere: two runs may prepare at the same time.
_LOCK = 20191212
_PARTS = (
    "views",
    "votes",
    "certification",
    "certified_districts",
    "outcome",
    "quarantine",
    "removal",
    "evidence",
    "journal",
    "audit",
    "metrics",
)


def create_tables(platform: Platform) -> None:
    """Brings the tables to the newest version, then puts functions, triggers, views and rights in place, as the owner.

    Running it again changes nothing. Raises StageFailed if the tables have no known version.

    A new database learns who may decide from the setting; later `election up` alone changes that, because the
    environment of a task may be older than the setting.
    """
    rules = [files("election.storage").joinpath(f"{name}.sql").read_bytes() for name in _PARTS]
    engine = create_engine("postgresql+psycopg://", creator=lambda: platform.connect("owner"), poolclass=NullPool)
    with engine.begin() as connection:
        owner = psycopg_of(connection)
        owner.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        upgrade(connection)
        for part in rules:
            owner.execute(part)
        if not deciders(owner):
            set_deciders(owner, platform.settings.certifier_names)
