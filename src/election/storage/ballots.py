"""What is needed to write and to check ballots: the election's key, its choices and its places."""

from collections.abc import Iterator

from election.contracts.ballots import AGE_GROUPS, Choice, Place, VoteEncoder, ballot_ids
from election.platform import Connection
from election.storage.elections import Election


def ballot_key(connection: Connection, election_no: int) -> bytes:
    """The election's secret key, 32 bytes; only the app and auditor roles may read it."""
    row = connection.execute("SELECT key FROM ballot_keys WHERE election_no = %s", [election_no]).fetchone()
    if row is None:
        raise LookupError(f"election {election_no} has no ballot key")
    return bytes(row[0])


def choices(connection: Connection, election_no: int) -> list[Choice]:
    """Every candidate of every contest, and for each contest the invalid ballot."""
    candidates = connection.execute(
        """SELECT contest_no, contests.name, candidate_no, btrim(given_name || ' ' || family_name), party_abbreviation
           FROM candidates JOIN contests USING (election_no, contest_no)
           WHERE election_no = %s ORDER BY candidate_no""",
        [election_no],
    ).fetchall()
    contests = connection.execute(
        "SELECT contest_no, name FROM contests WHERE election_no = %s ORDER BY contest_no", [election_no]
    ).fetchall()
    return [Choice(*row) for row in candidates] + [Choice(no, name, None, None, None) for no, name in contests]


def places(connection: Connection, election_no: int) -> list[Place]:
    """The election's locations."""
    rows = connection.execute(
        "SELECT location_no, country, region, city FROM locations WHERE election_no = %s ORDER BY location_no",
        [election_no],
    )
    return [Place(*row) for row in rows]


# Age in whole years on polling day, put into the same groups as contracts.ballots.AGE_GROUPS.
AGE_GROUP_SQL = (
    "(array["
    + ",".join(f"'{name}'" for _, name in AGE_GROUPS)
    + "])[width_bucket(extract(year FROM age(polling_day, date_of_birth))::int, array["
    + ",".join(str(youngest) for youngest, _ in AGE_GROUPS)
    + "])]"
)


def stored_ballots(
    connection: Connection, election_no: int
) -> Iterator[tuple[int, int, int | None, int, int, str, str]]:
    """Every stored ballot in the order of voter numbers, in constant memory.

    Rows are (voter, contest, candidate or None, cast_at in ms, location, gender, age group). The
    connection must not be in autocommit: a server-side cursor reads.
    """
    with connection.cursor(name="stored_ballots") as cursor:
        cursor.itersize = 20_000
        cursor.execute(
            f"""SELECT v.voter_no, v.contest_no, v.candidate_no,
                       (extract(epoch FROM v.cast_at) * 1000)::bigint,
                       w.location_no, w.gender, {AGE_GROUP_SQL}
                FROM votes v JOIN voters w USING (election_no, voter_no) JOIN elections USING (election_no)
                WHERE election_no = %s ORDER BY election_no, v.voter_no""",
            [election_no],
        )
        yield from cursor


def stored_votes(connection: Connection, poll: Election) -> Iterator[tuple[bytes, bytes]]:
    """(ballot id, bytes of the message) of every stored ballot, as it is or should be on ``votes_topic``."""
    no = poll.election_no
    ballot_id = ballot_ids(ballot_key(connection, no))
    vote = VoteEncoder(no, poll.series, choices(connection, no), places(connection, no))
    for voter, contest, candidate, cast_at, location, gender, age_group in stored_ballots(connection, no):
        own = ballot_id(voter)
        yield own, vote(own, contest, candidate, location, gender, age_group, cast_at)
