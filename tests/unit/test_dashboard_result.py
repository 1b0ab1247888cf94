"""Elections worked out by hand: places, shares, margins, and whether a lead can be overturned."""

import json
from dataclasses import replace

import pytest

from election.contracts.messages import CandidateRecord
from election.contracts.public import Party
from election.live.contests import map_states
from election.live.register import Candidate, Contest, Counted, Election, Register, register_from_topic
from election.live.result import Result, result
from election.outcome import PartySeats, Seats
from election.outcome import seats as seats_of_contests
from election.outcome.lead import lead


def seats(outcome: Result) -> Seats:
    votes = {party.party: party.votes for party in outcome.parties}
    return seats_of_contests((contest.outcome for contest in outcome.contests), votes)


def register(*contests: tuple[int, int], state: str = "open", official: tuple[int, ...] = ()) -> Register:
    """Contests given as (registered voters, candidates); candidates are numbered through, parties A, B, C, … ."""
    candidates, number = [], 0
    for contest, (_, standing) in enumerate(contests, 1):
        for party in "ABCDEFG"[:standing]:
            number += 1
            votes = official[number - 1] if official else None
            candidates.append(Candidate(number, contest, f"Candidate {number}", party, f"Party {party}", votes))
    return Register(
        Election(1, "made-up", "Made up", state=state),  # type: ignore[arg-type]
        parties={p: Party(p, f"Party {p}") for p in "ABCDEFG"},
        contests=tuple(Contest(n, f"C{n}", f"Contest {n}", registered=r) for n, (r, _) in enumerate(contests, 1)),
        candidates=tuple(candidates),
    )


def counted(register: Register, *votes: int, invalid: dict[int, int] | None = None) -> Result:
    """The result with these votes, in the order of the candidates."""
    by_candidate = dict(enumerate(votes, 1))
    valid: dict[int, int] = {}
    for candidate in register.candidates:
        valid[candidate.contest] = valid.get(candidate.contest, 0) + by_candidate.get(candidate.number, 0)
    return result(register, Counted(by_candidate, valid, invalid or {}))


def test_candidates_come_by_votes_with_shares_of_the_valid_votes() -> None:
    contest = counted(register((100, 3)), 10, 30, 20, invalid={1: 5}).contests[0]
    assert [(s.contender.number, s.votes, s.place) for s in contest.standings] == [(2, 30, 1), (3, 20, 2), (1, 10, 3)]
    assert [s.share for s in contest.standings] == [0.5, pytest.approx(1 / 3), pytest.approx(1 / 6)]
    assert (contest.valid, contest.invalid, contest.counted, contest.turnout) == (60, 5, 65, 0.65)
    assert contest.lead.margin == 10
    assert contest.margin_share == pytest.approx(1 / 6)


def test_the_map_gets_leader_margin_and_progress_of_each_contest() -> None:
    outcome = counted(register((100, 2), (50, 2), (50, 2)), 30, 10, 5, 5, invalid={3: 1})
    assert json.loads(map_states(outcome.contests)) == {
        "C1": ["Contest 1", "A", 0.5, "counting"],
        "C2": ["Contest 2", None, 0, "counting"],
        "C3": ["Contest 3", None, 0, "none"],
    }


def test_equal_votes_share_a_place_and_nobody_leads_alone() -> None:
    contest = counted(register((100, 4)), 20, 30, 30, 5).contests[0]
    assert [s.place for s in contest.standings] == [1, 1, 3, 4]
    assert [s.contender.number for s in contest.leaders] == [2, 3]
    assert contest.leading_party is None
    assert contest.lead.verdict == "tie"


def test_before_the_first_vote_nobody_leads_and_every_candidate_is_listed_with_zero() -> None:
    outcome = counted(register((100, 3), (50, 2)))
    assert [len(contest.standings) for contest in outcome.contests] == [3, 2]
    assert outcome.contests[0].leaders == ()
    assert outcome.contests[0].standings[0].share is None
    assert outcome.contests[0].progress == "none"
    assert outcome.contests[0].lead.verdict == "no votes"
    assert (outcome.reported, outcome.complete, outcome.turnout) == (0, 0, 0.0)


