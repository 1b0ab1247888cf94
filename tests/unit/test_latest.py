"""Of a topic with many records of a key, the latest are found with few keys in memory at once."""

import pytest

from election.messaging import latest
from election.messaging.latest import Latest
from tests.records import Record

# Compaction left a gap at 12; `b` was taken back, `c` was taken back and came again.
RECORDS = [
    Record(b"1", (0, 10), b"a"),
    Record(b"1", (0, 11), b"b"),
    Record(b"2", (0, 13), b"a"),
    Record(b"1", (0, 14), b"c"),
    Record(None, (0, 15), b"b"),
    Record(None, (0, 16), b"c"),
    Record(b"2", (0, 17), b"c"),
    Record(b"1", (1, 0), b"d"),
]


@pytest.mark.parametrize("keys", [1, 3, 100])
def test_the_latest_record_of_each_key_is_found_however_few_keys_are_held(keys: int) -> None:
    found = Latest(lambda: RECORDS, {0: 10, 1: 0}, {0: 18, 1: 1}, keys)
    assert [record.place for record in RECORDS if record in found] == [(0, 13), (0, 17), (1, 0)]


def test_no_more_keys_are_held_than_asked_for_on_average(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    class Counted(Latest):
        def _place(self, partition: int | None, offset: int | None) -> tuple[int, int]:
            held[-1] += 1
            return super()._place(partition, offset)

    def read() -> list[Record]:
        held.append(0)
        return records

    records = [Record(b"", (0, number), b"%d" % number) for number in range(10_000)]
    Counted(read, {0: 0}, {0: 10_000}, keys=1_000)
    assert len(held) == 10 and max(held) < 1_200
    assert latest.KEYS * 200 <= 100_000_000


def test_an_empty_topic_is_not_read() -> None:
    Latest(lambda: pytest.fail("read"), {0: 5}, {0: 5})
