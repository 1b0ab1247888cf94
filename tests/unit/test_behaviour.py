"""Who votes for whom: exact on a replay, plausible in a simulation, the same in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from election import scenarios
from election.behaviour.deciding import ABSTAINS, GENDERS, INVALID, Behaviour, Roll
from election.behaviour.loading import simulation_of
from election.behaviour.replay import Replay
from election.behaviour.simulation import Simulated, support, turnout_by_roll
from election.contracts.ages import AGE_GROUPS
from election.contracts.messages import SCHEMA_VERSION, VoterRecord
from election.outcome import Line
from election.scenarios import Scenario, Simulation
from election.settings import Settings

FOLDER = Settings().scenarios
UK = scenarios.load(FOLDER, "uk-general-election-2019")


def line(contest: int, number: int, party: str, official: int | None) -> Line:
    return Line(number, contest, f"Name {number}", party, party, official)


def rolls_of(scenario: Scenario) -> list[Roll]:
    """The scenario's contests as they are registered: numbers from 1, voters one after the other."""
    rolls, first, candidate_no = [], 1, 0
    for number, contest in enumerate(scenario.contests, 1):
        standing = tuple(
            line(number, candidate_no + position, candidate.party_abbreviation, candidate.votes)
            for position, candidate in enumerate(contest.candidates, 1)
        )
        candidate_no += len(standing)
        rolls.append(
            Roll(number, contest.contest_id, contest.region, first, contest.electorate, contest.invalid_votes, standing)
        )
        first += contest.electorate
    return rolls


