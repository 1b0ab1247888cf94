"""Apportionment: seats in proportion to votes, exact to the last vote.

- ``dhondt``: divisors 1, 2, 3, … V. D'Hondt, Système pratique et raisonné de représentation proportionnelle (1882);
  in law for example Spain's LOREG, article 163.
- ``sainte-lague``: divisors 1, 3, 5, … A. Sainte-Laguë, La représentation proportionnelle et la méthode des moindres
  carrés (1910); in law for example Germany's Bundeswahlgesetz, section 5.
- ``largest-remainder``: whole quotas of votes / seats (Hare), the rest to the largest remainders. A. Hamilton (1792);
  in law for example Germany's Bundeswahlgesetz, section 6 from 1985 to 2008.

All three in F. Pukelsheim, Proportional Representation (2nd edition, 2017), chapters 4 and 5. The package
``apportionment`` computes the same, but in floating point unless told otherwise, and gives a tie's seat to the party
that is listed first. It is the second opinion of the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heapreplace
from typing import Generic, Literal

from election.outcome.ties import K

Method = Literal["dhondt", "sainte-lague", "largest-remainder"]


@dataclass(frozen=True)
class Apportionment(Generic[K]):
    """``seats`` that are certain, of everyone with votes. ``level``: those with equal claims to the ``left`` seats."""

    seats: dict[K, int]
    level: tuple[K, ...] = ()
    left: int = 0


def apportion(votes: Mapping[K, int], seats: int, method: Method) -> Apportionment[K]:
    """Distributes ``seats`` among the keys of ``votes`` by ``method``. Keys without votes get no seat.

    The order of ``votes`` does not matter.
    """
    voted = {key: number for key, number in votes.items() if number > 0}
    if not voted or seats < 1:
        return Apportionment(dict.fromkeys(voted, 0))
    if method == "largest-remainder":
        return _largest_remainder(voted, seats)
    return _highest_quotients(voted, seats, step=1 if method == "dhondt" else 2)


def divisor(seat: int, method: Method) -> int:
    """By what a party's votes are divided for its ``seat``-th seat, counted from 1."""
    return seat if method == "dhondt" else 2 * seat - 1


def _highest_quotients(votes: dict[K, int], seats: int, step: int) -> Apportionment[K]:
    """A party's quotients fall strictly, so each party is level with others for one seat at most.

    All quotients above a bound get their seats at once. The bound is so high that they are fewer than ``seats``; the
    last ones, where a tie can be, are given one by one.
    """
    keys, total = list(votes), sum(votes.values())
    if step == 1:
        given = [votes[key] * (seats - 1) // total for key in keys]
    else:
        most = max(0, seats - 1 - (len(keys) + 1) // 2)
        given = [(2 * votes[key] * most + total) // (2 * total) for key in keys]
    heap = [(Fraction(-votes[key], 1 + given[place] * step), place) for place, key in enumerate(keys)]
    heapify(heap)
    last, at_last = Fraction(0), list[int]()
    for _ in range(seats - sum(given)):
        quotient, place = heap[0]
        if quotient != last:
            last, at_last = quotient, []
        at_last.append(place)
        given[place] += 1
        heapreplace(heap, (Fraction(-votes[keys[place]], 1 + given[place] * step), place))
    for place in at_last:
        given[place] -= 1
    level = at_last + [place for quotient, place in heap if quotient == last]
    return _rest(keys, given, level, len(at_last))


def _largest_remainder(votes: dict[K, int], seats: int) -> Apportionment[K]:
    total = sum(votes.values())
    keys = list(votes)
    given = [votes[key] * seats // total for key in keys]
    remainders = [votes[key] * seats % total for key in keys]
    left = seats - sum(given)
    if not left:
        return Apportionment(dict(zip(keys, given, strict=True)))
    least = sorted(remainders, reverse=True)[left - 1]
    for place, remainder in enumerate(remainders):
        given[place] += remainder > least
    level = [place for place, remainder in enumerate(remainders) if remainder == least]
    return _rest(keys, given, level, seats - sum(given))


def _rest(keys: list[K], given: list[int], level: list[int], left: int) -> Apportionment[K]:
    """The ``left`` seats go to the places in ``level``, all with the same claim, if there are no more of them."""
    if len(level) > left:
        return Apportionment(dict(zip(keys, given, strict=True)), tuple(keys[place] for place in level), left)
    for place in level:
        given[place] += 1
    return Apportionment(dict(zip(keys, given, strict=True)))
