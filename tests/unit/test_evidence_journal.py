"""The journal's chain, and the rows that differ from it."""

from hashlib import sha256

import pytest

from election.evidence.journal import chained, differing

VERDICT = {"verdict_no": 4, "ok": True, "stored": 10}
LOT = {"lot_no": 1, "reason": "Drawn."}
ENTRIES = [{"table": "verdicts", "row": VERDICT}, {"table": "lots", "row": LOT}]


def test_each_hash_covers_the_hash_before_it_and_the_line():
    first = sha256(bytes(32) + b"a").digest()
    assert list(chained(["a", "é"])) == [first, sha256(first + "é".encode()).digest()]
    assert list(chained(["é"], first)) == list(chained(["a", "é"]))[1:]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ({"verdicts": [VERDICT], "lots": [LOT]}, []),
        ({"verdicts": [VERDICT | {"of a later version": 1}], "lots": [LOT]}, []),
        (
            {"verdicts": [VERDICT | {"ok": False, "stored": 9}], "lots": [LOT]},
            ["Row 4 of verdicts has another ok, stored than in the journal."],
        ),
        ({"verdicts": [VERDICT], "lots": []}, ["Row 1 of lots is in the journal and no longer in the table."]),
        (
            {"verdicts": [VERDICT, VERDICT | {"verdict_no": 5}], "lots": [LOT]},
            ["Row 5 of verdicts is not in the journal."],
        ),
    ],
)
def test_rows_that_are_not_as_the_journal_has_them_are_named(rows, found):
    assert differing(ENTRIES, rows) == found


def test_entries_of_tables_of_a_later_version_are_left_alone():
    assert differing([{"table": "later", "row": {"no": 1}}], {}) == []
