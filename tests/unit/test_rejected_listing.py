"""Rejected records as JSON are printed as they come, however many there are."""

import json
from collections.abc import Iterator

import pytest

from election.cli.rejected import stream
from election.contracts.messages import RejectedRecord

RECORD = RejectedRecord(1, "casting", 7, "ballots_topic", 0, 3, None, "4pyT", "not_json", "…", 0)


def test_a_record_is_printed_before_the_next_one_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    printed: list[str] = []

    def records() -> Iterator[RejectedRecord]:
        yield RECORD
        printed.append(capsys.readouterr().out)
        yield RECORD

    stream({"election": "night", "replayed": {"offered": 2}}, records())
    assert '"not_json"' in printed[0]
    answer = json.loads(printed[0] + capsys.readouterr().out)
    assert (answer["election"], answer["replayed"]) == ("night", {"offered": 2})
    assert (answer["rejected"], answer["reasons"], len(answer["records"])) == (2, {"not_json": 2}, 2)


def test_no_record_is_a_list_without_any(capsys: pytest.CaptureFixture[str]) -> None:
    stream({"election": "night"}, iter(()))
    assert json.loads(capsys.readouterr().out) == {"election": "night", "records": [], "rejected": 0, "reasons": {}}
