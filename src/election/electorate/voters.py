"""Registers the voters of an election, from the source it was registered with."""

from collections.abc import Callable

from election.electorate import generated, randomuser
from election.electorate.places import Roll
from election.platform import Connection, Platform
from election.storage.elections import election

# What is stored tells where a stopped seeding goes on, so only one may seed an election.
_LOCK = 4001


def seed_voters(platform: Platform, slug: str, log: Callable[[str], None] = print) -> int:
    """Stores all voters of the election; returns how many are registered.

    Voters are committed in parts, so a seeding that was stopped goes on with the parts that are missing; repeated,
    it stores nothing. Raises StageFailed when the source gives up.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK, poll.election_no])
        connection.commit()
        rolls = rolls_of(connection, poll.election_no)
        if poll.source == "randomuser":
            randomuser.store_voters(connection, platform.settings, poll, rolls, log)
        else:
            generated.store_voters(platform, connection, poll, rolls, log)
        return sum(roll.registered for roll in rolls)


def rolls_of(connection: Connection, election_no: int) -> list[Roll]:
    """The election's districts in the order of their voters' numbers."""
    return [
        Roll(*district)
        for district in connection.execute(
            """SELECT district_no, name, region, country, first_voter_no, registered FROM districts
               WHERE election_no = %s ORDER BY first_voter_no""",
            [election_no],
        )
    ]
