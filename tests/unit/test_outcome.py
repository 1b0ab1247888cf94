"""Who is elected, worked out by hand: candidates on several lines, contests without a poll, lines that are no person,
ties and lots; and the official result of two general elections."""

import csv
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.official import outcome as official_outcome
from election import scenarios
from election.outcome import (
    Count,
    Kind,
    Line,
    Lot,
    Outcome,
    Race,
    Rules,
    contenders,
    decide,
    decide_whole,
    record,
    seats,
)
from election.settings import Settings

CASES = Path(__file__).parent.parent / "cases"


def race(*lines: Line, registered: int = 1_000, unopposed: bool = False) -> Race:
    return Race(1, contenders(lines), registered, unopposed)


def line(number: int, party: str, candidate_id: str | None = None, kind: Kind = "person") -> Line:
    return Line(number, 1, f"Name {number}", party, f"Party {party}", None, candidate_id, kind)


def elected(outcome: Outcome) -> list[tuple[int, int, str]]:
    """(number of the first line, votes, how) of everyone elected."""
    return [(one.contender.number, one.votes, one.how) for one in outcome.elected]


def test_the_votes_of_a_candidates_lines_are_added_up_and_all_parties_are_shown() -> None:
    # The case fusion-lines: 40 + 15 votes against 50.
    outcome = decide(
        race(line(1, "DEM", "ada"), line(2, "WFP", "ada"), line(3, "REP")), {1: 40, 2: 15, 3: 50}, over=True
    )
    assert elected(outcome) == [(1, 55, "votes")]
    assert [(s.contender.parties, s.votes, s.place, s.by_line) for s in outcome.standings] == [
        (("DEM", "WFP"), 55, 1, (40, 15)),
        (("REP",), 50, 2, (50,)),
    ]
    assert outcome.lead.margin == 5
    assert seats([outcome]).by_party == {"DEM": 1}, "a seat counts for the party of the first line"


def test_lines_of_one_name_without_an_id_are_two_contenders() -> None:
    lines = [replace(line(number, "Ind"), name="Ada Marsh") for number in (1, 2)]
    assert [c.lines for c in contenders(lines)] == [(lines[0],), (lines[1],)]


def test_one_candidate_and_no_poll_is_elected_unopposed_before_any_count() -> None:
    outcome = decide(race(line(1, "A"), unopposed=True), {})
    assert elected(outcome) == [(1, 0, "unopposed")]
    assert (outcome.lead.verdict, outcome.lead.overturnable, outcome.undecided) == ("unopposed", False, False)
    found = seats([outcome])
    assert (found.by_party, found.unopposed, found.open, found.silent) == ({"A": 1}, 1, 0, 0)


def test_nobody_is_elected_while_the_count_goes_on() -> None:
    assert elected(decide(race(line(1, "A"), line(2, "B")), {1: 999})) == []
    assert seats([decide(race(line(1, "A"), line(2, "B")), {1: 999})]).by_party == {"A": 1}, "out of reach"


@pytest.mark.parametrize("kind", ["none-of-the-above", "write-in"])
def test_a_line_that_is_no_person_and_leads_keeps_the_seat_vacant_unless_the_rules_say_otherwise(kind: Kind) -> None:
    standing = race(line(1, "A"), line(2, "None", kind=kind), line(3, "B"))
    votes = {1: 20, 2: 30, 3: 10}
    vacant = decide(standing, votes, over=True)
    assert (elected(vacant), vacant.kept_vacant, vacant.leading_party) == ([], True, None)
    found = seats([vacant])
    assert (found.by_party, found.vacant, found.unfilled, found.open) == ({}, 1, 1, 0)
    rules = Rules(none_of_the_above_leads="next", write_ins_lead="next")
    following = decide(standing, votes, rules, over=True)
    assert elected(following) == [(1, 20, "votes")]
    assert following.lead.margin == 10, "against the next person"
    assert [s.votes for s in following.standings] == [30, 20, 10], "its votes are shown all the same"


