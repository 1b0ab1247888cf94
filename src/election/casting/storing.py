"""One batch of ballots in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from psycopg import Connection

_NULL = r"\N"  # in COPY's text format


# A hundred thousand a second: a struct is made ten times as fast as a frozen dataclass, and is none of the garbage
# collector's business.
class Ballot(msgspec.Struct, frozen=True, gc=False):
    """A ballot as it was offered, in the record at ``position`` of the batch. ``candidate`` None is an invalid one."""

    position: int
    voter: int
    contest: int
    candidate: int | None
    location: int
    gender: str
    age_group: str


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What is stored for a voter: contest, candidate (None: invalid) and time of casting (ms)."""

    contest: int
    candidate: int | None
    cast_at: int


def prepare(connection: Connection) -> None:
    """Makes the session's temporary table that each batch goes through."""
    connection.execute(
        """CREATE TEMPORARY TABLE batch (voter_no bigint NOT NULL, contest_no int NOT NULL, candidate_no int)
           ON COMMIT DELETE ROWS"""
    )


def send(connection: Connection, ballots: Sequence[Ballot]) -> None:
    """Brings the ballots to the database, as part of the caller's transaction; ``store`` is next."""
    with connection.cursor().copy("COPY batch FROM STDIN") as copy:
        copy.write("".join(f"{b.voter}\t{b.contest}\t{b.candidate or _NULL}\n" for b in ballots))


def store(
    connection: Connection, election_no: int, ballots: Sequence[Ballot], cast_at: int
) -> dict[int, Stored] | None:
    """Stores each of the ballots that were sent whose voter has none, in the same transaction.

    Returns None when every ballot was new, so that what was offered is what is stored; else what is stored
    now for each voter of the batch. ``cast_at`` is in milliseconds.
    """
    when = datetime.fromtimestamp(cast_at / 1000, UTC)
    inserted = connection.execute(
        """INSERT INTO votes (election_no, voter_no, contest_no, candidate_no, cast_at)
           SELECT %s, voter_no, contest_no, candidate_no, %s FROM batch ON CONFLICT DO NOTHING""",
        [election_no, when],
    ).rowcount
    if inserted == len(ballots):
        return None
    rows = connection.execute(
        """SELECT voter_no, v.contest_no, v.candidate_no, (extract(epoch FROM v.cast_at) * 1000)::bigint
           FROM votes v WHERE election_no = %s AND voter_no IN (SELECT voter_no FROM batch)""",
        [election_no],
    ).fetchall()
    return {voter: Stored(contest, candidate, at) for voter, contest, candidate, at in rows}
