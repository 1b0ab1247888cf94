"""What follows from a sample: confirmed, another round, or all papers by hand; and the faults that a trainer plants."""

from random import Random

import numpy as np
import pytest

from bench import audit as bench
from election.audit.comparison import INVALID
from election.audit.contest import Contest
from election.audit.faults import LOST, Faults, plant
from election.audit.judging import first_size, judge
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


def test_papers_need_simulated_voters() -> None:
    assert Run(box=True, lost=3).lost == 3
    for papers in ({"box": True}, {"flipped": 1}):
        with pytest.raises(BadInput, match="box excludes ballots=external"):
            Run(ballots="external", **papers)
    with pytest.raises(BadInput, match="risk_limit"):
        Audit(slug="x", risk_limit=1)
