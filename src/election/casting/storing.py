"""Stores the votes of one batch of ballots in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import LiteralString

import msgspec
from psycopg import Connection, Cursor, Pipeline
from psycopg.errors import UniqueViolation

_NULL = r"\N"  # in COPY's text format


# Workers make 100,000 per second. A struct is ten times as fast as a frozen dataclass; the garbage collector skips it.
class Vote(msgspec.Struct, frozen=True, gc=False):
    """A vote on an offered ballot. ``record`` is the place of the ballot's record in the batch.

    ``position`` is the vote's on the ballot paper. ``candidate`` is None on an invalid vote, and the first preference
    of a ``ranking``.
    """

    record: int
    voter: int
    district: int
    position: int
    contest: int
    candidate: int | None
    ranking: tuple[int, ...] | None
    location: int
    gender: str
    age_group: str


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A stored vote: contest, candidate (None: invalid), ranking and time of casting (ms)."""

    contest: int
    candidate: int | None
    ranking: tuple[int, ...] | None
    cast_at: int

    def same(self, vote: Vote) -> bool:
        """Whether the vote was stored as it was offered."""
        return (self.contest, self.candidate, self.ranking) == (vote.contest, vote.candidate, vote.ranking)


def prepare(connection: Connection) -> None:
    """Creates the session's temporary table, which takes each batch."""
    connection.execute(
        """CREATE TEMPORARY TABLE batch (
               voter_no bigint NOT NULL, position smallint NOT NULL, contest_no int NOT NULL, candidate_no int,
               ranking int[]
           ) ON COMMIT DELETE ROWS"""
    )


def send(connection: Connection, votes: Sequence[Vote]) -> None:
    """Copies the votes to the temporary table, in the caller's transaction; ``Storing`` is next.

    They are sorted by voter, so that two workers with the same voters cannot deadlock. A voter's votes keep their
    order.
    """
    with connection.cursor().copy("COPY batch FROM STDIN") as copy:
        by_voter = sorted(votes, key=attrgetter("voter"))
        copy.write(
            "".join(
                f"{v.voter}\t{v.position}\t{v.contest}\t{v.candidate or _NULL}\t{_array(v.ranking)}\n" for v in by_voter
            )
        )


def _array(ranking: tuple[int, ...] | None) -> str:
    return f"{{{','.join(map(str, ranking))}}}" if ranking else _NULL


_INSERT: LiteralString = """
    INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, ranking, cast_at)
    SELECT %s, voter_no, position, contest_no, candidate_no, ranking, %s FROM batch"""


class Storing:
    """Stores each sent vote whose voter has none at that position yet, in the same transaction.

    Postgres works on them until ``stored`` waits for the result: a pipeline sends statements without waiting.

    Nearly always all votes are new. Then a plain INSERT costs Postgres an eighth less than ON CONFLICT, which first
    looks each voter up. If a vote is not new after all, Postgres logs an error and rolls the INSERT back. Therefore
    the caller guesses ``all_new``: a repeated batch comes first, or after another repeated batch.
    """

    def __init__(
        self,
        connection: Connection,
        pipeline: Pipeline,
        election_no: int,
        votes: Sequence[Vote],
        cast_at: int,
        *,
        all_new: bool,
    ) -> None:
        """``cast_at`` is in milliseconds."""
        self._connection, self._pipeline = connection, pipeline
        self._election_no, self._number = election_no, len(votes)
        self._values = [election_no, datetime.fromtimestamp(cast_at / 1000, UTC)]
        if all_new:
            connection.execute("SAVEPOINT sent")
            self._inserted = connection.execute(_INSERT, self._values)
        else:
            self._inserted = self._insert_new()

    def stored(self) -> dict[tuple[int, int], Stored] | None:
        """None if every vote was new, so that all are stored as offered; otherwise the voters' stored votes.

        The keys are voter and position.
        """
        try:
            self._pipeline.sync()
        except UniqueViolation:
            self._connection.execute("ROLLBACK TO SAVEPOINT sent")
            self._inserted = self._insert_new()
            self._pipeline.sync()
        if self._inserted.rowcount == self._number:
            return None
        rows = self._connection.execute(
            """SELECT voter_no, position, v.contest_no, v.candidate_no, v.ranking,
                      (extract(epoch FROM v.cast_at) * 1000)::bigint
               FROM votes v WHERE election_no = %s AND voter_no IN (SELECT voter_no FROM batch)""",
            [self._election_no],
        ).fetchall()
        return {
            (voter, position): Stored(contest, candidate, tuple(ranking) if ranking else None, at)
            for voter, position, contest, candidate, ranking, at in rows
        }

    def _insert_new(self) -> Cursor:
        return self._connection.execute(_INSERT + " ON CONFLICT DO NOTHING", self._values)
