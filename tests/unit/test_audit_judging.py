"""What follows from a sample: confirmed, another round, or all papers by hand; and the faults that a trainer plants."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from bench import audit as bench
from election.audit.comparison import INVALID
from election.audit.contest import Contest
from election.audit.drawing import draw_papers
from election.audit.faults import LOST, Faults, plant
from election.audit.judging import first_size, judge
from election.audit.report import recomputed
from election.errors import BadInput
from election.parameters import Audit, Run

LIMIT = 0.05
CONTEST = Contest(10_000, {1: 5_500, 2: 4_500}, (1,))


def judged(errors: dict[int | None, int], drawn: int, method="comparison"):
    """Of so many draws, some papers say what ``errors`` names where the record says 1."""
    papers = [paper for paper, number in errors.items() for _ in range(number)]
    return judge(CONTEST, method, LIMIT, [1] * drawn, [*papers, *[1] * (drawn - len(papers))])


def test_the_first_sample_confirms_when_every_paper_agrees() -> None:
    size = first_size(CONTEST, "comparison", LIMIT)
    assert size is not None
    found = judged({}, size)
    assert (found.follows, found.next_size, found.risk < LIMIT) == ("confirmed", None, True)
    assert judged({}, 10).follows == "another round"


def test_an_error_asks_for_another_round_and_many_for_a_count_by_hand() -> None:
    one = judged({INVALID: 1}, 65)
    assert one.follows == "another round" and one.next_size is not None and one.next_size > 65
    assert one.overstated[1] == 1
    assert judged({2: 10}, 65).follows == "hand count"
    lost = judged({None: 1}, 65)
    assert lost.overstated[2] == 1 and lost.risk > one.risk, "a lost paper counts as the worst"


def test_polling_takes_a_lost_paper_for_the_losers() -> None:
    papers: list[int | None] = [*[1] * 600, *[2] * 300]
    sure = judge(CONTEST, "polling", LIMIT, [None] * 900, papers)
    less = judge(CONTEST, "polling", LIMIT, [None] * 1_000, [*papers, *[None] * 100])
    assert sure.follows == "confirmed" and less.risk > sure.risk


def test_a_tight_contest_is_counted_by_hand_at_once() -> None:
    assert first_size(Contest(100, {1: 50, 2: 49}, (1,)), "comparison", LIMIT) is None


def test_a_wrong_outcome_is_confirmed_in_hardly_any_audit() -> None:
    contest, papers = bench.flipped(0.2)
    ends = [bench.audited(contest, papers, "comparison", LIMIT, Random(number))[0] for number in range(40)]
    assert ends.count("confirmed") <= 4 and ends.count("hand count") >= 36


def test_faults_are_planted_as_ordered() -> None:
    boxes = [np.array([1] * 50 + [2] * 30, np.int32), np.array([1] * 40, np.int32), np.array([2] * 20, np.int32)]
    before = sum(int((box == 1).sum()) for box in boxes)
    planted = plant(boxes, Faults(flipped=7, swapped=1, lost=5), 1, 2, Random(1))
    assert sum(int((box == LOST).sum()) for box in planted) == 5
    assert [len(box) for box in planted] != [80, 40, 20] and sorted(map(len, planted)) == [20, 40, 80]
    unlost = plant(boxes, Faults(flipped=7), 1, 2, Random(1))
    assert sum(int((box == 1).sum()) for box in unlost) == before - 7
    assert int((boxes[1] == 1).sum()) == 40, "the boxes that were given stay as they are"
    for faults, said in (
        (Faults(flipped=91), "papers for the winner"),
        (Faults(swapped=2), "boxes"),
        (Faults(lost=141), "lose"),
    ):
        with pytest.raises(BadInput, match=said):
            plant(boxes, faults, 1, 2, Random(1))


def reported() -> dict[str, Any]:
    """A report of one contest that a sample without errors confirms; its lines are numbered 11 and 12."""
    seed, size = "31415926535897932384", first_size(CONTEST, "comparison", LIMIT) or 0
    papers = [(one.box, one.position, one.ticket) for one in draw_papers([(1, 6_000), (2, 4_000)], seed, 0, size)]
    risk = judged({}, size)
    contest = {
        "name": "Race",
        "ballots": 10_000,
        "votes": {"1": 5_500, "2": 4_500},
        "lines": {"11": 1, "12": 2},
        "winners": [1],
        "boxes": [[1, 6_000], [2, 4_000]],
        "draws": [[*paper, 1, 1] for paper in papers],
        "risks": [{"round": 1, "drawn": size, "risk": risk.risk, "follows": "confirmed", "next_size": None}],
        "hand_count": None,
        "finding": "confirmed",
    }
    entries = [
        {"box_no": box, "position": position, "entered_by": by, "reading": 11}
        for box, position in sorted({paper[:2] for paper in papers})
        for by in ("Ada", "Ben")
    ]
    return {"seed": seed, "method": "comparison", "risk_limit": LIMIT, "contests": [contest], "entries": entries}


def test_a_report_that_follows_from_its_entries_has_nothing_wrong() -> None:
    assert recomputed(reported()) == []


def _without_draws(report: dict[str, Any]) -> None:
    report["contests"][0]["draws"] = []
    report["contests"][0]["risks"] = [{"round": 0, "drawn": 0, "risk": 0.0, "follows": "confirmed", "next_size": None}]


def _on_fewer_draws(report: dict[str, Any]) -> None:
    (risk,) = report["contests"][0]["risks"]
    risk |= {"drawn": 10, "risk": judged({}, 10).risk}


def _found_wrongly(report: dict[str, Any]) -> None:
    report["contests"][0]["risks"][0] |= {"follows": "hand count"}


def _no_risk_at_all(report: dict[str, Any]) -> None:
    report["contests"][0]["risks"] = []


def _another_paper(report: dict[str, Any]) -> None:
    for entry in report["entries"][:2]:
        entry["reading"] = 12


def _one_reader(report: dict[str, Any]) -> None:
    report["entries"][1]["entered_by"] = " ADA"


def _a_hand_count_that_nothing_asked_for(report: dict[str, Any]) -> None:
    report["contests"][0] |= {"hand_count": {"11": 10_000}, "finding": "confirmed by hand count"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_draws, "confirmed without a draw"),
        (_on_fewer_draws, "after round 1 follows another round, not confirmed"),
        (_found_wrongly, "the finding is confirmed"),
        (_no_risk_at_all, "the last round says nothing"),
        (_another_paper, "another than in the entries"),
        (_one_reader, "another than in the entries"),
        (_a_hand_count_that_nothing_asked_for, "with a hand count after confirmed"),
    ],
)
def test_a_report_that_says_more_than_its_entries_is_found(change: Callable[[Any], None], said: str) -> None:
    report = reported()
    change(report)
    assert any(said in one for one in recomputed(report)), recomputed(report)


def test_papers_need_simulated_voters() -> None:
    assert Run(box=True, lost=3).lost == 3
    for papers in ({"box": True}, {"flipped": 1}):
        with pytest.raises(BadInput, match="box excludes ballots=external"):
            Run(ballots="external", **papers)
    with pytest.raises(BadInput, match="risk_limit"):
        Audit(slug="x", risk_limit=1)
