"""The tables of the elections database, by version. Alembic upgrades a database from its version to the newest one.

A version is a module and an SQL file of the same name in ``versions/``; both stay as they are once released. Functions,
triggers, views and rights can be replaced at any time, so they have no versions: see ``storage/*.sql``.
"""

from importlib.resources import files
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from election.errors import StageFailed

# Tables and columns that each version introduced. Databases had no version number before Alembic.
_BROUGHT: dict[str, frozenset[str]] = {
    "v1": frozenset({"elections", "votes", "verdicts"}),
    "v2": frozenset({"runs", "validations.seconds", "certifications", "elections.ballots_to", "verdicts.kind"}),
    "v3": frozenset(
        {"elections.scenario_digest", "candidates.kind", "verdicts.outcome", "deciders", "lots", "removed_elections"}
    ),
    "v4": frozenset({"validations.mark"}),
    "v5": frozenset({"log_rounds", "journal", "audits"}),
    "v6": frozenset({"districts", "papers", "votes.position", "certified_outcomes", "certified_district_results"}),
}
_RESTORE = "Restore a backup that `docker/backup` or a copy of var/ made with a released version, or `make clean`."


def upgrade(owner: Connection) -> None:
    """Upgrades the tables to the newest version, in the owner's transaction; does nothing if they have it.

    Raises StageFailed for a database of a newer version, or between two versions.
    """
    config = Config()
    config.set_main_option("script_location", str(files(__name__)))
    config.attributes["connection"] = owner
    try:
        version = _without_number(owner)
        if version:
            command.stamp(config, version)
        command.upgrade(config, "head")
    except CommandError as error:
        raise StageFailed(
            f"The tables of the elections database have a version that this project does not know: {error}. "
            f"Upgrade the project. {_RESTORE}"
        ) from error


def psycopg_of(connection: Connection) -> psycopg.Connection:
    """The psycopg connection inside SQLAlchemy's, which can run a script of several statements."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def run_sql_of(version: str, connection: Connection) -> None:
    """Runs the SQL file beside a version's module, whose ``__file__`` is given."""
    psycopg_of(connection).execute(Path(version).with_suffix(".sql").read_bytes())


def _without_number(owner: Connection) -> str | None:
    """The version of tables that have no version number yet; None if they have one, or if there are no tables."""
    found = {
        name
        for (name,) in owner.execute(
            text(
                """SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
                   UNION SELECT table_name || '.' || column_name FROM information_schema.columns
                         WHERE table_schema = 'public'"""
            )
        )
    }
    if "alembic_version" in found or "elections" not in found:
        return None
    whole = [version for version, brought in _BROUGHT.items() if brought <= found]
    begun = [version for version, brought in _BROUGHT.items() if brought & found]
    if whole != begun:
        missing = _BROUGHT[begun[-1]] - found
        raise StageFailed(
            f"The tables of the elections database are between two versions: {', '.join(sorted(missing))} of "
            f"{begun[-1]} are not there. {_RESTORE}"
        )
    return whole[-1]
