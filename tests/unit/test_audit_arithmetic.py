"""The arithmetic of an audit against published test vectors, a second implementation and the whole UK of 2019.

The vectors are those of Arlo's tests (votingworks/arlo, server/tests/audit_math), of SHANGRLA's (pbstark/SHANGRLA) and
of rlacalc's documentation; the formulas were written from the papers that the modules name.
"""

from collections.abc import Mapping
from math import prod

import pytest
import rlacalc
from hypothesis import given
from hypothesis import strategies as st

from bench.official import outcome as official_outcome
from election import scenarios
from election.audit import assertions, batches, comparison, polling
from election.audit.batches import Batch
from election.audit.comparison import INVALID, Error, Rates
from election.audit.contest import Contest
from election.audit.drawing import draw, draw_papers
from election.settings import Settings

LIMIT = 0.1
CLEAN, ONE_OVER, TWO_OVER = Error(0, 0.0), Error(1, 1.0), Error(2, 2.0)


def contest(ballots: int, *votes: int, winners: tuple[int, ...] = (1,)) -> Contest:
    return Contest(ballots, dict(enumerate(votes, 1)), winners)


@pytest.mark.parametrize(
    ("audited", "size", "risk", "with_one", "with_two", "after_one", "after_two"),
    [
        (contest(100_000, 60_000, 40_000), 27, 0.06507, 0.12543, 1.0, 38, None),
        (contest(60_000, 30_000, 24_000), 54, 0.06973, 0.13441, 1.0, 76, None),
        (contest(36_000, 18_000, 12_600), 36, 0.06740, 0.12992, 1.0, 51, None),
        (contest(15_000, 8_000, 6_000), 40, 0.07048, 0.13585, 1.0, 57, None),
        (contest(10_000, 10_000, 0), 6, 0.01950, 0.03758, 0.51877, 7, 33),
        (contest(15, 10, 4), 14, 0.05013, None, None, None, None),
        (contest(1_000, 600, 300, 100, winners=(1, 2)), 27, 0.06507, 0.12543, None, None, None),
    ],
)
def test_ballot_comparison(audited, size, risk, with_one, with_two, after_one, after_two) -> None:
    """Vectors 1 to 7."""
    assert comparison.sample_size(audited, LIMIT) == size
    assert comparison.risk(audited, [CLEAN] * size) == pytest.approx(risk, abs=5e-6)
    for found, expected in ((ONE_OVER, with_one), (TWO_OVER, with_two)):
        if expected is not None:
            errors = [CLEAN] * (size - 1) + [found]
            assert comparison.risk(audited, errors) == pytest.approx(expected, abs=5e-6)
    for found, expected in ((ONE_OVER, after_one), (TWO_OVER, after_two)):
        if expected is not None:
            rates = comparison.observed([CLEAN] * (size - 1) + [found])
            assert comparison.sample_size(audited, LIMIT, rates) == expected


def test_kaplan_markov_of_rlacalc() -> None:
    """Vector 8."""
    margin = (354_040 - 337_589) / 724_863
    assert comparison.kaplan_markov(200, margin, over=(1, 0)) == pytest.approx(0.21438135077031842, rel=1e-12)


@given(
    st.integers(1, 2_000), st.floats(0.001, 1), st.integers(0, 4), st.integers(0, 2), st.integers(0, 4),
    st.integers(0, 2),
)  # fmt: skip
def test_a_second_opinion_on_the_risk(drawn, margin, o1, o2, u1, u2) -> None:
    own = comparison.kaplan_markov(drawn, margin, over=(o1, o2), under=(u1, u2))
    assert own == pytest.approx(min(1, rlacalc.KM_P_value(drawn, 1.03905, margin, o1, o2, u1, u2)), rel=1e-9)


@given(st.integers(51, 100), st.sampled_from([0.05, 0.1, 0.2]))
def test_a_second_opinion_on_the_sample_size(won, limit) -> None:
    audited = contest(100_000, won * 1_000, (100 - won) * 1_000)
    own = comparison.sample_size(audited, limit)
    theirs = rlacalc.KM_Expected_sample_size_rounded(limit, 1.03905, audited.diluted_margin)
    assert own == min(100_000, theirs)


