"""The stored votes, as records of ``election.buckets``."""

from collections.abc import Iterator
from typing import Any, LiteralString

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from election.buckets import records
from election.contracts.ballots import ballot_ids
from election.platform import Connection
from election.reconciliation.contents import Contents, Stored
from election.reconciliation.mark import Mark
from election.storage.ballots import ballot_key
from election.storage.elections import Election

NO_TIME = -(1 << 62)
_COLUMNS: LiteralString = """v.voter_no AS voter, v.position, v.candidate_no AS candidate, v.cast_at,
           w.district_no AS district, w.location_no AS location, w.date_of_birth AS born,
           CASE w.gender WHEN 'female' THEN 0 WHEN 'male' THEN 1 WHEN 'non-binary' THEN 2 ELSE -1 END AS gender"""
# A vote without a voter is compared, too, although a trigger forbids it.
_FROM: LiteralString = """
    FROM votes v LEFT JOIN voters w ON w.election_no = v.election_no AND w.voter_no = v.voter_no
    WHERE v.election_no = current_setting('query.election_no')::int AND v.voter_no IS NOT NULL"""
# Votes are stored before they are published, so some votes that the mark covers were published after it.
_MARGIN = 1_000  # transactions
_SINCE: LiteralString = (
    f"{_FROM} AND age(v.xmin) <= age(current_setting('query.xid')::xid) + current_setting('query.margin')::int"
)
# In an election without rankings, a vote with one is a vote in no contest.
_UNRANKED: LiteralString = f"SELECT {_COLUMNS}, CASE WHEN v.ranking IS NULL THEN v.contest_no END AS contest"
_RANKED: LiteralString = f"SELECT {_COLUMNS}, v.contest_no AS contest, array_to_string(v.ranking, ',', '?') AS ranking"


def stored_records(
    connection: Connection, poll: Election, known: Contents, seen: Mark | None = None
) -> Iterator[NDArray[Any]]:
    """The id, code and time of every stored vote, or of those stored or changed since the mark.

    If the poll was open at the mark, the result includes some votes that were stored just before it.
    """
    from election.storage.columns import columns  # the process that reads the topic does not need Arrow

    ballot_id, coded = ballot_ids(ballot_key(connection, poll.election_no)), Stored(poll, known)
    parameters: dict[str, object] = {"election_no": poll.election_no}
    if seen is not None:
        parameters |= {"xid": seen.xid, "margin": _MARGIN if seen.open else 0}
    query = (_RANKED if known.rankings else _UNRANKED) + (_FROM if seen is None else _SINCE)
    for batch in columns(connection, query, parameters):
        voters = batch.column("voter").to_pylist()
        positions = batch.column("position").fill_null(1).to_numpy(zero_copy_only=False)
        several = (positions > 1).any()
        ids = b"".join(map(ballot_id, voters, positions.tolist()) if several else map(ballot_id, voters))
        yield records(ids, coded.codes(batch), _millis(batch.column("cast_at")))


def _millis(times: pa.Array) -> NDArray[Any]:
    """Milliseconds, rounded as in the messages."""
    micros = times.cast(pa.int64()).fill_null(NO_TIME).to_numpy(zero_copy_only=False)
    return np.where(micros == NO_TIME, NO_TIME, (micros + 500) // 1000)