def test_a_line_that_is_no_person_level_with_the_first_keeps_the_seat_vacant_too() -> None:
    level = decide(race(line(1, "A"), line(2, "None", kind="none-of-the-above")), {1: 5, 2: 5}, over=True, drawn=1)
    assert (elected(level), level.tie, level.undecided) == ([], (), False)


def test_a_tie_awaits_its_lot_which_elects_only_who_is_tied() -> None:
    standing, votes = race(line(1, "A"), line(2, "B"), line(3, "C")), {1: 30, 2: 30, 3: 5}
    tie = decide(standing, votes, over=True)
    assert (elected(tie), tie.undecided, [s.contender.number for s in tie.tie]) == ([], True, [1, 2])
    assert seats([tie]).ended_tied == 1
    drawn = decide(standing, votes, over=True, drawn=2)
    assert (elected(drawn), drawn.undecided, drawn.leading_party) == ([(2, 30, "lot")], False, "B")
    assert [s.contender.number for s in drawn.tie] == [1, 2], "still named as a tie"
    assert seats([drawn]).by_party == {"B": 1}
    assert elected(decide(standing, votes, over=True, drawn=3)) == []
    assert elected(decide(standing, {1: 31, 2: 30}, over=True, drawn=2)) == [(1, 31, "votes")], "no tie, no lot"


def test_a_certified_outcome_is_taken_as_it_is() -> None:
    standing = race(line(1, "A"), line(2, "B"))
    assert elected(decide(standing, {1: 9, 2: 1}, over=True, frozen={2: "lot"})) == [(2, 1, "lot")]
    nobody = decide(standing, {1: 9, 2: 1}, over=True, frozen={})
    assert (elected(nobody), nobody.party) == ([], None)
    assert len({nobody}) == 1, "the pages keep what they draw by the outcome that they draw"


def test_a_count_without_a_valid_vote_elects_nobody() -> None:
    outcome = decide(race(line(1, "A"), line(2, "B")), {}, invalid=3, over=True)
    assert (elected(outcome), outcome.tie, outcome.lead.verdict, seats([outcome]).ended_silent) == (
        [],
        (),
        "no votes",
        1,
    )


def test_the_record_names_lines_parties_and_ties() -> None:
    won = race(line(1, "A", "x"), line(2, "B", "x"), line(3, "C"))
    tied = replace(race(line(4, "A"), line(5, "B")), number=2)
    whole = decide_whole([won, tied], Count({1: 2, 2: 2, 3: 3, 4: 1, 5: 1}, over=True), Rules())
    assert json.loads(json.dumps(record(whole))) == {
        "system": "plurality",
        "contests": [
            {
                "contest": 1,
                "elected": [
                    {
                        "lines": [1, 2],
                        "name": "Name 1",
                        "party": "A",
                        "parties": ["A", "B"],
                        "votes": 4,
                        "how": "votes",
                        "seats": 1,
                        "district": "",
                    }
                ],
                "tied": [],
                "undecided": False,
            },
            {"contest": 2, "elected": [], "tied": [4, 5], "undecided": True},
        ],
        "seats": {"A": 1},
        "total": 2,
        "ties": [{"contest": 2, "step": "seat", "between": [4, 5], "chosen": 1}],
        "thresholds": [],
    }


VOTES = st.lists(st.integers(0, 4), min_size=1, max_size=6)


@given(VOTES, st.randoms(use_true_random=False))
def test_neither_the_order_of_arrival_nor_that_of_the_lines_decides(votes: list[int], mixing: random.Random) -> None:
    lines = [line(number, f"P{number}") for number in range(1, len(votes) + 1)]
    arrivals = [number for number, own in enumerate(votes, 1) for _ in range(own)]
    outcome = decide(race(*lines), Counter(arrivals), over=True)
    mixing.shuffle(arrivals)
    mixing.shuffle(lines)
    again = decide(Race(1, contenders(lines), 1_000), Counter(arrivals), over=True)
    assert elected(again) == elected(outcome)
    assert {s.contender.number for s in again.tie} == {s.contender.number for s in outcome.tie}