def test_the_pair_that_a_ballot_misstates_most_counts_against_its_own_margin() -> None:
    audited = contest(100, 50, 30, 10)  # margins 20 and 40
    assert comparison.error(audited, 1, 1) == CLEAN
    assert comparison.error(audited, 1, 2) == TWO_OVER
    assert comparison.error(audited, 1, INVALID) == ONE_OVER
    assert comparison.error(audited, 1, 3) == Error(1, 1.0), (
        "two votes of 40 weigh as much as one of 20: the first pair"
    )
    assert comparison.error(audited, INVALID, 3) == Error(1, 0.5)
    assert comparison.error(audited, 3, 2) == ONE_OVER
    assert comparison.error(audited, 2, 1) == Error(-1, -0.5)
    assert comparison.error(audited, None, 1) == TWO_OVER
    assert comparison.error(audited, 3, None) == TWO_OVER, "what is not to be found counts as the worst"


def test_understatements_do_not_lower_the_risk() -> None:
    audited = contest(100, 60, 40)
    assert comparison.risk(audited, [Error(-2, -2.0)] * 9) == comparison.risk(audited, [CLEAN] * 9)


def test_bravo() -> None:
    """Vectors 9 to 11."""
    two = contest(1_000, 600, 400)
    assert polling.expected_size(two, LIMIT) == 119
    assert polling.risk(two, {1: 72, 2: 47}) == pytest.approx(0.0714, abs=5e-5)
    assert polling.expected_size(contest(1_000, 300, 200, 200), LIMIT) == 238
    assert polling.risk(contest(20_000, 10_000, 9_000), {1: 1_200, 2: 1_000}) == pytest.approx(0.000561, abs=1e-6)
    for votes, size in (((40, 32), 1_599), ((36, 32), 6_067), ((52, 47), 5_657)):
        # Arlo's figures, which nobody has recomputed: theirs and ours are two approximations by one distribution.
        found = polling.likely_size(contest(100_000, *(v * 1_000 for v in votes)), LIMIT)
        assert found == pytest.approx(size, abs=2)


def test_a_paper_for_a_loser_without_a_counted_vote_ends_all_certainty() -> None:
    assert polling.risk(contest(10, 10, 0), {1: 9}) == pytest.approx(2**-9)
    assert polling.risk(contest(10, 10, 0), {1: 9, 2: 1}) == 1