def test_a_contest_without_reports_stays_apart_from_those_that_count() -> None:
    outcome = counted(register((100, 2), (100, 2)), 0, 0, 3, 1)
    assert [contest.progress for contest in outcome.contests] == ["none", "counting"]
    assert outcome.reported == 1
    assert seats(outcome).silent == 1


def test_only_invalid_ballots_are_a_report_without_a_leader() -> None:
    contest = counted(register((100, 2)), invalid={1: 4}).contests[0]
    assert (contest.progress, contest.leaders, contest.counted) == ("counting", (), 4)


def test_a_single_candidate_cannot_lose() -> None:
    contest = counted(register((100, 1)), 1).contests[0]
    assert (contest.lead.verdict, contest.lead.margin, contest.lead.overturnable) == ("only", 1, False)
    assert contest.standings[0].share == 1.0


def test_a_replay_is_complete_when_the_official_ballots_are_counted() -> None:
    known = register((100, 2), official=(40, 20))
    known = replace(known, contests=(replace(known.contests[0], official_valid=60, official_invalid=2),))
    assert counted(known, 39, 20, invalid={1: 2}).contests[0].progress == "counting"
    contest = counted(known, 40, 20, invalid={1: 2}).contests[0]
    assert (contest.progress, contest.lead.verdict) == ("complete", "final")


def test_parties_add_up_over_contests() -> None:
    outcome = counted(register((100, 2), (100, 2)), 10, 20, 30, 5)
    assert [(p.party, p.votes, p.candidates) for p in outcome.parties] == [("A", 40, 2), ("B", 25, 2)]
    assert outcome.parties[0].share == pytest.approx(40 / 65)
    assert outcome.parties[0].official is None


@pytest.mark.parametrize(
    ("votes", "counted", "registered", "expected", "over", "verdict"),
    [
        ([60, 30], 90, 110, None, False, "decided"),  # 30 ahead, 20 could come
        ([60, 40], 100, 120, None, False, "open"),  # 20 ahead, 20 could come and make a tie
        ([60, 40], 100, 121, 110, False, "likely"),  # 20 ahead, 21 could come, 10 are expected
        ([60, 40], 100, 140, 130, False, "open"),
        ([60, 40], 100, 140, 90, False, "likely"),  # more came than were expected
        ([60, 40], 100, None, None, False, "open"),  # how many may vote is not known
        ([50, 50], 100, 120, None, False, "tie"),
        ([50, 50], 100, 120, None, True, "tie"),
        ([60, 40], 100, 500, None, True, "final"),
        ([0, 0], 3, 100, None, False, "no votes"),
        ([0, 0], 3, 100, None, True, "no votes"),
        ([], 0, 100, None, False, "no votes"),
    ],
)
def test_whether_a_lead_can_be_overturned(
    votes: list[int], counted: int, registered: int | None, expected: int | None, over: bool, verdict: str
) -> None:
    found = lead(votes, counted, registered, expected, over=over)
    assert found.verdict == verdict
    assert found.overturnable == (not over and verdict not in ("decided", "final"))


def test_no_more_ballots_are_expected_than_voters_are_left() -> None:
    assert lead([5, 1], 90, 100, 500).expected_left == 10
    assert lead([5, 1], 90, 80, None).most_left == 0


def test_seats_go_to_the_first_and_a_majority_is_more_than_half() -> None:
    # Contest 1: B is out of reach; 2: A leads; 3: a tie; 4: silent.
    outcome = counted(register((100, 2), (100, 2), (100, 2), (100, 2)), 10, 80, 5, 4, 7, 7, 0, 0)
    found = seats(outcome)
    assert found.parties == (PartySeats("B", 1, 0), PartySeats("A", 0, 1))
    assert (found.total, found.majority, found.tied, found.silent, found.open, found.winner) == (4, 3, 1, 1, 3, None)


@pytest.mark.parametrize(("contests", "majority"), [(1, 1), (2, 2), (3, 2), (650, 326)])
def test_the_majority_line(contests: int, majority: int) -> None:
    assert seats(counted(register(*[(10, 2)] * contests))).majority == majority


