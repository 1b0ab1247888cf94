"""Measurements that cannot lie: a worker that dies is told, and a result is compared with the scenario's own file."""

import asyncio
import os
from copy import deepcopy
from typing import Any

import pytest

from bench.feed import _read, bare
from bench.official import compared
from bench.together import together
from election import scenarios
from election.settings import Settings
from tests.conftest import free_ports

pytestmark = pytest.mark.slow

SEATS = {"Con": 365, "Lab": 202, "SNP": 48, "LD": 11, "DUP": 8, "SF": 7, "PC": 4, "SDLP": 2, "APNI": 1, "Green": 1,
         "Spk": 1}  # fmt: skip
UK = scenarios.load(Settings().scenarios, "uk-general-election-2019")


def worker(begin: Any, number: int, dies: str) -> int:
    if dies == "before":
        os._exit(3)
    begin()
    if dies == "after":
        raise RuntimeError("killed")
    return number


def test_workers_that_begin_together_give_their_results() -> None:
    assert sorted(together(worker, [(1, ""), (2, "")])) == [1, 2]


@pytest.mark.parametrize(("dies", "status"), [("before", 3), ("after", 1)])
def test_a_worker_that_dies_ends_the_measurement_with_a_message(dies: str, status: int) -> None:
    with pytest.raises(SystemExit, match=f"Worker 1 of 2 ended with status {status}"):
        together(worker, [(1, ""), (2, dies)])


def test_readers_of_the_feed_notice_what_fails() -> None:
    with bare(free_ports(1)[0]) as (address, _process):
        took, failed, _ = asyncio.run(_read(address, 100, 0.5))
        assert (len(took), failed) == (50, 0)
        took, failed, _ = asyncio.run(_read(address.replace("/fixed", "/other"), 100, 0.5))
        assert failed == len(took) == 50


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    """The result of 2019 as `election results` would answer it."""
    rows = [
        {
            "contest": contest.contest_id,
            "registered": contest.electorate,
            "valid": contest.valid_votes,
            "invalid": contest.invalid_votes,
            "elected": [max(contest.candidates, key=lambda c: c.votes or 0).name],
            "candidates": [
                {"name": f"{c.given_name} {c.family_name}", "party": c.party_abbreviation, "votes": c.votes}
                for c in contest.candidates
            ],
        }
        for contest in UK.contests
    ]
    return {
        "contests": rows,
        "valid": sum(contest.valid_votes or 0 for contest in UK.contests),
        "invalid": 117_919,
        "seats": SEATS,
    }


def test_the_official_result_agrees_with_itself(official: dict[str, Any]) -> None:
    found = compared(official, UK)
    assert found["wrong"] == []
    assert (found["contests_compared"], found["totals_compared"]) == (650, 3_320)
    assert (found["valid"], found["official_valid"]) == (32_014_110, 32_014_110)
    assert found["seats"] == found["official_seats"]
    assert (found["seats"]["Con"], found["seats"]["Lab"], sum(found["seats"].values())) == (365, 202, 650)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda rows: rows[5]["candidates"][0].update(votes=1), 1),
        (lambda rows: rows[5].update(valid=1), 1),
        (lambda rows: rows[5].update(registered=1), 1),
        (lambda rows: rows[5]["candidates"].pop(), 1),
        (lambda rows: rows[5].update(elected=[]), 1),
        (lambda rows: rows.pop(), 4 + len(UK.contests[-1].candidates)),
    ],
)
def test_a_figure_that_differs_or_is_missing_is_named(official: dict[str, Any], change: Any, wrong: int) -> None:
    found = deepcopy(official)
    change(found["contests"])
    assert len(compared(found, UK)["wrong"]) == wrong
