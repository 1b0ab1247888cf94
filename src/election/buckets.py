"""Two large sets of ballots compared in constant memory: spilled into buckets on disk, then bucket against bucket.

A ballot is reduced to a pair, its id (16 bytes) and a digest of what is said of it (8 bytes); the id's first byte tells
its bucket. Memory holds one bucket of both sides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 64
_FLUSH_BYTES = 256 * 1024
PAIR = np.dtype([("id", "V16"), ("digest", "V8")])
Pair = tuple[bytes, bytes]


@dataclass(frozen=True)
class Bucket:
    """What one bucket holds on either side, in distinct ballots; ``duplicates`` are pairs offered more than once.

    Hashes (hexadecimal) are of all its distinct pairs; ``missing`` (not published), ``unknown`` (not stored) and
    ``altered`` (published with another digest) are arrays of ids.
    """

    number: int
    stored: int
    published: int
    duplicates: int
    stored_hash: str
    published_hash: str
    missing: NDArray[Any]
    unknown: NDArray[Any]
    altered: NDArray[Any]


def spill(folder: Path, pairs: Iterable[Pair]) -> list[Path]:
    """Writes the pairs into a file a bucket, in a folder that must not exist yet; returns the files."""
    folder.mkdir()
    files = [folder / str(bucket) for bucket in range(BUCKETS)]
    handles = [file.open("wb", buffering=_FLUSH_BYTES) for file in files]
    writes = [handle.write for handle in handles]
    try:
        for own, digest in pairs:
            writes[own[0] % BUCKETS](own + digest)
    finally:
        for handle in handles:
            handle.close()
    return files


def compared(stored: list[Path], published: list[Path]) -> Iterator[Bucket]:
    """Bucket after bucket of what ``spill`` wrote."""
    for number, (mine, yours) in enumerate(zip(stored, published, strict=True)):
        database, offered = np.fromfile(mine, PAIR), np.fromfile(yours, PAIR)
        ours, topic = _distinct(database), _distinct(offered)
        ids = np.unique(topic["id"])
        unknown = np.setdiff1d(ids, database["id"])
        other = np.setdiff1d(topic.view("V24"), ours.view("V24")).view(PAIR)["id"]
        yield Bucket(
            number=number,
            stored=len(database),
            published=len(ids),
            duplicates=len(offered) - len(topic),
            stored_hash=_hash(ours),
            published_hash=_hash(topic),
            missing=np.setdiff1d(database["id"], ids),
            unknown=unknown,
            altered=np.setdiff1d(other, unknown),
        )


def _distinct(pairs: NDArray[Any]) -> NDArray[Any]:
    return np.unique(pairs.view("V24")).view(PAIR)


def _hash(pairs: NDArray[Any]) -> str:
    return blake2b(pairs.tobytes(), digest_size=8).hexdigest()
