"""Reads what is needed to write and check ballots: the election's key, choices, places and stored votes."""

from collections.abc import Iterator

from psycopg.rows import class_row

from election.contracts.ages import AGE_GROUP_SQL
from election.contracts.ballots import Choice, Place, VoteEncoder, ballot_ids
from election.platform import Connection
from election.storage.elections import Election


def ballot_key(connection: Connection, election_no: int) -> bytes:
    """The election's secret key, 32 bytes; only the roles app, auditor and box may read it."""
    row = connection.execute("SELECT key FROM ballot_keys WHERE election_no = %s", [election_no]).fetchone()
    if row is None:
        raise LookupError(f"election {election_no} has no ballot key")
    return bytes(row[0])


def choices(connection: Connection, election_no: int) -> list[Choice]:
    """Every candidate of every contest, and the invalid vote of each contest."""
    with connection.cursor(row_factory=class_row(Choice)) as cursor:
        return cursor.execute(
            """SELECT contest_no AS contest, contests.name AS contest_name, candidate_no AS candidate,
                      btrim(given_name || ' ' || family_name) AS candidate_name, party_abbreviation AS party
               FROM contests JOIN candidates USING (election_no, contest_no) WHERE election_no = %(no)s
               UNION ALL
               SELECT contest_no, name, NULL, NULL, NULL FROM contests WHERE election_no = %(no)s
               ORDER BY candidate, contest""",
            {"no": election_no},
        ).fetchall()


def places(connection: Connection, election_no: int) -> list[Place]:
    """The election's locations."""
    with connection.cursor(row_factory=class_row(Place)) as cursor:
        return cursor.execute(
            """SELECT location_no AS location, country, region, city FROM locations
               WHERE election_no = %s ORDER BY location_no""",
            [election_no],
        ).fetchall()


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
    """(ballot id, bytes of the message) of every stored ballot, as it must be on ``votes_topic``."""
    no = poll.election_no
    ballot_id = ballot_ids(ballot_key(connection, no))
    vote = VoteEncoder(no, poll.series, choices(connection, no), places(connection, no))
    for voter, contest, candidate, cast_at, location, gender, age_group in stored_ballots(connection, no):
        own = ballot_id(voter)
        yield own, vote(own, contest, candidate, location, gender, age_group, cast_at)
