"""Two large sets of ballots compared by an engine, in bounded memory: spilled by buckets, then bucket against bucket.

A record is a ballot's id (16 bytes) and words of content (64 bits each); the id's first byte tells its bucket. Polars
compares a bucket on all cores; memory holds one bucket of both sides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

BUCKETS = 64
ID = ["id0", "id1"]
_FLUSH_BYTES = 64 * 1024


def form(words: int) -> np.dtype[Any]:
    """The form of a record with so many words of content."""
    return np.dtype([(name, "<u8") for name in ID] + [(name, "<i8") for name in content(words)])


def content(words: int) -> list[str]:
    """The names of the words of content."""
    return [f"content{number}" for number in range(words)]


def records(ids: bytes, *words: NDArray[Any]) -> NDArray[Any]:
    """Records of ids (joined bytes, 16 each) and their words of content."""
    made = np.empty(len(words[0]), form(len(words)))
    halves = np.frombuffer(ids, "<u8").reshape(-1, 2)
    made["id0"], made["id1"] = halves[:, 0], halves[:, 1]
    for name, word in zip(content(len(words)), words, strict=True):
        made[name] = word
    return made


def spill(folder: Path, parts: Iterable[NDArray[Any]]) -> list[Path]:
    """Writes records into a file a bucket, in a folder that must not exist yet; returns the files."""
    folder.mkdir()
    files = [folder / str(bucket) for bucket in range(BUCKETS)]
    handles = [file.open("wb", buffering=_FLUSH_BYTES) for file in files]
    try:
        for part in parts:
            bucket = (part["id0"] % BUCKETS).astype(np.uint8)
            order = np.argsort(bucket, kind="stable")
            ordered, ends = part[order], np.bincount(bucket, minlength=BUCKETS).cumsum()
            for handle, end, begin in zip(handles, ends, [0, *ends], strict=False):
                handle.write(ordered[begin:end].data)
    finally:
        for handle in handles:
            handle.close()
    return files


@dataclass(frozen=True)
class Bucket:
    """One bucket of either side, as tables of ``id0``, ``id1`` and the words of content.

    ``ours`` and ``theirs`` are distinct records; ``stored`` counts those of our side however often they are there,
    ``duplicates`` are records of the other side beyond the distinct ones.
    """

    number: int
    stored: int
    duplicates: int
    ours: pl.DataFrame
    theirs: pl.DataFrame

    @cached_property
    def published(self) -> int:
        """Distinct ids on their side."""
        return self.theirs.n_unique(ID) if len(self.theirs) else 0

    @cached_property
    def equal(self) -> bool:
        """Whether both sides have the same records."""
        same = len(self.ours) == len(self.theirs)
        return same and len(self.theirs.join(self.ours, on=self.ours.columns, how="semi")) == len(self.theirs)

    @cached_property
    def missing(self) -> pl.DataFrame:
        """Ids of ours that they do not have."""
        return self._ids(self.ours) if self.equal else self._ids(self.ours.join(self.theirs, on=ID, how="anti"))

    @cached_property
    def unknown(self) -> pl.DataFrame:
        """Ids of theirs that we do not have."""
        return self._ids(self.theirs) if self.equal else self._ids(self.theirs.join(self.ours, on=ID, how="anti"))

    @cached_property
    def altered(self) -> pl.DataFrame:
        """Ids that both have, and they with a content that we do not have."""
        if self.equal:
            return self._ids(self.theirs)
        other = self.theirs.join(self.ours, on=self.ours.columns, how="anti")
        return self._ids(other.join(self.ours, on=ID, how="semi"))

    def _ids(self, found: pl.DataFrame) -> pl.DataFrame:
        return (found.clear() if self.equal else found).select(ID).unique().sort(ID)


def compared(ours: list[Path], theirs: list[Path], words: int) -> Iterator[Bucket]:
    """Bucket after bucket of what ``spill`` wrote, with so many words of content on both sides."""
    for number, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
        stored, published = loaded(mine, words), loaded(yours, words)
        distinct = published.unique()
        yield Bucket(number, len(stored), len(published) - len(distinct), stored.unique(), distinct)


def loaded(file: Path, words: int) -> pl.DataFrame:
    """A file of ``spill`` as a table."""
    found = np.fromfile(file, form(words))
    return pl.DataFrame({name: np.ascontiguousarray(found[name]) for name in found.dtype.names or ()})


def named(ids: pl.DataFrame, most: int | None = None) -> list[str]:
    """The first ids, in hexadecimal."""
    return [row.tobytes().hex() for row in ids.head(len(ids) if most is None else most).to_numpy().astype("<u8")]
