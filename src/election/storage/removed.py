"""The ``removed_elections`` table: numbers of removed elections, whose ballots may still be on a topic."""

from election.platform import Connection


def removed_elections(connection: Connection) -> list[int]:
    """The numbers of removed elections. Empty if the tables are older."""
    if connection.execute("SELECT to_regclass('removed_elections')").fetchone() == (None,):
        return []
    return [number for (number,) in connection.execute("SELECT election_no FROM removed_elections ORDER BY 1")]