def test_minerva() -> None:
    """Vector 12."""
    share = 0.6
    assert polling.minerva_risk(share, 56, 40) == pytest.approx(0.0933945799801, abs=1e-12)
    assert polling.minerva_risk(share, 40, 40) == pytest.approx(0.5596434615210, abs=1e-12)
    audited = contest(1_200, 600, 400)
    # Arlo's sizes are not the smallest: the chance goes up and down with the size, and they search by halves.
    for chance, arlos in ((0.7, 134), (0.8, 166), (0.9, 215)):
        assert polling.minerva_chance(share, LIMIT, arlos * 1_000 // 1_200) >= chance
        own = polling.minerva_size(audited, LIMIT, chance)
        assert own <= arlos
        assert polling.minerva_chance(share, LIMIT, own * 1_000 // 1_200) >= chance
        assert polling.minerva_chance(share, LIMIT, own * 1_000 // 1_200 - 1) < chance


def test_macro() -> None:
    """Vector 13."""
    audited = contest(120_000, 60_000, 54_000)
    every = [Batch(400, {1: 200, 2: 180})] * 200 + [Batch(200, {1: 100, 2: 90})] * 200
    assert batches.sample_size(audited, every, 0.25) == 30
    reached = batches.risk(audited, every, [0.0] * 4)
    assert batches.sample_size(audited, every, 0.25, reached) == 26
    found = batches.found_error(audited, {1: 200, 2: 180}, {1: 190, 2: 190})
    assert found == pytest.approx(20 / 6_000)
    assert batches.risk(audited, every, [found / batches.most_error(audited, every[0])]) > reached


def test_alpha() -> None:
    """Vector 14."""
    p_values = assertions.alpha([1.0] * 10, 1_000, 0.75)
    assert p_values[6:8] == [pytest.approx(0.05771, abs=5e-6), pytest.approx(0.03829, abs=5e-6)]
    learned = assertions.shrink_truncate([1.0] * 10, 1_000, 0.75)
    assert learned[9] < p_values[9], "an estimate that learns ends sooner where every ballot agrees"
    assert assertions.alpha([1.0] * 501, 1_000, 0.75)[-1] == 0, "more than a half is certain"


def test_an_error_lowers_what_the_assorter_gives() -> None:
    agrees, one, two = (assertions.overstatement_assorter(1, paper, 0.2) for paper in (1, 0.5, 0))
    assert [agrees, one, two] == pytest.approx([1 / 1.8, 0.5 / 1.8, 0])


def test_kaplan_on_values() -> None:
    """Vector 15."""
    ones = [1.0] * 5
    assert assertions.kaplan_markov(ones) == 2**-5
    assert assertions.kaplan_markov([*ones, 0.0], padding=0.1) == pytest.approx((1.1 / 0.6) ** -5)
    assert assertions.kaplan_wald(ones, padding=0.1) == pytest.approx(1.9**-5)


ARLO_SEED = "12345678901234567890abcdefghijklmnopqrstuvwxyz😊"
ARLO_DRAWS = [("0.000617786129909912", "pct 2", 3), ("0.002991631653037245", "pct 3", 24)]


def test_the_draw_is_arlos() -> None:
    """Vector 16."""
    places = [(f"pct {batch}", position) for batch in range(1, 5) for position in range(1, 26)]
    found = [(ticket, *place) for ticket, place in draw(places, ARLO_SEED, 20)]
    assert found[:2] == ARLO_DRAWS
    assert len(found) == 20 and found == sorted(found), "by ticket"


def test_a_larger_sample_goes_on_where_the_smaller_one_ended() -> None:
    boxes, seed = [(1, 40), (2, 2)], "31415926535897932384"
    whole = draw_papers(boxes, seed, 0, 60)
    assert draw_papers(boxes, seed, 0, 20) + draw_papers(boxes, seed, 20, 60) == whole
    assert len({(one.box, one.position) for one in whole}) < 60, "with replacement"
    assert all(1 <= one.position <= dict(boxes)[one.box] for one in whole)
    assert draw_papers(boxes, seed[::-1], 0, 60) != whole


@pytest.fixture(scope="module")
def uk() -> Mapping[str, Contest]:
    """Every contest of the general election of 2019 by its id."""
    found = {}
    for number, one in enumerate(scenarios.load(Settings().scenarios, "uk-general-election-2019").contests, 1):
        decided = official_outcome(number, one)
        votes = {standing.contender.number: standing.votes for standing in decided.standings}
        winners = tuple(elected.contender.number for elected in decided.elected)
        found[one.contest_id] = Contest(decided.counted, votes, winners)
    return found


def test_the_uk_of_2019_at_five_per_cent(uk: Mapping[str, Contest]) -> None:
    without = {own: comparison.sample_size(one, 0.05, Rates()) for own, one in uk.items()}
    assert (sum(without.values()), sorted(without.values())[325]) == (54_379, 25)
    assert max(without.items(), key=lambda one: one[1]) == ("N06000007", 5_579), "Fermanagh and South Tyrone"
    assert without["W07000041"] == 115, "Ynys Môn"
    with_errors = {own: comparison.sample_size(one, 0.05) for own, one in uk.items()}
    assert (sum(with_errors.values()), with_errors["N06000007"], with_errors["W07000041"]) == (110_713, 51_086, 127)
    assert sum(polling.expected_size(one, 0.05) for one in uk.values()) == pytest.approx(1.30e6, abs=5e3)


def test_a_tie_cannot_be_audited() -> None:
    with pytest.raises(ValueError, match="tie"):
        contest(10, 5, 5)
    assert prod(contest(10, 5, 4).margins.values()) == 1
