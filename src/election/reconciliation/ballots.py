"""Compares the ballots on ``votes_topic`` with those stored, one by one, in bounded memory.

Offsets prove nothing, and sums hide two errors that cancel each other out; this comparison names each ballot. It is the
only comparison of ballots: verdicts, gates, scheduled validations and recounts use its findings (decision 33).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from election.buckets import ID, Bucket, compared, named, spill
from election.contracts import topics
from election.messaging.reading import bounds, topic_id
from election.platform import Connection, Platform
from election.reconciliation.contents import ODD, UNHEARD, Claim, Contents, contents
from election.reconciliation.mark import Mark, Since
from election.reconciliation.reading import Job, Reading
from election.reconciliation.stored import stored_records
from election.reconciliation.sums import Sums
from election.storage.elections import Election, read_whole_elections
from election.storage.expected import Summed
from election.storage.quarantine import quarantined

_NAMED = 20  # of each kind
_NAMED_OF_A_BUCKET = 1_000
_WORDS = 2
Tally = dict[tuple[int, int, int], int]
"""Ballots by district, contest and candidate number; candidate 0 stands for the invalid ones."""


@dataclass(frozen=True)
class Comparison:
    """The first ballot ids of each kind, in hexadecimal; ``differing`` is the number of all that differ.

    ``published`` and ``stored`` are distinct ballots, ``duplicates`` repeated messages. ``quarantined`` messages were
    left out by a person's decision. ``claimed`` counts distinct published ballots by district, contest and candidate.
    ``summed`` has sums of the stored ballots; None if Postgres must compute them.
    """

    stored: int
    published: int
    duplicates: int
    missing: tuple[str, ...]
    forged: tuple[str, ...]
    altered: tuple[str, ...]
    differing: int
    quarantined: int = 0
    claimed: Tally | None = None
    summed: Summed | None = None


def compare_ballots(
    platform: Platform, connection: Connection, poll: Election, *, ever: bool = False, tally: bool = False
) -> Comparison:
    """Compares every ballot of the election on the topic with every stored ballot.

    ``ever`` reads the topic from its beginning, because a ballot can be forged before the election is registered. With
    ``tally`` the distinct ballots on the topic are counted.
    """
    stored = published = duplicates = differing = 0
    kinds: tuple[list[str], list[str], list[str]] = ([], [], [])
    counted = Counter[tuple[int, int, int]]()
    with _both(platform, connection, poll, ever=ever) as sides:
        for bucket in sides.buckets():
            stored += bucket.stored
            published += bucket.published
            duplicates += bucket.duplicates
            for found, ids in zip((bucket.missing, bucket.unknown, bucket.altered), kinds, strict=True):
                differing += len(found)
                ids.extend(named(found, _NAMED - len(ids)))
            if tally:
                counted.update(sides.tally(bucket))
        missing, forged, altered = map(tuple, kinds)
        return Comparison(
            stored, published, duplicates, missing, forged, altered, differing, sides.quarantined,
            dict(counted) if tally else None, sides.summed,
        )  # fmt: skip


class Row(NamedTuple):
    """A bucket (kind ``bucket``) with the hashes of its stored and published ballots; or one ballot, without hashes.

    A ballot is ``missing`` from the topic, ``unknown`` to the table, or ``altered``: published with another choice.
    """

    key: str
    kind: str
    stored: str | None = None
    published: str | None = None

    @property
    def agrees(self) -> bool:
        return self.kind == "bucket" and self.stored == self.published


def ballot_rows(platform: Platform, poll: Election, changed: Since | None = None) -> list[Row]:
    """The same comparison as a table: every bucket, and up to 1,000 ballots of each kind and bucket.

    The topic's end is read before the votes. A ballot is stored before it is published, so even in an open poll no
    correct ballot is unknown. With ``changed``, only new rows and messages are compared, in this process alone. If they
    differ, everything is compared: a ballot that was published again, for example, was stored long before.
    """
    with platform.connect("auditor") as connection:
        read_whole_elections(connection)
        if changed is not None and not changed.changed - {"votes"}:
            with _both(platform, connection, poll, seen=changed.mark) as sides:
                rows = _rows(sides)
            if all(row.kind in ("bucket", "missing") if changed.mark.open else row.agrees for row in rows):
                return rows
        with _both(platform, connection, poll, aside=changed is None) as sides:
            return _rows(sides)


def _rows(sides: "_Sides") -> list[Row]:
    rows: list[Row] = []
    for bucket in sides.buckets():
        ours, theirs = (sides.choices(side) for side in (bucket.ours, bucket.theirs))
        hashed = _hash(ours)
        told = hashed if bucket.equal else _hash(theirs)
        stored, published = f"{bucket.stored} ballots, hash {hashed}", f"{bucket.published} ballots, hash {told}"
        rows.append(Row(f"bucket {bucket.number}", "bucket", stored, published))
        other = theirs.clear() if bucket.equal else theirs.join(ours, on=theirs.columns, how="anti")
        altered = other.join(ours, on=ID, how="semi").select(ID).unique().sort(ID)
        for kind, found in (("missing", bucket.missing), ("unknown", bucket.unknown), ("altered", altered)):
            rows += [Row(f"ballot {own}", kind) for own in named(found, _NAMED_OF_A_BUCKET)]
    return rows


@dataclass(frozen=True)
class _Sides:
    """Both sides, spilled by buckets."""

    known: Contents
    claims: list[Claim]
    ours: list[Path]
    theirs: list[Path]
    quarantined: int
    summed: Summed | None

    def buckets(self) -> Iterator[Bucket]:
        return compared(self.ours, self.theirs, _WORDS)

    def choices(self, side: pl.DataFrame) -> pl.DataFrame:
        """Distinct ids with their choice: a position in ``Contents.claims``, or a negative code."""
        return side.select(ID).with_columns(choice=pl.Series(self._choice(side["content0"].to_numpy()))).unique()

    def tally(self, bucket: Bucket) -> Tally:
        """The numbers of distinct ballots on the topic, by district, contest and candidate."""
        made = Counter[tuple[int, int, int]]()
        for choice, number in self.choices(bucket.theirs).group_by("choice").len().iter_rows():
            claim = self.known.claims[choice] if choice >= 0 else self.claims[ODD - choice]
            if claim.contest:  # 0: the message could not be read
                made[claim.district, claim.contest, claim.candidate] += number
        return made

    def _choice(self, codes: NDArray[Any]) -> NDArray[Any]:
        # An odd message may claim a choice of the election, although its other fields are wrong.
        known = list(map(self.known.choice, self.claims))
        odd = np.array([ODD - at if own is None else own for at, own in enumerate(known)] or [0], np.int64)
        unheard = codes < ODD - len(known)
        at = np.where((codes < 0) & ~unheard, ODD - codes, 0)
        return np.where(codes >= 0, self.known.choice_of(codes), np.where(unheard, UNHEARD, odd[at]))


@contextmanager
def _both(
    platform: Platform,
    connection: Connection,
    poll: Election,
    *,
    ever: bool = False,
    seen: Mark | None = None,
    aside: bool = True,
) -> Iterator[_Sides]:
    """``seen``: compare only what is newer. ``aside``: read many messages in a separate process."""
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    begin = {} if ever else {int(partition): offset for partition, offset in poll.votes_from.items()}
    begin = begin if seen is None else seen.end(topics.VOTES)
    first, end = bounds(platform.kafka, topics.VOTES, committed=True)
    begin = {partition: max(begin.get(partition, 0), offset) for partition, offset in first.items()}
    left_out = quarantined(connection, topic_id(platform.kafka, topics.VOTES), poll.election_no)
    known = contents(connection, poll)
    with TemporaryDirectory(dir=scratch, prefix="reconcile-") as folder:
        theirs = Path(folder) / "published"
        job = Job(dict(platform.kafka), known, begin, end, left_out, theirs)
        with Reading(job, aside=aside and seen is None) as reading:
            sums = Sums(known)
            ours = spill(Path(folder) / "stored", sums.passing(stored_records(connection, poll, known, seen)))
            claims = reading.claims()
        yield _Sides(
            known, claims, ours, [theirs / file.name for file in ours], sum(map(len, left_out.values())), sums.summed()
        )


def _hash(choices: pl.DataFrame) -> str:
    in_order, hashed = choices.sort(choices.columns), blake2b(digest_size=8)
    for name in choices.columns:  # one by one: together they would become floating-point numbers
        hashed.update(in_order[name].to_numpy().tobytes())
    return hashed.hexdigest()
