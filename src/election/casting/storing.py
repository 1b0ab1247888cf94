"""Stores one batch of ballots in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import LiteralString

import msgspec
from psycopg import Connection, Cursor, Pipeline
from psycopg.errors import UniqueViolation

_NULL = r"\N"  # in COPY's text format


# Workers make 100,000 per second. A struct is ten times as fast as a frozen dataclass; the garbage collector skips it.
class Ballot(msgspec.Struct, frozen=True, gc=False):
    """An offered ballot, from the record at ``position`` in the batch. ``candidate`` is None on an invalid ballot."""

    position: int
    voter: int
    contest: int
    candidate: int | None
    location: int
    gender: str
    age_group: str


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A voter's stored ballot: contest, candidate (None: invalid) and time of casting (ms)."""

    contest: int
    candidate: int | None
    cast_at: int


def prepare(connection: Connection) -> None:
    """Creates the session's temporary table, which takes each batch."""
    connection.execute(
        """CREATE TEMPORARY TABLE batch (voter_no bigint NOT NULL, contest_no int NOT NULL, candidate_no int)
           ON COMMIT DELETE ROWS"""
    )


def send(connection: Connection, ballots: Sequence[Ballot]) -> None:
    """Copies the ballots to the temporary table, in the caller's transaction; ``Storing`` is next.

    They are sorted by voter, so that two workers with the same voters cannot deadlock. A voter's ballots keep their
    order.
    """
    with connection.cursor().copy("COPY batch FROM STDIN") as copy:
        by_voter = sorted(ballots, key=attrgetter("voter"))
        copy.write("".join(f"{b.voter}\t{b.contest}\t{b.candidate or _NULL}\n" for b in by_voter))


_INSERT: LiteralString = """INSERT INTO votes (election_no, voter_no, contest_no, candidate_no, cast_at)
    SELECT %s, voter_no, contest_no, candidate_no, %s FROM batch"""


class Storing:
    """Stores each sent ballot whose voter has no ballot yet, in the same transaction.

    Postgres works on them until ``stored`` waits for the result: a pipeline sends statements without waiting.

    Nearly always all ballots are new. Then a plain INSERT costs Postgres an eighth less than ON CONFLICT, which first
    looks each voter up. If a ballot is not new after all, Postgres logs an error and rolls the INSERT back. Therefore
    the caller guesses ``all_new``: a repeated batch comes first, or after another repeated batch.
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
        """None if every ballot was new, so that all are stored as offered; otherwise each voter's stored ballot."""
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
