"""Who votes for whom: exact on a replay, plausible in a simulation, the same in any order."""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from election import scenarios
from election.behaviour.deciding import ABSTAINS, GENDERS, INVALID, Behaviour, Choices, Contest, Roll
from election.behaviour.loading import simulation_of
from election.behaviour.replay import Replay
from election.behaviour.simulation import Simulated, support, turnout_by_roll
from election.contracts.ages import AGE_GROUPS
from election.contracts.messages import SCHEMA_VERSION, VoterRecord
from election.errors import BadInput
from election.outcome import Line
from election.scenarios import Scenario, Simulation
from election.settings import Settings

FOLDER = Settings().scenarios
UK = scenarios.load(FOLDER, "uk-general-election-2019")


def line(contest: int, number: int, party: str, official: int | None) -> Line:
    return Line(number, contest, f"Name {number}", party, party, official)


def rolls_of(scenario: Scenario) -> list[Roll]:
    """The scenario's districts as they are registered: numbers from 1, voters one after the other."""
    standing: dict[str, tuple[Line, ...]] = {}
    candidate_no = 0
    for number, contest in enumerate(scenario.contests, 1):
        standing[contest.contest_id] = tuple(
            line(number, candidate_no + position, candidate.party_abbreviation, candidate.votes)
            for position, candidate in enumerate(contest.candidates, 1)
        )
        candidate_no += len(contest.candidates)
    contests = {contest.contest_id: (number, contest) for number, contest in enumerate(scenario.contests, 1)}
    results = {(result.district_id, result.contest_id): result for result in scenario.results}

    def on_paper(district_id: str, contest_id: str) -> Contest:
        number, contest = contests[contest_id]
        own, result = standing[contest_id], results.get((district_id, contest_id))
        if result is None:
            return Contest(number, contest_id, own, contest.kind)
        votes = dict(zip([one.number for one in own], result.votes, strict=True)) | {INVALID: result.invalid}
        rankings = tuple((tuple(own[place].number for place in places), n) for places, n in result.rankings)
        return Contest(number, contest_id, own, contest.kind, votes, rankings)

    rolls, first = [], 1
    for number, district in enumerate(scenario.districts, 1):
        paper = tuple(on_paper(district.district_id, contest_id) for contest_id in district.contests)
        rolls.append(Roll(number, district.district_id, district.region, first, district.electorate, paper))
        first += district.electorate
    return rolls


def only(number: int, standing: tuple[Line, ...], invalid: int | None, contest_id: str = "") -> Contest:
    """The contest of a simple district, with the official votes of its lines."""
    official = {own.number: own.official or 0 for own in standing} | {INVALID: invalid or 0}
    return Contest(number, contest_id or f"C{number}", standing, official=official)