@given(VOTES)
def test_a_tie_is_found_and_never_settled_by_position(votes: list[int]) -> None:
    lines = [line(number, f"P{number}") for number in range(1, len(votes) + 1)]
    outcome = decide(race(*lines), dict(enumerate(votes, 1)), over=True)
    first = [number for number, own in enumerate(votes, 1) if own == max(votes) > 0]
    assert [number for number, _, _ in elected(outcome)] == (first if len(first) == 1 else [])
    assert [s.contender.number for s in outcome.tie] == (first if len(first) > 1 else [])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=6))
def test_splitting_a_candidates_votes_over_lines_changes_nothing(lines: list[tuple[int, int]]) -> None:
    together: Counter[int] = Counter()
    for votes, person in lines:
        together[person] += votes
    split = [line(number, f"L{number}", f"person-{person}") for number, (_, person) in enumerate(lines, 1)]
    by_line = {number: votes for number, (votes, _) in enumerate(lines, 1)}
    outcome = decide(race(*split), by_line, over=True)
    assert sorted(s.votes for s in outcome.standings) == sorted(together.values())
    most = [person for person, votes in together.items() if votes == max(together.values()) > 0]
    assert len(outcome.elected) == (len(most) == 1)


def test_the_winners_and_seats_of_2019_are_the_official_ones() -> None:
    uk = scenarios.load(Settings().scenarios, "uk-general-election-2019")
    outcomes = [official_outcome(number, contest) for number, contest in enumerate(uk.contests, 1)]
    assert all(len(outcome.elected) == 1 for outcome in outcomes)
    assert seats(outcomes).by_party == {
        "Con": 365, "Lab": 202, "SNP": 48, "LD": 11, "DUP": 8, "SF": 7, "PC": 4, "SDLP": 2, "APNI": 1, "Green": 1,
        "Spk": 1,
    }  # fmt: skip
    for contest, outcome in zip(uk.contests, outcomes, strict=True):
        most = max(candidate.votes or 0 for candidate in contest.candidates)
        assert [(one.contender.name, one.votes) for one in outcome.elected] == [
            (candidate.name, candidate.votes) for candidate in contest.candidates if candidate.votes == most
        ]


def test_the_closest_and_the_largest_margins_of_2017_elect_the_official_winners() -> None:
    """Ten contests of 2017 with the winner as published; North East Fife was won by two votes."""
    with (CASES / "uk-2017-winners.csv").open(newline="") as file:
        winners = {row["contest_id"]: (row["winner"], row["party"], int(row["margin"])) for row in csv.DictReader(file)}
    found = scenarios.load(CASES, "uk-2017-part")
    assert len(found.contests) == len(winners) == 10
    for number, contest in enumerate(found.contests, 1):
        outcome = official_outcome(number, contest)
        (one,) = outcome.elected
        assert (one.contender.name, one.contender.party, outcome.lead.margin) == winners[contest.contest_id]


def test_a_lot_decides_only_the_tie_for_which_it_was_drawn() -> None:
    three = race(line(1, "A"), line(2, "B"), line(3, "C"))
    drawn = Lot(1, "seat", (1, 2), (2,))
    for votes, winner in (({1: 5, 2: 5, 3: 1}, [(2, 5, "lot")]), ({1: 5, 2: 5, 3: 5}, []), ({1: 5, 3: 5}, [])):
        whole = decide_whole([three], Count(votes, over=True), Rules(), lots=[drawn])
        assert elected(whole.outcomes[0]) == winner
        assert [one.contender.number for one in whole.decided.contests[0].elected] == [number for number, *_ in winner]
    older = decide_whole([three], Count({1: 5, 3: 5}, over=True), Rules(), lots=[Lot(1, "seat", None, (3,))])
    assert elected(older.outcomes[0]) == [(3, 5, "lot")]
