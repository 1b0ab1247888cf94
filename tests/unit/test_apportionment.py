"""Seats in proportion to votes: by hand, against two libraries, and what holds for any votes."""

import random
from fractions import Fraction
from typing import Any

import apportionment.methods
import pytest
import votelib.evaluate.proportional as votelib
from hypothesis import given, settings
from hypothesis import strategies as st

from election.outcome import ListRules, Threshold
from election.outcome.apportionment import Method, apportion
from election.outcome.ranges import Claim, seat_range

METHODS: list[Method] = ["dhondt", "sainte-lague", "largest-remainder"]
DIVISORS: list[Method] = ["dhondt", "sainte-lague"]
VOTES = st.lists(st.integers(0, 1_000_000), min_size=1, max_size=9).map(
    lambda votes: {f"party {place}": own for place, own in enumerate(votes)}
)
FEW = st.lists(st.integers(0, 12), min_size=1, max_size=6).map(lambda votes: dict(enumerate(votes)))
SEATS = st.integers(1, 60)


@pytest.mark.parametrize(
    ("method", "seats"),
    [
        # 100,000, 80,000, 30,000 and 20,000 votes, 8 seats: the quotients are easily written down.
        ("dhondt", {"A": 4, "B": 3, "C": 1, "D": 0}),
        ("sainte-lague", {"A": 3, "B": 3, "C": 1, "D": 1}),
        # A quota is 28,750: 3, 2, 1 and 0 whole ones; the remainders of B (22,500) and D (20,000) are the largest.
        ("largest-remainder", {"A": 3, "B": 3, "C": 1, "D": 1}),
    ],
)
def test_eight_seats_by_hand(method: Method, seats: dict[str, int]) -> None:
    found = apportion({"A": 100_000, "B": 80_000, "C": 30_000, "D": 20_000}, 8, method)
    assert (found.seats, found.level) == (seats, ())


@pytest.mark.parametrize(
    ("method", "votes", "seats", "certain", "level", "left"),
    [
        ("dhondt", {"A": 200, "B": 100, "C": 10}, 2, {"A": 1, "B": 0, "C": 0}, {"A", "B"}, 1),
        ("sainte-lague", {"A": 300, "B": 100, "C": 100}, 2, {"A": 1, "B": 0, "C": 0}, {"A", "B", "C"}, 1),
        ("sainte-lague", {"A": 300, "B": 100, "C": 100}, 3, {"A": 1, "B": 0, "C": 0}, {"A", "B", "C"}, 2),
        ("sainte-lague", {"A": 300, "B": 100, "C": 100}, 4, {"A": 2, "B": 1, "C": 1}, set(), 0),
        ("largest-remainder", {"A": 50, "B": 50}, 3, {"A": 1, "B": 1}, {"A", "B"}, 1),
        ("dhondt", {"A": 0, "B": 0}, 3, {}, set(), 0),
    ],
)
def test_equal_claims_to_the_last_seats_are_a_tie(
    method: Method, votes: dict[str, int], seats: int, certain: dict[str, int], level: set[str], left: int
) -> None:
    found = apportion(votes, seats, method)
    assert (found.seats, set(found.level), found.left) == (certain, level, left)


@settings(deadline=None)
@given(VOTES, SEATS, st.sampled_from(METHODS))
def test_seats_add_up_and_two_libraries_agree(votes: dict[str, int], seats: int, method: Method) -> None:
    found = apportion(votes, seats, method)
    assert sum(found.seats.values()) + found.left == (seats if any(votes.values()) else 0)
    if found.level or not any(votes.values()):
        return  # the libraries settle a tie, each in its own way
    voted = {party: own for party, own in votes.items() if own}
    name = {"dhondt": "dhondt", "sainte-lague": "saintelague", "largest-remainder": "lrm"}[method]
    theirs = apportionment.methods.compute(name, list(voted.values()), seats, fractions=True, tiesallowed=False)
    assert found.seats == dict(zip(voted, theirs, strict=True))
    other: Any = (
        votelib.LargestRemainder("hare")
        if method == "largest-remainder"
        else votelib.HighestAverages("d_hondt" if method == "dhondt" else "sainte_lague")
    )
    second = other.evaluate({party: Fraction(own) for party, own in voted.items()}, seats)
    assert {party: own for party, own in found.seats.items() if own} == {p: n for p, n in second.items() if n}


