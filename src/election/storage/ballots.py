"""Reads what is needed to write and check ballots: the election's key, choices, places and stored votes."""

from collections.abc import Iterator
from typing import NamedTuple

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
    """Every candidate on every ballot paper, and the invalid vote in each contest on it."""
    with connection.cursor(row_factory=class_row(Choice)) as cursor:
        return cursor.execute(
            """SELECT contest_no AS contest, contests.name AS contest_name, candidate_no AS candidate,
                      btrim(given_name || ' ' || family_name) AS candidate_name, party_abbreviation AS party,
                      district_no AS district, position
               FROM papers JOIN contests USING (election_no, contest_no)
               JOIN candidates USING (election_no, contest_no) WHERE election_no = %(no)s
               UNION ALL
               SELECT contest_no, name, NULL, NULL, NULL, district_no, position
               FROM papers JOIN contests USING (election_no, contest_no) WHERE election_no = %(no)s
               ORDER BY candidate, contest, district""",
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


def stored_rankings(connection: Connection, election_no: int) -> list[tuple[int, str]]:
    """Every stored ranking, as in "3,1,2", with each district whose voters ranked so.

    Reads the votes only if a contest is decided by rankings.
    A null in a ranking, which nothing may store, becomes a question mark.
    """
    return connection.execute(
        """SELECT DISTINCT district_no, array_to_string(ranking, ',', '?')
           FROM votes JOIN voters USING (election_no, voter_no)
           WHERE election_no = %(no)s AND ranking IS NOT NULL
               AND EXISTS (SELECT FROM contests WHERE election_no = %(no)s AND kind = 'ranking')""",
        {"no": election_no},
    ).fetchall()


class StoredVote(NamedTuple):
    """A stored vote with the fields of its voter that its message carries; ``cast_at`` in ms."""

    voter: int
    position: int
    district: int
    contest: int
    candidate: int | None
    ranking: tuple[int, ...] | None
    cast_at: int
    location: int
    gender: str
    age_group: str


def stored_ballots(connection: Connection, election_no: int) -> Iterator[StoredVote]:
    """Every stored vote in the order of voter numbers and positions, in constant memory.

    The connection must not be in autocommit: a server-side cursor reads.
    """
    with connection.cursor(name="stored_ballots") as cursor:
        cursor.itersize = 20_000
        cursor.execute(
            f"""SELECT v.voter_no, v.position, w.district_no, v.contest_no, v.candidate_no, v.ranking,
                       (extract(epoch FROM v.cast_at) * 1000)::bigint,
                       w.location_no, w.gender, {AGE_GROUP_SQL}
                FROM votes v JOIN voters w USING (election_no, voter_no) JOIN elections USING (election_no)
                WHERE election_no = %s ORDER BY election_no, v.voter_no, v.position""",
            [election_no],
        )
        for row in cursor:
            vote = StoredVote(*row)
            yield vote if vote.ranking is None else vote._replace(ranking=tuple(vote.ranking))


def stored_votes(connection: Connection, poll: Election) -> Iterator[tuple[bytes, bytes]]:
    """(ballot id, bytes of the message) of every stored vote, as it must be on ``votes_topic``."""
    no = poll.election_no
    ballot_id = ballot_ids(ballot_key(connection, no))
    encode = VoteEncoder(no, poll.series, choices(connection, no), places(connection, no))
    for vote in stored_ballots(connection, no):
        own = ballot_id(vote.voter, vote.position)
        yield (
            own,
            encode(
                own,
                vote.district,
                vote.contest,
                vote.candidate,
                vote.ranking,
                vote.location,
                vote.gender,
                vote.age_group,
                vote.cast_at,
            ),
        )
