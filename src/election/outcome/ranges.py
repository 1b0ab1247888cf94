"""What can still change: for each party the seats that no ballot still to come can take, and the most it can reach.

Bounds, not forecasts: a party's least supposes that every ballot still to come goes where it costs the party most
seats, its most that the party gets them all. Divisor methods are monotone: with more votes, and the others' unchanged,
a party never has fewer seats (M. Balinski and P. Young, Fair Representation, 2nd edition, 2001, chapter A5). So its own
votes are best all or none. Quotients that are equal count against the least and for the most.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from election.outcome.apportionment import Method, apportion, divisor
from election.outcome.election import Count, Range, Threshold
from election.outcome.race import Race
from election.outcome.rules import ListRules
from election.outcome.ties import K


@dataclass(frozen=True)
class Claim:
    """Votes of a party or list so far, how many can still ``gain``; whether it is sure to take part, or can."""

    votes: int
    gain: int
    certain: bool
    possible: bool


def party_ranges(
    passing: Mapping[str, Threshold],
    races: Sequence[Race],
    count: Count,
    rules: ListRules,
    *,
    least_seats: int | None = None,
    other_way: bool = False,
) -> dict[str, Range]:
    """The range of every party that can have a seat, if ``rules.seats`` are shared out nationwide.

    ``other_way``: a party can also pass without the votes. ``least_seats``: of the whole, if others may take some.
    """
    lefts = {race.number: left(race, count, race.votes(count.votes).values()) for race in races}
    whole = total_left(lefts.values())
    gains: Counter[str] = Counter()
    for race in races:
        gains.update(dict.fromkeys({contender.party for contender in race.contenders}, lefts[race.number] or 0))
    claims = {party: _claim(threshold, gains[party], whole, rules, other_way) for party, threshold in passing.items()}
    found = {
        party: seat_range(party, claims, rules.seats, whole, rules.method, least_seats) for party in sorted(claims)
    }
    return {party: seats for party, seats in found.items() if seats.most}


def list_ranges(
    races: Sequence[Race],
    count: Count,
    lists: Mapping[int, Mapping[int, int]],
    passing: Mapping[int, Mapping[str, Threshold]],
    rules: ListRules,
) -> dict[str, Range]:
    """The range of every party that can have a seat, if each contest shares out its own. ``passing`` is by contest."""
    lefts = {race.number: left(race, count, lists[race.number].values()) for race in races}
    whole = total_left(lefts.values())
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for race in races:
        own = lefts[race.number]
        claims: dict[int, Claim] = {}
        for contender in race.contenders:
            threshold = passing[race.number][contender.party]
            able = own if rules.threshold_level == "contest" else whole
            party = _claim(threshold, able or 0, able, rules, other_way=False)
            claims[contender.number] = replace(party, votes=lists[race.number][contender.number], gain=own or 0)
        for contender in race.contenders:
            seats = seat_range(contender.number, claims, race.seats, own, rules.method)
            least[contender.party] += seats.least
            most[contender.party] += seats.most
    return {party: Range(least[party], most[party]) for party in sorted(most) if most[party]}


def left(race: Race, count: Count, votes: Iterable[int]) -> int | None:
    """Every ballot that can still come in the contest; None while the register cannot be read."""
    if count.over or race.unopposed:
        return 0
    if race.registered is None:
        return None
    return max(0, race.registered - sum(votes) - count.invalid.get(race.number, 0))


def total_left(lefts: Iterable[int | None]) -> int | None:
    """The ballots still to come in several contests; None if one is unknown."""
    known = list(lefts)
    return None if None in known else sum(number for number in known if number is not None)


def seat_range(
    of: K, claims: Mapping[K, Claim], seats: int, left: int | None, method: Method, least_seats: int | None = None
) -> Range:
    """Seats of ``of`` among ``claims`` to ``seats`` (at least ``least_seats``) after ``left`` more ballots."""
    own, fewest = claims[of], seats if least_seats is None else least_seats
    if not own.possible:
        return Range(0, 0)
    if left is None:
        return Range(0, seats)
    if left == 0 and fewest == seats and all(claim.certain == claim.possible for claim in claims.values()):
        found = apportion({key: claim.votes for key, claim in claims.items() if claim.certain}, seats, method)
        given = found.seats.get(of, 0)
        return Range(given, given + (of in found.level))
    possible = [claim.votes for key, claim in claims.items() if claim.possible and key != of]
    certain = [claim.votes for key, claim in claims.items() if claim.certain and key != of]
    if method == "largest-remainder":
        return _by_quota(own, sum(possible), sum(certain), seats, fewest, left)
    step = divisor(2, method) - divisor(1, method)
    least = _last(fewest, lambda seat: _keeps(own.votes, seat, possible, fewest, left, step)) if own.certain else 0
    return Range(least, _last(seats, lambda seat: _reaches(own.votes + own.gain, seat, certain, seats, step)))


def _claim(threshold: Threshold, gain: int, left: int | None, rules: ListRules, other_way: bool) -> Claim:
    """A party that passes now is sure to if it would without one of the ``left`` ballots, ``gain`` of them its own."""
    votes, passes = threshold.votes, bool(threshold.way)
    if left == 0 and not other_way:
        return Claim(votes, 0, passes, passes)
    if threshold.way == "minority" or not rules.threshold:
        return Claim(votes, gain, certain=True, possible=True)
    if left is None:
        return Claim(votes, gain, certain=False, possible=True)
    sure, can = votes >= rules.share * (threshold.of + left), votes + gain >= rules.share * (threshold.of + gain)
    return Claim(votes, gain, sure, other_way or can)


def _by_quota(own: Claim, possible: int, certain: int, seats: int, fewest: int, left: int) -> Range:
    """A party's seats are its whole quotas, or one more."""
    least = own.votes * fewest // max(1, own.votes + possible + left) if own.certain else 0
    most = own.votes + own.gain
    return Range(least, min(seats, most * seats // (most + certain) + 1) if most else 0)


def _keeps(votes: int, seat: int, rivals: list[int], seats: int, left: int, step: int) -> bool:
    """Whether ``rivals`` with ``left`` more votes cannot have quotients before the one for this ``seat`` to all seats.

    Each further quotient costs a rival at most as much as the one after it, so the cheapest ones come first.
    """
    if not votes:
        return False
    by, missing, gaps = 1 + (seat - 1) * step, seats - seat + 1, []
    for rival in rivals:
        has = max(0, (rival * by // votes - 1) // step + 1)
        missing -= has
        gaps.append(votes * (1 + has * step) - rival * by)
    if missing <= 0:
        return False
    cost = sum(sorted(gaps)[:missing]) + max(0, missing - len(gaps)) * votes * step
    return not rivals or cost > left * by


def _reaches(votes: int, seat: int, rivals: list[int], seats: int, step: int) -> bool:
    """Whether ``rivals`` leave room for the quotient of ``votes`` for this ``seat``."""
    if not votes:
        return False
    by = 1 + (seat - 1) * step
    return sum(max(0, ((rival * by - 1) // votes - 1) // step + 1) for rival in rivals) <= seats - seat


def _last(seats: int, holds: Callable[[int], bool]) -> int:
    """The last seat for which ``holds``, which it does for all before it; 0 if for none."""
    return bisect_left(range(1, seats + 1), True, key=lambda seat: not holds(seat))