def everybody(rolls: list[Roll], seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Voter, contest, gender and age group of everybody registered; genders and ages by chance."""
    contest = np.repeat([roll.contest_no for roll in rolls], [roll.registered for roll in rolls])
    chance = np.random.default_rng(seed)
    size = len(contest)
    return np.arange(1, size + 1), contest, chance.integers(0, 2, size), chance.integers(0, 7, size)


def official(rolls: list[Roll]) -> dict[int, int]:
    """Official figures by decision."""
    votes = {standing.number: standing.official or 0 for roll in rolls for standing in roll.candidates}
    votes[INVALID] = sum(roll.official_invalid or 0 for roll in rolls)
    votes[ABSTAINS] = sum(roll.registered for roll in rolls) - sum(votes.values())
    return {decision: number for decision, number in votes.items() if number}


def counted(decisions: np.ndarray) -> dict[int, int]:
    return dict(zip(*(part.tolist() for part in np.unique(decisions, return_counts=True)), strict=True))


@pytest.mark.parametrize("seed", [0, 2019, -5])
@pytest.mark.parametrize("region", ["Northern Ireland", "Wales"])
def test_a_replay_meets_every_official_figure(region: str, seed: int) -> None:
    rolls = rolls_of(scenarios.select(UK, region=region))
    assert counted(Behaviour(rolls, Replay(seed, rolls)).choose(*everybody(rolls))) == official(rolls)


def test_a_replay_is_the_same_in_any_order_and_any_batches() -> None:
    rolls = rolls_of(scenarios.select(UK, ["W07000041", "S14000027", "Bath"]))
    behaviour = Behaviour(rolls, Replay(7, rolls))
    people = everybody(rolls)
    at_once = behaviour.choose(*people)
    order = np.random.default_rng(3).permutation(len(at_once))
    scattered = np.empty_like(at_once)
    for batch in np.array_split(order, 1_000):
        scattered[batch] = behaviour.choose(*(column[batch] for column in people))
    assert (scattered == at_once).all()


def test_a_contest_is_replayed_alike_whatever_else_is_chosen() -> None:
    alone, among = (rolls_of(scenarios.select(UK, names)) for names in (["Bath"], ["Bath", "Aldershot"]))
    votes = []
    for rolls in (alone, among):
        bath = next(roll for roll in rolls if roll.contest_id == "E14000547")
        ranks = np.arange(bath.registered)
        chosen = Behaviour(rolls, Replay(7, rolls)).choose(
            bath.first_voter_no + ranks, np.full_like(ranks, bath.contest_no), ranks * 0, ranks * 0
        )
        votes.append(np.where(chosen > 0, chosen - bath.candidates[0].number, chosen - 100))
    assert (votes[0] == votes[1]).all()


def test_another_seed_is_another_night() -> None:
    rolls = rolls_of(scenarios.select(UK, ["Bath"]))
    people = everybody(rolls)
    one, other = (Behaviour(rolls, Replay(seed, rolls)).choose(*people) for seed in (1, 2))
    assert 0.3 < (one != other).mean() < 0.95


def test_votes_do_not_come_in_the_order_of_candidates() -> None:
    """Every tenth of the electorate votes much as the whole: screens do not show one candidate's votes first."""
    rolls = rolls_of(scenarios.select(UK, ["Bath"]))
    decisions = Behaviour(rolls, Replay(1, rolls)).choose(*everybody(rolls))
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
        rolls.append(Roll(number, f"C{number}", "R", first, registered, invalid, standing))
        first, candidate_no = first + registered, candidate_no + len(votes)
    assert counted(Behaviour(rolls, Replay(seed, rolls)).choose(*everybody(rolls))) == official(rolls)


def test_records_from_the_topic_decide_as_columns_do() -> None:
    race = scenarios.with_voters(scenarios.load(FOLDER, "single-race"), 2_000)
    rolls = rolls_of(race)
    behaviour = Behaviour(rolls, Simulated(5, rolls, race.simulation))
    voter, contest, gender, age = everybody(rolls)
    records = [
        VoterRecord(SCHEMA_VERSION, 1, int(v), int(c), 1, GENDERS[g], AGE_GROUPS[a][1])
        for v, c, g, a in zip(voter, contest, gender, age, strict=True)
    ]
    assert (behaviour.decide(records) == behaviour.choose(voter, contest, gender, age)).all()


@pytest.mark.parametrize(("voter", "contest"), [(0, 1), (2_001, 1), (1, 2), (-1, 1), (2**60, 1)])
def test_who_is_not_on_the_roll_does_not_decide(voter: int, contest: int) -> None:
    rolls = rolls_of(scenarios.with_voters(scenarios.load(FOLDER, "single-race"), 2_000))
    with pytest.raises(ValueError, match="not on the roll"):
        Behaviour(rolls, Simulated(5, rolls, Simulation())).choose(*(np.array([x]) for x in (voter, contest, 0, 0)))


def simulated(
    seed: int, simulation: Simulation, voters: int = 400_000
) -> tuple[list[Roll], np.ndarray, np.ndarray, np.ndarray]:
    rolls = rolls_of(scenarios.with_voters(scenarios.load(FOLDER, "single-race"), voters))
    people = everybody(rolls)
    return rolls, Behaviour(rolls, Simulated(seed, rolls, simulation)).choose(*people), people[2], people[3]


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
    expected = support(4, rolls[0], simulation)
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
    rolls = [Roll(n, f"C{n}", region, n * 1000, 1000 * n, None, standing) for n, region in enumerate(regions, 1)]
    shares = {roll.region: float(support(3, roll, Simulation())[0, 0, 0]) for roll in rolls}
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
        first, second, third = support(seed, rolls[0], simulation)[0, 0]
        assert first < second < third


def test_a_simulation_differs_by_seed_and_only_by_seed() -> None:
    simulation = Simulation()
    one, again, other = (simulated(seed, simulation, 20_000)[1] for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()


def test_a_runs_turnout_goes_before_the_scenarios() -> None:
    registered = {"turnout": 0.4, "simulation": {"turnout": 0.7, "invalid": 0.01, "support": [["A", 0.1, 0.2]]}}
    assert simulation_of(registered) == Simulation(turnout=0.4, invalid=0.01, support=(("A", 0.1, 0.2),))
    assert simulation_of({"turnout": None}) == Simulation()