def everybody(rolls: list[Roll], seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Voter, district, gender and age group of everybody registered; genders and ages by chance."""
    district = np.repeat([roll.district_no for roll in rolls], [roll.registered for roll in rolls])
    chance = np.random.default_rng(seed)
    size = len(district)
    return np.arange(1, size + 1), district, chance.integers(0, 2, size), chance.integers(0, 7, size)


def first_votes(rolls: list[Roll], rule: Replay | Simulated, people: tuple[np.ndarray, ...]) -> np.ndarray:
    """The choices at position 1 in an election without rankings, by candidate."""
    (choices,) = Behaviour(rolls, rule).choose(*people)
    assert choices.rankings is None
    return choices.candidate


def official(rolls: list[Roll]) -> dict[int, int]:
    """Official figures by decision."""
    votes = {own.number: own.official or 0 for roll in rolls for own in roll.paper[0].lines}
    votes[INVALID] = sum(roll.paper[0].official[INVALID] for roll in rolls)
    votes[ABSTAINS] = sum(roll.registered for roll in rolls) - sum(votes.values())
    return {decision: number for decision, number in votes.items() if number}


def counted(decisions: np.ndarray) -> dict[int, int]:
    return dict(zip(*(part.tolist() for part in np.unique(decisions, return_counts=True)), strict=True))


@pytest.mark.parametrize("seed", [0, 2019, -5])
@pytest.mark.parametrize("region", ["Northern Ireland", "Wales"])
def test_a_replay_meets_every_official_figure(region: str, seed: int) -> None:
    rolls = rolls_of(scenarios.select(UK, region=region))
    assert counted(first_votes(rolls, Replay(seed, rolls), everybody(rolls))) == official(rolls)


def test_a_replay_is_the_same_in_any_order_and_any_batches() -> None:
    rolls = rolls_of(scenarios.select(UK, ["W07000041", "S14000027", "Bath"]))
    rule = Replay(7, rolls)
    people = everybody(rolls)
    at_once = first_votes(rolls, rule, people)
    order = np.random.default_rng(3).permutation(len(at_once))
    scattered = np.empty_like(at_once)
    for batch in np.array_split(order, 1_000):
        scattered[batch] = first_votes(rolls, rule, tuple(column[batch] for column in people))
    assert (scattered == at_once).all()


def test_a_district_is_replayed_alike_whatever_else_is_chosen() -> None:
    alone, among = (rolls_of(scenarios.select(UK, names)) for names in (["Bath"], ["Bath", "Aldershot"]))
    votes = []
    for rolls in (alone, among):
        bath = next(roll for roll in rolls if roll.district_id == "E14000547")
        ranks = np.arange(bath.registered)
        people = bath.first_voter_no + ranks, np.full_like(ranks, bath.district_no), ranks * 0, ranks * 0
        chosen = first_votes(rolls, Replay(7, rolls), people)
        votes.append(np.where(chosen > 0, chosen - bath.paper[0].lines[0].number, chosen - 100))
    assert (votes[0] == votes[1]).all()


def test_another_seed_is_another_night() -> None:
    rolls = rolls_of(scenarios.select(UK, ["Bath"]))
    people = everybody(rolls)
    one, other = (first_votes(rolls, Replay(seed, rolls), people) for seed in (1, 2))
    assert 0.3 < (one != other).mean() < 0.95


def test_votes_do_not_come_in_the_order_of_candidates() -> None:
    """Every tenth of the electorate votes much as the whole: screens do not show one candidate's votes first."""
    rolls = rolls_of(scenarios.select(UK, ["Bath"]))
    decisions = first_votes(rolls, Replay(1, rolls), everybody(rolls))
    winner = np.bincount(decisions[decisions > 0]).argmax()
    share = (decisions == winner).mean()
    for part in np.array_split(decisions, 10):
        assert abs((part == winner).mean() - share) < 4 * np.sqrt(share * (1 - share) / len(part))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(0, 9)),
        min_size=1,
        max_size=5,
    ),
    st.integers(-(2**63), 2**63 - 1),
)
def test_any_result_however_small_or_lopsided_is_met(contests: list[tuple[int, list[int], int]], seed: int) -> None:
    rolls, first, candidate_no = [], 1, 0
    for number, (more, votes, invalid) in enumerate(contests, 1):
        standing = tuple(line(number, candidate_no + i, "P", cast) for i, cast in enumerate(votes, 1))
        registered = sum(votes) + invalid + more - 1 or 1
        rolls.append(Roll(number, f"C{number}", "R", first, registered, (only(number, standing, invalid),)))
        first, candidate_no = first + registered, candidate_no + len(votes)
    assert counted(first_votes(rolls, Replay(seed, rolls), everybody(rolls))) == official(rolls)


def test_records_from_the_topic_decide_as_columns_do() -> None:
    race = scenarios.with_voters(scenarios.load(FOLDER, "single-race"), 2_000)
    rolls = rolls_of(race)
    behaviour = Behaviour(rolls, Simulated(5, rolls, race.simulation))
    voter, district, gender, age = everybody(rolls)
    records = [
        VoterRecord(SCHEMA_VERSION, 1, int(v), int(d), 1, GENDERS[g], AGE_GROUPS[a][1])
        for v, d, g, a in zip(voter, district, gender, age, strict=True)
    ]
    (decided,), (chosen,) = behaviour.decide(records), behaviour.choose(voter, district, gender, age)
    assert (decided.candidate == chosen.candidate).all()


