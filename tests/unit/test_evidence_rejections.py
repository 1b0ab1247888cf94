"""Rejected records as they were sealed, against those that are there now."""

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256

from election.evidence.rejections import TAKEN_BACK, Digest, differing


def digests(number: int, value: bytes = b"value") -> Iterator[Digest]:
    for offset in range(number):
        yield Digest(0, offset, sha256(b"%d" % offset).digest(), sha256(value).digest())


def test_what_is_gone_or_changed_is_named_in_the_order_of_the_topic():
    sealed = list(digests(6))
    back = sealed[5]._replace(offset=9, value=TAKEN_BACK)
    now = [
        sealed[0],
        sealed[1]._replace(value=bytes([1]) * 32),
        sealed[2]._replace(offset=20),  # a later one under its key
        sealed[4]._replace(offset=1),
    ]
    where = "The rejected record at 0/{} of rejected_topic"
    assert differing([*sealed, back], now) == [
        f"{where.format(1)} has another content than was sealed.",
        f"{where.format(3)} was sealed and is gone.",
        f"{where.format(4)} was sealed and is gone; an older one under its key is there.",
    ]


def test_many_records_are_compared_in_little_memory():
    tracemalloc.start()
    try:
        assert differing(digests(60_000), digests(60_000)) == []
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8_000_000  # 60,000 records as objects have more than 20 MB
