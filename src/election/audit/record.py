"""The count's record of each ballot: the entries of the log up to the head that an audit is committed to."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from struct import Struct

import numpy as np
import polars as pl

from election.platform import Connection

# An entry of the log, 34 bytes, as docs/evidence.md describes it; the ballot's id is two numbers of 64 bits.
_ENTRY = np.dtype(
    [("high", ">u8"), ("low", ">u8"), ("contest", ">u4"), ("candidate", ">u4"), ("rest", "V10")],
)
_ID = Struct(">QQ")
Totals = dict[int, dict[int, int]]
"""Ballots by contest and candidate; candidate 0 is the invalid ones."""


def totals(connection: Connection, election_no: int, size: int) -> Totals:
    """The count by the first ``size`` entries; of a ballot that was published more than once, the first entry."""
    counted: Totals = defaultdict(dict)
    every = list(_rounds(connection, election_no, size))
    if every:
        first = pl.concat(every).unique(["high", "low"], keep="first", maintain_order=True)
        for contest, candidate, number in first.group_by("contest", "candidate").len().iter_rows():
            counted[contest][candidate] = number
    return dict(counted)


def records(connection: Connection, election_no: int, size: int, ballots: Collection[bytes]) -> dict[bytes, int]:
    """What the count says of these ballots, by id: a candidate's number, 0 if invalid. Others are left out."""
    found: dict[bytes, int] = {}
    ids = [_ID.unpack(ballot) for ballot in ballots]
    wanted = pl.DataFrame(ids, {"high": pl.UInt64, "low": pl.UInt64}, orient="row")
    for entries in _rounds(connection, election_no, size):
        there = entries.join(wanted, on=["high", "low"], how="semi", maintain_order="left")
        for high, low, _, candidate in there.iter_rows():
            found.setdefault(_ID.pack(high, low), candidate)
    return found


def _rounds(connection: Connection, election_no: int, size: int) -> Iterator[pl.DataFrame]:
    left = size
    with connection.cursor(name="audit_record") as cursor:
        cursor.itersize = 4
        cursor.execute("SELECT entries FROM log_rounds WHERE election_no = %s ORDER BY first_entry", [election_no])
        for (stored,) in cursor:
            entries = np.frombuffer(bytes(stored), _ENTRY)[:left]
            left -= len(entries)
            yield pl.DataFrame(
                {name: entries[name].astype(entries[name].dtype.newbyteorder("=")) for name in _ENTRY.names[:-1]}  # type: ignore[index]
            )