@pytest.mark.parametrize(("voter", "district"), [(0, 1), (2_001, 1), (1, 2), (-1, 1), (2**60, 1)])
def test_who_is_not_on_the_roll_does_not_decide(voter: int, district: int) -> None:
    rolls = rolls_of(scenarios.with_voters(scenarios.load(FOLDER, "single-race"), 2_000))
    with pytest.raises(ValueError, match="not on the roll"):
        Behaviour(rolls, Simulated(5, rolls, Simulation())).choose(*(np.array([x]) for x in (voter, district, 0, 0)))


def simulated(
    seed: int, simulation: Simulation, voters: int = 400_000
) -> tuple[list[Roll], np.ndarray, np.ndarray, np.ndarray]:
    rolls = rolls_of(scenarios.with_voters(scenarios.load(FOLDER, "single-race"), voters))
    people = everybody(rolls)
    return rolls, first_votes(rolls, Simulated(seed, rolls, simulation), people), people[2], people[3]


@pytest.mark.parametrize("turnout", [0.0, 0.3, 0.65, 1.0])
def test_a_simulated_turnout_is_what_was_asked_for(turnout: float) -> None:
    _, decisions, _, _ = simulated(1, Simulation(turnout=turnout))
    assert (decisions != ABSTAINS).mean() == pytest.approx(turnout, abs=0.004)


@pytest.mark.parametrize("invalid", [0.0, 0.02, 1.0])
def test_simulated_ballots_are_spoilt_as_often_as_was_asked_for(invalid: float) -> None:
    _, decisions, _, _ = simulated(1, Simulation(invalid=invalid))
    assert (decisions[decisions != ABSTAINS] == INVALID).mean() == pytest.approx(invalid, abs=0.002)


def test_support_depends_on_age_and_gender_as_the_formulas_say() -> None:
    simulation = scenarios.load(FOLDER, "single-race").simulation
    rolls, decisions, gender, age = simulated(4, simulation)
    expected = support(4, rolls[0], rolls[0].paper[0], simulation)
    assert np.ptp(expected, axis=1).max() > 0.1  # ages differ
    assert np.ptp(expected, axis=0).max() > 0.005  # genders differ
    for g in (0, 1):
        for a in range(7):
            valid = decisions[(gender == g) & (age == a) & (decisions > 0)]
            shares = np.bincount(valid, minlength=4)[1:] / len(valid)
            assert shares == pytest.approx(expected[g, a], abs=5 * np.sqrt(0.25 / len(valid)))


def test_support_and_turnout_differ_by_region_and_the_turnout_asked_for_is_met_over_all() -> None:
    regions = [f"Region {n}" for n in range(8)]
    standing = (line(1, 1, "A", None), line(1, 2, "B", None))
    rolls = [
        Roll(n, f"C{n}", region, n * 1000, 1000 * n, (only(n, standing, None),)) for n, region in enumerate(regions, 1)
    ]
    shares = {roll.region: float(support(3, roll, roll.paper[0], Simulation())[0, 0, 0]) for roll in rolls}
    assert np.ptp(list(shares.values())) > 0.05
    turnout = turnout_by_roll(3, rolls, Simulation(turnout=0.6))
    assert np.ptp(turnout) > 0.03
    assert np.average(turnout, weights=[roll.registered for roll in rolls]) == pytest.approx(0.6)
    for extreme in (0.0, 0.01, 0.99, 1.0):
        bounded = turnout_by_roll(3, rolls, Simulation(turnout=extreme, turnout_spread=0.5))
        assert bounded.min() >= -1e-12 and bounded.max() <= 1 + 1e-12


def test_the_support_drawn_stays_within_the_scenarios_range() -> None:
    simulation = Simulation(0.6, 0, 0, 0, 0, 0, 0, support=(("HVA", 0.1, 0.2), ("CIV", 0.4, 0.5), ("NEW", 0.7, 0.8)))
    rolls = rolls_of(scenarios.load(FOLDER, "single-race"))
    for seed in range(50):
        first, second, third = support(seed, rolls[0], rolls[0].paper[0], simulation)[0, 0]
        assert first < second < third


