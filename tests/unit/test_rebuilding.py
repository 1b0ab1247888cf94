"""A count that begins anew: what is removed of the older ones, in which order, and when it is done."""

import fcntl
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from election.contracts import topics
from election.contracts.aggregates import CandidateTotal, ContestTotal, Total
from election.contracts.messages import encode
from election.count import rebuilding
from election.count.checkpoint import CheckpointRefused, claim
from election.count.folder import tally_folder
from election.errors import StageFailed
from election.platform import native
from election.settings import Settings
from election.totals import Totals

Record = tuple[str, bytes, Total]


def total(generation: int, contest: int, votes: int) -> list[Record]:
    """A contest in which one candidate has all votes."""
    known = {"schema_version": 1, "generation": generation, "election": 1, "votes": votes}
    known |= {"district": contest, "contest": contest}
    ballots = ContestTotal(**known, contest_name="A", position=1, validity="valid")
    candidate = CandidateTotal(**known, contest_name="A", candidate=contest, candidate_name="N", party="P")
    return [
        (topics.VOTES_PER_CANDIDATE, f"1/{generation}/{contest}/{contest}/{contest}".encode(), candidate),
        (topics.BALLOTS_PER_CONTEST, f"1/{generation}/{contest}/{contest}/1/valid".encode(), ballots),
    ]


def settings(var: Path) -> Settings:
    return Settings.model_validate({"var": var})


def test_a_wrong_total_above_the_truth_goes_and_no_other_goes_down_meanwhile() -> None:
    wrong = [*total(1, 1, 100), *total(1, 2, 100), *total(1, 3, 107)]
    right = [*total(2, 1, 100), *total(2, 2, 100), *total(2, 3, 100)]
    totals = Totals()
    for topic, key, message in [*wrong, *right]:
        totals.apply(topic, key, encode(message))
    assert totals.ballots(1) == 307, "readers stay with the generation that says more"
    for topic, key, _ in rebuilding.others([(topic, key, 1) for topic, key, _ in wrong], generation=2):
        totals.apply(topic, key, None)
        shown = totals.election(1)
        assert totals.ballots(1) >= 300
        assert sum(candidate.votes for candidate in shown[topics.VOTES_PER_CANDIDATE]) >= 300
    assert totals.ballots(1) == 300


def test_a_rebuild_removes_nothing_of_its_own_and_no_newer_checkpoint(tmp_path: Path) -> None:
    keys = [(topic, key, message.generation) for n in (1, 2, 3, 4) for topic, key, message in total(n, 1, 5)]
    assert {key[2] for key in rebuilding.others(keys, generation=3)} == {1, 2, 4}, "a newer one was never issued"
    folder = tally_folder(settings(tmp_path))
    for number in (1, 2, 3, 4, 10):
        folder.checkpoint(number).mkdir()
    found = rebuilding.older_checkpoints(folder, 3)
    assert sorted(found) == [folder.checkpoint(1), folder.checkpoint(2)]


def test_a_total_with_the_largest_generation_there_is_stops_no_rebuild(tmp_path: Path) -> None:
    folder, largest = tally_folder(settings(tmp_path)), 2**63 - 1
    number = rebuilding.following(folder.generation, {1, 2, largest})
    assert number == 3, "the next one that is free"
    with pytest.raises(CheckpointRefused):
        claim(folder, number, "topic", lambda: {1, 2, largest})
    rebuilding.issue(folder, number, {1: {7, 3}})
    assert claim(folder, number, "topic", lambda: {1, 2, largest}) == folder.checkpoint(3)
    assert json.loads(folder.issued(number).read_text()) == {"quarantined": {"1": [3, 7]}, "removed": []}
    shutil.rmtree(folder.checkpoint(3))
    with pytest.raises(CheckpointRefused, match="generation 3 has totals"):
        claim(folder, number, "topic", lambda: {3})


def test_readers_come_back_from_a_generation_that_was_planted() -> None:
    totals, largest = Totals(), 2**63 - 1
    for topic, key, message in [*total(1, 1, 100), *total(largest, 1, 1_000)]:
        totals.apply(topic, key, encode(message))
    assert totals.ballots(1) == 1_000
    for topic, key, message in total(2, 1, 100):
        totals.apply(topic, key, encode(message))
    keys = [(topic, key, number) for number in (1, largest) for topic, key, _ in total(number, 1, 1)]
    for topic, key, _ in rebuilding.others(keys, generation=2):
        totals.apply(topic, key, None)
        assert totals.ballots(1) >= 100
    assert totals.ballots(1) == 100
    assert [candidate.votes for candidate in totals.election(1)[topics.VOTES_PER_CANDIDATE]] == [100]


def test_there_is_one_rebuild_at_a_time(tmp_path: Path) -> None:
    platform = native(settings(tmp_path))
    with tally_folder(platform.settings).rebuilding.open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        with pytest.raises(StageFailed, match="only one may run at a time"):
            rebuilding.rebuild(platform)


def test_votes_that_come_after_its_beginning_are_no_reason_to_wait(tmp_path: Path) -> None:
    def batch(number: int, **ends: int) -> None:
        for log, text in {"offsets": f"v1\n{{}}\n{json.dumps({topics.VOTES: ends})}", "commits": ""}.items():
            (tmp_path / log).mkdir(exist_ok=True)
            (tmp_path / log / str(number)).write_text(text)

    end = {0: 100, 1: 50}
    assert rebuilding.to_go(tmp_path, end) == 150
    batch(0, **{"0": 60, "1": 60})
    assert rebuilding.to_go(tmp_path, end) == 40, "what one partition has read beyond it does not make up for another"
    batch(1, **{"0": 100, "1": 900})
    assert rebuilding.to_go(tmp_path, end) == 0
    (tmp_path / "offsets" / "2").write_text("begun, not finished")
    assert rebuilding.to_go(tmp_path, end) == 0


def test_the_dag_is_unpaused_once_the_new_driver_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from election.cli import application
    from election.cli import tally as commands

    done: list[str] = []

    def rebuild(_platform, _log, started) -> int:
        done.append("started")
        started()
        done.append("counted")
        return 2

    monkeypatch.setattr(rebuilding, "rebuild", rebuild)
    monkeypatch.setattr(commands, "_let_airflow", lambda _settings, run: done.append(f"run: {run}"))
    assert "generation is now 2" in CliRunner().invoke(application.app, ["tally", "rebuild"]).stdout
    assert done == ["started", "run: True", "counted"]