def test_a_party_that_won_more_than_half_has_it_whatever_the_rest_brings() -> None:
    assert seats(counted(register((10, 2), (10, 2), (10, 2)), 9, 0, 8, 0)).winner == "A"


@pytest.mark.parametrize(
    ("won", "open_", "leader", "margin", "overturnable"),
    [
        ({"A": 3, "B": 1}, 1, "A", 2, False),  # B can reach two
        ({"A": 3, "B": 1}, 2, "A", 2, True),  # B can reach three as well
        ({"A": 2}, 1, "A", 2, False),  # nobody else has a seat; one can still have one
        ({"A": 2}, 2, "A", 2, True),
        ({"A": 2, "B": 2}, 1, None, 0, True),
        ({}, 3, None, 0, True),
    ],
)
def test_whether_the_lead_in_seats_can_be_overturned(
    won: dict[str, int], open_: int, leader: str | None, margin: int, overturnable: bool
) -> None:
    found = Seats(tuple(PartySeats(p, n, 0) for p, n in won.items()), sum(won.values()) + open_, 0, open_)
    assert (found.leader and found.leader.party, found.margin, found.overturnable) == (leader, margin, overturnable)


def test_contests_that_are_led_count_for_the_lead_but_are_not_won() -> None:
    found = Seats((PartySeats("A", 1, 3), PartySeats("B", 2, 1)), 7, 0, 0)
    assert (found.leader and found.leader.party, found.margin, found.overturnable) == ("A", 1, True)


def test_once_the_count_is_over_no_seat_is_open_and_those_without_a_first_candidate_are_filled_by_nobody() -> None:
    # Contest 1: A; 2: a tie; 3: no valid vote.
    votes, contests = (9, 1, 5, 5, 0, 0), ((100, 2), (100, 2), (100, 2))
    during = seats(counted(register(*contests), *votes))
    assert (during.open, during.tied, during.silent, during.unfilled, during.overturnable) == (3, 1, 1, 0, True)
    after = seats(counted(register(*contests, state="counted"), *votes))
    assert after.parties == (PartySeats("A", 1, 0),)
    assert (after.open, after.tied, after.silent, after.ended_tied, after.ended_silent) == (0, 0, 0, 1, 1)
    assert (after.winner, after.overturnable) == (None, False)


def test_the_map_tells_a_contest_without_a_vote_from_one_that_has_not_reported() -> None:
    outcome = counted(register((100, 2), state="counted"))
    assert json.loads(map_states(outcome.contests)) == {"C1": ["Contest 1", None, 0, "empty"]}


def test_the_turnout_that_is_expected_is_the_official_one_in_a_replay_else_the_one_given() -> None:
    simulated = counted(replace(register((100, 2), (50, 2)), expected_turnout=0.6), 30, 10)
    assert [(c.expected, c.expected_turnout) for c in simulated.contests] == [(60, 0.6), (30, 0.6)]
    assert (simulated.expected, simulated.expected_left, simulated.expected_turnout) == (90, 50, 0.6)
    known = register((100, 2), (100, 2), official=(40, 20, 9, 1))
    first, second = known.contests
    known = replace(known, contests=(replace(first, official_valid=60, official_invalid=2),
                                     replace(second, official_valid=10, official_invalid=0)))  # fmt: skip
    replayed = counted(known, 30, 20, 9, 1)
    assert [c.expected_turnout for c in replayed.contests] == [0.62, 0.1]
    assert (replayed.expected_left, replayed.expected_turnout) == (12, 0.36)
    assert counted(register((100, 2)), 1, 0).expected_left is None


def test_the_candidates_topic_alone_gives_names_without_registered_voters() -> None:
    records = [CandidateRecord(1, 7, "slug", 2, "C2", "Two", n, f"Name {n}", "P", "Party") for n in (2, 1)]
    known = register_from_topic(records)
    assert known is not None
    assert [candidate.name for candidate in known.candidates] == ["Name 1", "Name 2"]
    outcome = result(known, Counted({1: 3}, {2: 3}, {}))
    assert (outcome.registered, outcome.turnout, outcome.contests[0].lead.verdict) == (None, None, "open")
    assert register_from_topic([]) is None