def test_a_simulation_differs_by_seed_and_only_by_seed() -> None:
    simulation = Simulation()
    one, again, other = (simulated(seed, simulation, 20_000)[1] for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()


def test_a_runs_turnout_goes_before_the_scenarios() -> None:
    registered = {"turnout": 0.4, "simulation": {"turnout": 0.7, "invalid": 0.01, "support": [["A", 0.1, 0.2]]}}
    assert simulation_of(registered) == Simulation(turnout=0.4, invalid=0.01, support=(("A", 0.1, 0.2),))
    assert simulation_of({"turnout": None}) == Simulation()


@pytest.mark.parametrize(
    ("rule", "digest"),
    [
        (lambda rolls: Replay(7, rolls), "0f2b6ba86ebf043e"),
        (lambda rolls: Simulated(7, rolls, Simulation()), "5fdf57a69f9e2171"),
    ],
    ids=["replay", "simulation"],
)
def test_a_simple_election_is_vote_by_vote_what_version_0_1_made_of_it(rule, digest: str) -> None:
    rolls = rolls_of(scenarios.select(UK, ["W07000041", "S14000027", "Bath"]))
    votes = first_votes(rolls, rule(rolls), everybody(rolls)).astype("<i4").tobytes()
    assert hashlib.sha256(votes).hexdigest()[:16] == digest


def lines(contest: int, numbers: range) -> tuple[Line, ...]:
    return tuple(line(contest, number, f"P{number}", None) for number in numbers)


def two_votes(simulated: bool = False) -> list[Roll]:
    """Two districts that elect a candidate each, and lists in common; a third without a poll between them."""
    lists = lines(3, range(11, 15))

    def roll(number: int, first: int, size: int, votes: list[int], second: list[int]) -> Roll:
        own = lines(number, range(4 * number, 4 * number + 3))
        constituency = Contest(
            number,
            f"C{number}",
            own,
            official=dict(zip([INVALID, *range(4 * number, 4 * number + 3)], votes, strict=True)),
        )
        land = Contest(3, "L3", lists, "lists", dict(zip([INVALID, *range(11, 15)], second, strict=True)))
        return Roll(number, f"D{number}", f"R{number}", first, size, (constituency, land))

    return [
        roll(1, 1, 5_000, [50, 1_500, 1_450, 0], [20, 980, 1_000, 990, 10]),
        Roll(9, "D9", "R1", 5_001, 700, ()),
        roll(2, 5_701, 3_100, [5, 995, 500, 1_500], [10, 1_990, 0, 1_000, 0]),
    ]


def by_district(rolls: list[Roll], people: tuple[np.ndarray, ...], choices: Choices) -> dict[int, dict[int, int]]:
    return {roll.district_no: counted(choices.candidate[people[1] == roll.district_no]) for roll in rolls}


@pytest.mark.parametrize("seed", [0, 2025])
def test_both_votes_of_a_replay_meet_every_districts_figures_and_the_same_voters_cast_them(seed: int) -> None:
    rolls = two_votes()
    people = everybody(rolls)
    first, second = Behaviour(rolls, Replay(seed, rolls)).choose(*people)
    for index, choices in enumerate((first, second)):
        expected = {
            roll.district_no: {number: votes for number, votes in roll.paper[index].official.items() if votes}
            | {ABSTAINS: roll.registered - sum(roll.paper[index].official.values())}
            for roll in rolls
            if roll.paper
        }
        assert by_district(rolls, people, choices) == expected | {9: {ABSTAINS: 700}}
    assert ((first.candidate == ABSTAINS) == (second.candidate == ABSTAINS)).all()


def test_second_votes_of_a_replay_do_not_follow_from_the_first() -> None:
    rolls = two_votes()
    first, second = Behaviour(rolls, Replay(1, rolls)).choose(*everybody(rolls))
    of_party = second.candidate[first.candidate == 4]  # 1,500 of 3,000 first votes in district 1
    shares = np.bincount(of_party, minlength=15)[11:14] / len(of_party)
    assert shares == pytest.approx([980 / 3_000, 1_000 / 3_000, 990 / 3_000], abs=0.06)


def test_a_replay_with_other_numbers_of_second_votes_is_refused() -> None:
    rolls = two_votes()
    first, second = rolls[0].paper
    fewer = replace(second, official={**second.official, 11: 979})
    with pytest.raises(BadInput, match=r"district D1 differ by contest \(3000, 2999,"):
        Replay(1, [replace(rolls[0], paper=(first, fewer)), *rolls[1:]])
    with pytest.raises(BadInput, match=r"District D1 has more official ballots \(3,000\) than registered voters"):
        Replay(1, [replace(rolls[0], registered=2_999), *rolls[1:]])


def test_both_votes_of_germany_are_official_in_every_district() -> None:
    rolls = rolls_of(scenarios.select(scenarios.load(FOLDER, "germany-bundestag-2025"), region="Bremen"))
    people = everybody(rolls)
    first, second = Behaviour(rolls, Replay(2025, rolls)).choose(*people)
    for index, choices in enumerate((first, second)):
        for roll in rolls:
            votes = {number: votes for number, votes in roll.paper[index].official.items() if votes}
            abstain = {ABSTAINS: roll.registered - sum(votes.values())}
            assert counted(choices.candidate[people[1] == roll.district_no]) == votes | abstain
    assert ((first.candidate == ABSTAINS) == (second.candidate == ABSTAINS)).all()


def test_every_ballot_of_aberdeen_is_cast_as_it_was() -> None:
    rolls = rolls_of(scenarios.load(FOLDER, "scotland-aberdeen-2017"))
    people = everybody(rolls)
    (choices,) = Behaviour(rolls, Replay(2017, rolls)).choose(*people)
    found = Counter(zip(people[1].tolist(), choices.ranked(), strict=True))
    official = {(roll.district_no, ranking): n for roll in rolls for ranking, n in roll.paper[0].rankings}
    assert {key: n for key, n in found.items() if key[1]} == official
    assert sum(official.values()) == 70_609
    spoilt = {roll.district_no: roll.paper[0].official[INVALID] for roll in rolls}
    assert Counter(people[1][choices.candidate == INVALID].tolist()) == spoilt


RANKINGS = (((1,), 40), ((1, 2, 3), 300), ((2, 1), 250), ((3, 2, 1, 4), 7), ((4,), 1))


def ranked(number: int = 1) -> list[Roll]:
    """Two districts, of which the second alone has a ranking."""
    standing = lines(2, range(1, 5))
    ranking = Contest(2, "W2", standing, "ranking", {INVALID: 11}, RANKINGS)
    plain = only(1, (line(1, 5, "A", 30), line(1, 6, "B", 20)), 3)
    return [Roll(1, "D1", "R", 1, 60, (plain,)), Roll(2, "D2", "R", 61, 1_000, (ranking,))]


def test_a_replay_casts_every_official_ranking() -> None:
    rolls = ranked()
    people = everybody(rolls)
    (choices,) = Behaviour(rolls, Replay(3, rolls)).choose(*people)
    rankings = choices.ranked()
    found = Counter(rankings[voter] for voter in np.flatnonzero(people[1] == 2))
    assert found == dict(RANKINGS) | {None: 1_000 - 598}
    for ranking, candidate in zip(rankings, choices.candidate.tolist(), strict=True):
        assert ranking is None or ranking[0] == candidate
    assert counted(choices.candidate[people[1] == 1]) == {5: 30, 6: 20, INVALID: 3, ABSTAINS: 7}
    assert (choices.candidate[people[1] == 2] == INVALID).sum() == 11


def test_a_simulated_voter_votes_at_every_position_or_at_none_and_first_votes_stay_as_they_are() -> None:
    rolls, simulation = two_votes(), Simulation(turnout=0.6, invalid=0.02)
    people = everybody(rolls)
    first, second = Behaviour(rolls, Simulated(5, rolls, simulation)).choose(*people)
    assert ((first.candidate == ABSTAINS) == (second.candidate == ABSTAINS)).all()
    assert set(second.candidate.tolist()) == {ABSTAINS, INVALID, *range(11, 15)}
    assert by_district(rolls, people, first)[9] == {ABSTAINS: 700}
    alone = [replace(roll, paper=roll.paper[:1]) for roll in rolls]
    assert (first_votes(alone, Simulated(5, alone, simulation), people) == first.candidate).all()
    spoilt = [choices.candidate == INVALID for choices in (first, second)]
    assert spoilt[0].any() and (spoilt[0] & spoilt[1]).sum() < spoilt[0].sum() / 2, "each vote is drawn on its own"


def test_the_first_preference_of_a_simulated_ranking_is_drawn_as_a_vote_for_a_candidate_is() -> None:
    rolls = ranked()
    plain = [replace(roll, paper=(replace(roll.paper[0], kind="candidates"),)) for roll in rolls]
    people = everybody(rolls)
    (choices,) = Behaviour(rolls, Simulated(5, rolls, Simulation())).choose(*people)
    assert (first_votes(plain, Simulated(5, plain, Simulation()), people) == choices.candidate).all()
    for district, candidate, ranking in zip(
        people[1].tolist(), choices.candidate.tolist(), choices.ranked(), strict=True
    ):
        assert (ranking is not None) == (district == 2 and candidate > 0)
        if ranking:
            assert ranking[0] == candidate and len(set(ranking)) == len(ranking) and set(ranking) <= {1, 2, 3, 4}


def test_further_preferences_are_drawn_from_the_rest_as_the_formula_says() -> None:
    standing = lines(1, range(1, 5))
    rolls = [Roll(1, "D1", "R", 1, 400_000, (Contest(1, "W1", standing, "ranking"),))]
    simulation = Simulation(turnout=1.0, invalid=0.0, age_spread=0.0, gender_spread=0.0)
    (choices,) = Behaviour(rolls, Simulated(8, rolls, simulation)).choose(*everybody(rolls))
    assert choices.rankings is not None
    weights = support(8, rolls[0], rolls[0].paper[0], simulation)[0, 0]
    named = (choices.rankings > 0).sum(axis=1)
    lengths = np.bincount(named, minlength=5)[1:] / len(named)
    assert lengths == pytest.approx([0.3, 0.21, 0.147, 0.343], abs=0.004)
    for first in range(1, 5):
        second = choices.rankings[(choices.rankings[:, 0] == first) & (named > 1), 1]
        rest = np.where(np.arange(1, 5) == first, 0, weights)
        shares = np.bincount(second, minlength=5)[1:] / len(second)
        assert shares == pytest.approx(rest / rest.sum(), abs=5 * np.sqrt(0.25 / len(second)))
    third = choices.rankings[(choices.rankings[:, 0] == 2) & (choices.rankings[:, 1] == 4) & (named > 2), 2]
    shares = np.bincount(third, minlength=5)[[1, 3]] / len(third)
    assert shares == pytest.approx(weights[[0, 2]] / weights[[0, 2]].sum(), abs=5 * np.sqrt(0.25 / len(third)))


def test_rankings_are_the_same_in_any_batches_and_whatever_else_is_chosen() -> None:
    rolls = ranked()
    for rule in (Replay(3, rolls), Simulated(3, rolls, Simulation())):
        people = everybody(rolls)
        (at_once,) = Behaviour(rolls, rule).choose(*people)
        assert at_once.rankings is not None
        for batch in np.array_split(np.random.default_rng(3).permutation(len(people[0])), 37):
            (some,) = Behaviour(rolls, rule).choose(*(column[batch] for column in people))
            assert some.rankings is not None and (some.rankings == at_once.rankings[batch]).all()
    longer = Roll(3, "D3", "R", 1_061, 50, (Contest(3, "W3", lines(3, range(21, 40)), "ranking"),))
    more = [*rolls, longer]
    voter, district, gender, age = (column[:1_060] for column in everybody(more))
    people = voter, district, gender, age
    (alone,), (among,) = (Behaviour(some, Simulated(3, some, Simulation())).choose(*people) for some in (rolls, more))
    assert alone.rankings is not None and among.rankings is not None
    # The turnout alone depends on what else is chosen, and districts of one region have the same.
    assert (among.rankings[:, :4] == alone.rankings).all() and not among.rankings[:, 4:].any()