@settings(deadline=None)
@given(FEW, st.integers(1, 20), st.sampled_from(METHODS), st.randoms())
def test_order_decides_nothing(votes: dict[int, int], seats: int, method: Method, mixing: random.Random) -> None:
    mixed = list(votes.items())
    mixing.shuffle(mixed)
    found, again = apportion(votes, seats, method), apportion(dict(mixed), seats, method)
    assert (found.seats, set(found.level), found.left) == (again.seats, set(again.level), again.left)


@settings(deadline=None)
@given(FEW, st.integers(1, 20), st.sampled_from(METHODS))
def test_equal_votes_get_equal_seats_or_a_tie(votes: dict[int, int], seats: int, method: Method) -> None:
    found = apportion(votes, seats, method)
    for one in found.seats:
        for other in found.seats:
            if votes[one] == votes[other]:
                assert found.seats[one] == found.seats[other]
                assert (one in found.level) == (other in found.level)


@settings(deadline=None)
@given(VOTES, SEATS, st.sampled_from(DIVISORS), st.integers(1, 10_000))
def test_more_votes_never_lose_a_seat(votes: dict[str, int], seats: int, method: Method, more: int) -> None:
    before = apportion(votes, seats, method)
    after = apportion(votes | {"party 0": votes["party 0"] + more}, seats, method)
    assert after.seats["party 0"] >= before.seats.get("party 0", 0)


@settings(deadline=None)
@given(FEW, st.integers(1, 12), st.sampled_from(METHODS), st.lists(st.integers(0, 5), max_size=8))
def test_no_ballots_to_come_leave_the_range(
    votes: dict[int, int], seats: int, method: Method, arriving: list[int]
) -> None:
    claims = {party: Claim(own, len(arriving), certain=True, possible=True) for party, own in votes.items()}
    ranges = {party: seat_range(party, claims, seats, len(arriving), method) for party in votes}
    later = dict(votes)
    for party in arriving:
        later[party % len(votes)] += 1
    found = apportion(later, seats, method)
    for party, bounds in ranges.items():
        own = found.seats.get(party, 0)
        assert bounds.least <= own
        assert own + (party in found.level) <= bounds.most


def test_a_lead_that_the_ballots_to_come_cannot_take_is_certain() -> None:
    # D'Hondt, 3 seats: A has 100 and 50, B 40. B needs 100 votes for two quotients of 50, A 120 for three of 40.
    claims = {"A": Claim(100, 20, True, True), "B": Claim(40, 20, True, True)}
    for of, left, least in [("A", 59, 2), ("A", 60, 1), ("B", 19, 1), ("B", 20, 0)]:
        assert seat_range(of, claims, 3, left, "dhondt").least == least
    assert seat_range("A", claims, 3, 20, "dhondt").most == 3
    assert seat_range("B", claims, 3, 20, "dhondt").most == 1, "half of 60 is less than half of 100"


def test_the_range_of_the_last_ballot_is_what_is_apportioned() -> None:
    claims = {"A": Claim(200, 0, True, True), "B": Claim(100, 0, True, True)}
    found = seat_range("B", claims, 2, 0, "dhondt")
    assert (found.least, found.most) == (0, 1), "a tie for the second seat"


def test_the_votes_that_are_missing_to_a_threshold() -> None:
    assert Threshold("BSW", 2_472_947, 2_482_476, 49_649_512, None).short == 9_529
    assert ListRules(threshold=2.5).share == Fraction(1, 40)
