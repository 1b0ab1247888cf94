"""An election against the one before: 2019 against 2017, and by hand."""

from fractions import Fraction

from election import scenarios
from election.cli.result_table import _against
from election.outcome import Rules, decide_election
from election.outcome.change import Change, Figures, Swing, change, figures
from election.scenarios.official import official
from election.settings import Settings


def uk(year: int) -> list[Figures]:
    races, count = official(scenarios.load(Settings().scenarios, f"uk-general-election-{year}"))
    return figures(decide_election(races, count, Rules()), count)


def test_the_uk_of_2019_against_2017() -> None:
    found = change(uk(2019), uk(2017))
    assert (len(found.contests), found.unmatched) == (650, ())
    assert {party: found.net[party] for party in ("Con", "Lab", "SNP", "LD")} == {
        "Con": 48, "Lab": -60, "SNP": 13, "LD": -1,
    }  # fmt: skip
    assert sum(found.gained.values()) == sum(found.lost.values()) == sum(contest.gained for contest in found.contests)
    assert sum(found.net.values()) == 0
    assert found.swing is not None and found.turnout is not None
    assert (found.swing.of, found.swing.to) == ("Lab", "Con")
    # Shares of 43.63 and 32.08 percent after 42.34 and 39.99; turnout, rejected papers included, 67.56 after 68.99.
    assert round(float(found.swing.share) * 100, 1) == 4.6
    assert round(float(found.turnout) * 100, 2) == round(
        (32_014_110 + 117_919) / 47_562_702 * 100 - (32_204_184 + 74_188) / 46_836_533 * 100, 2
    )


def by_hand(contest_id: str, party: str | None, votes: dict[str, int], registered: int = 100) -> Figures:
    return Figures(contest_id, party, votes, sum(votes.values()), registered)


def one(now: Figures, before: Figures) -> Change:
    return change([now], [before])


def test_half_of_one_partys_rise_and_the_others_fall_is_the_swing() -> None:
    found = one(by_hand("1", "A", {"A": 30, "B": 20}), by_hand("1", "B", {"A": 20, "B": 50, "C": 30}))
    # A from 20 to 60 percent, B from 50 to 40.
    assert found.swing == found.contests[0].swing == Swing("B", "A", Fraction(1, 4))
    assert (found.net, found.turnout) == ({"A": 1, "B": -1}, Fraction(-1, 2))
    back = one(by_hand("1", "A", {"A": 30, "B": 20}), by_hand("1", "A", {"A": 90, "B": 10}))
    assert (back.swing, back.net) == (Swing("A", "B", Fraction(3, 10)), {})


def test_a_party_that_did_not_stand_before_has_no_swing() -> None:
    assert one(by_hand("1", "N", {"N": 9, "A": 1}), by_hand("1", "A", {"A": 10})).swing is None


def test_the_terminal_says_it_in_a_line() -> None:
    swing = {"of": "Lab", "to": "Con", "points": 4.6}
    before = {"title": "UK 2017", "net": {"Con": 48, "Lab": -60}, "swing": swing, "turnout": -1.36}
    assert _against(before) == (
        "Against UK 2017: Con +48, Lab -60; swing of 4.60 points from Lab to Con; turnout -1.36 points"
    )
    assert _against({"title": "2017", "net": {}, "swing": None, "turnout": None}) == "Against 2017: no seat has changed"


def test_an_open_seat_is_neither_gained_nor_lost() -> None:
    found = one(by_hand("1", None, {"A": 5, "B": 5}), by_hand("1", "B", {"A": 4, "B": 6}))
    assert (found.net, found.contests[0].gained) == ({}, False)


def test_a_contest_without_a_predecessor_is_named_and_counts_for_nothing() -> None:
    now = [by_hand("1", "A", {"A": 6, "B": 4}), by_hand("new", "B", {"A": 1, "B": 90})]
    found = change(now, [by_hand("1", "A", {"A": 6, "B": 4}), by_hand("gone", "B", {"B": 9})])
    assert (found.unmatched, found.net) == (("new",), {})
    assert found.turnout == 0
    assert found.swing == Swing("B", "A", Fraction(0))


def test_shares_are_compared_for_every_party_that_stands_now() -> None:
    found = one(by_hand("1", "A", {"A": 60, "N": 40}), by_hand("1", "A", {"A": 50, "B": 50}))
    assert found.shares == {"A": Fraction(1, 10), "N": Fraction(2, 5)}
    assert one(by_hand("1", None, {"A": 0}), by_hand("1", "A", {"A": 9})).shares == {}


def test_a_contest_that_did_not_poll_in_both_elections_moves_neither_swing_nor_turnout() -> None:
    polled = by_hand("1", "A", {"A": 60, "B": 20}), by_hand("1", "A", {"A": 50, "B": 20, "C": 30})
    unopposed = Figures("2", "A", {"A": 0}, 0, 0), by_hand("2", "A", {"A": 90})
    found = change([polled[0], unopposed[0]], [polled[1], unopposed[1]])
    assert (found.turnout, found.swing) == (Fraction(-1, 5), one(*polled).swing)
    assert found.contests[1].held and not found.contests[1].gained
    assert (found.contests[1].turnout, found.contests[1].swing) == (None, None)
