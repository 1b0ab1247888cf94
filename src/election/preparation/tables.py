"""Creates the tables, views and grants of the elections database."""

from importlib.resources import files

from election.platform import Platform
from election.storage.deciders import deciders, set_deciders

# Any number will do, as long as it is this one everywhere: two runs may prepare at the same time.
_LOCK = 20191212
_PARTS = ("schema", "certification", "outcome", "quarantine", "removal", "evidence")


def create_tables(platform: Platform) -> None:
    """Brings the schema up as its owner; running it again changes nothing.

    A new database learns who may decide from the setting; later `election up` alone changes that, because the
    environment of a task may be older than the setting.
    """
    schema = [files("election.storage").joinpath(f"{name}.sql").read_bytes() for name in _PARTS]
    with platform.connect("owner") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for part in schema:
            connection.execute(part)
        if not deciders(connection):
            set_deciders(connection, platform.settings.certifier_names)
