"""One batch of ballots in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import LiteralString

import msgspec
from psycopg import Connection, Cursor, Pipeline
from psycopg.errors import UniqueViolation

_NULL = r"\N"  # in COPY's text format


# A hundred thousand a second: a struct is ten times as fast as a frozen dataclass, and the garbage collector skips it.
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
    """Brings the ballots to the database, as part of the caller's transaction; ``Storing`` is next.

    By voter, so that two workers that are offered the same voters never wait for each other; of one voter's the first
    stays the first.
    """
    with connection.cursor().copy("COPY batch FROM STDIN") as copy:
        by_voter = sorted(ballots, key=attrgetter("voter"))
        copy.write("".join(f"{b.voter}\t{b.contest}\t{b.candidate or _NULL}\n" for b in by_voter))


_INSERT: LiteralString = """INSERT INTO votes (election_no, voter_no, contest_no, candidate_no, cast_at)
    SELECT %s, voter_no, contest_no, candidate_no, %s FROM batch"""


class Storing:
    """Has Postgres store each of the ballots that were sent whose voter has none, in the same transaction.

    It is at work on them until ``stored`` asks for the end. In a pipeline what is executed is sent, and not waited for.

    Nearly always all of them are new, and a plain INSERT costs Postgres an eighth less than ON CONFLICT, which looks
    each voter up beforehand. Where one is not new after all, Postgres notes an error in its log and takes the INSERT
    back; therefore ``all_new`` is the caller's guess: a batch that is offered again comes first or after another.
    """

    def __init__(
        self,
        connection: Connection,
        pipeline: Pipeline,
        election_no: int,
        ballots: Sequence[Ballot],
        cast_at: int,
        *,
        all_new: bool,
    ) -> None:
        """``cast_at`` is in milliseconds."""
        self._connection, self._pipeline = connection, pipeline
        self._election_no, self._number = election_no, len(ballots)
        self._values = [election_no, datetime.fromtimestamp(cast_at / 1000, UTC)]
        if all_new:
            connection.execute("SAVEPOINT sent")
            self._inserted = connection.execute(_INSERT, self._values)
        else:
            self._inserted = self._insert_new()

    def stored(self) -> dict[int, Stored] | None:
        """None when every ballot was new, so that what was offered is what is stored; else what is stored now for each
        voter of the batch."""
        try:
            self._pipeline.sync()
        except UniqueViolation:
            self._connection.execute("ROLLBACK TO SAVEPOINT sent")
            self._inserted = self._insert_new()
            self._pipeline.sync()
        if self._inserted.rowcount == self._number:
            return None
        rows = self._connection.execute(
            """SELECT voter_no, v.contest_no, v.candidate_no, (extract(epoch FROM v.cast_at) * 1000)::bigint
               FROM votes v WHERE election_no = %s AND voter_no IN (SELECT voter_no FROM batch)""",
            [self._election_no],
        ).fetchall()
        return {voter: Stored(contest, candidate, at) for voter, contest, candidate, at in rows}

    def _insert_new(self) -> Cursor:
        return self._connection.execute(_INSERT + " ON CONFLICT DO NOTHING", self._values)
