"""Creates the tables, views and grants of the elections database."""

from importlib.resources import files

from election.platform import Platform

# Any number will do, as long as it is this one everywhere: two runs may prepare at the same time.
_LOCK = 20191212


def create_tables(platform: Platform) -> None:
    """Brings the schema up as its owner; running it again changes nothing."""
    schema = [files("election.storage").joinpath(name).read_bytes() for name in ("schema.sql", "certification.sql")]
    with platform.connect("owner") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for part in schema:
            connection.execute(part)
