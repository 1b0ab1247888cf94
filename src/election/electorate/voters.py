"""Registers the voters of an election, from the source it was registered with."""

from collections.abc import Callable

from election.electorate import generated, randomuser
from election.electorate.places import Roll
from election.platform import Connection, Platform
from election.storage.elections import election

# The number of voters that stand in Postgres is the place where a stopped seeding goes on, so only one may seed.
_LOCK = 4001


def seed_voters(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Stores all voters of the election; returns how many it has then.

    Voters are stored in the order of their numbers and committed in parts, so a seeding that was stopped goes
    on behind the last one; repeated, it stores nothing. Raises StageFailed when the source gives up.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK, poll.election_no])
        connection.commit()
        rolls = rolls_of(connection, poll.election_no)
        stored = last_voter(connection, poll.election_no)
        total = rolls[-1].first_voter_no + rolls[-1].registered - 1
        if stored == total:
            log(f"All {total:,} voters of {slug} are stored already.")
            return total
        if stored:
            log(f"{stored:,} of {total:,} voters of {slug} are stored; going on behind them.")
        if poll.source == "randomuser":
            randomuser.store_voters(connection, platform.settings, poll, rolls, stored, log)
        else:
            generated.store_voters(connection, poll, rolls, stored, log)
        connection.commit()
        return last_voter(connection, poll.election_no)


def rolls_of(connection: Connection, election_no: int) -> list[Roll]:
    """The election's contests in the order of their voters' numbers."""
    return [
        Roll(*contest)
        for contest in connection.execute(
            """SELECT contest_no, name, region, country, first_voter_no, registered FROM contests
               WHERE election_no = %s ORDER BY first_voter_no""",
            [election_no],
        )
    ]


def last_voter(connection: Connection, election_no: int) -> int:
    """The highest voter's number that is stored; 0 when there is none."""
    row = connection.execute(
        "SELECT voter_no FROM voters WHERE election_no = %s ORDER BY voter_no DESC LIMIT 1", [election_no]
    ).fetchone()
    return row[0] if row else 0
