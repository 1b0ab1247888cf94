"""Party lists: seats in proportion to votes, in each contest or nationwide, with a threshold.

Source: the methods are those of ``apportionment``. A threshold is a part of all valid votes, those of parties below it
included, as in Germany's Bundeswahlgesetz, section 4 (2); a minority's party needs none (the same place).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import ceil

from election.outcome.apportionment import Method, apportion
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Threshold, outcome_of
from election.outcome.race import Elected, Race
from election.outcome.ranges import list_ranges, party_ranges
from election.outcome.rules import ListRules
from election.outcome.ties import Draw, K


def decide(races: Sequence[Race], count: Count, rules: ListRules) -> ElectionOutcome:
    """Seats of every list. A party is known by its abbreviation; in a contest each list stands for itself."""
    draw = Draw(count.lots)
    lists = {race.number: race.votes(count.votes) for race in races}
    passing = thresholds(by_party(races, lists), rules)
    if rules.level == "nationwide":
        total = rules.seats
        seats = nationwide(races, lists, passing, total, rules.method, draw)
        ranges = partial(party_ranges, passing, races, count, rules)
    else:
        total, seats = sum(race.seats for race in races), {}
        each = rules.threshold_level == "contest"
        within = {race.number: thresholds(by_party([race], lists), rules) if each else passing for race in races}
        for race in races:
            taking_part = {
                contender.number: lists[race.number][contender.number]
                for contender in race.contenders
                if within[race.number][contender.party].way
            }
            seats |= shared_out(taking_part, race.seats, rules.method, draw, race.number, "seats")
        ranges = partial(list_ranges, races, count, lists, within, rules)
    contests = [ContestOutcome(race, with_seats(race, lists[race.number], seats)) for race in races]
    return outcome_of(rules, contests, total, count, draw, ranges, passing)


def thresholds(votes: Mapping[str, int], rules: ListRules) -> dict[str, Threshold]:
    """How each party stands to the threshold. ``votes`` are all valid votes, by party."""
    valid = sum(votes.values())
    needed = ceil(Fraction(valid) * rules.share)
    return {
        party: Threshold(
            party,
            own,
            needed,
            valid,
            "votes" if own >= needed else "minority" if party in rules.minorities else None,
        )
        for party, own in votes.items()
    }


def nationwide(
    races: Sequence[Race],
    lists: Mapping[int, Mapping[int, int]],
    passing: Mapping[str, Threshold],
    seats: int,
    method: Method,
    draw: Draw,
) -> dict[int, int]:
    """``seats`` to the parties that take part, then each party's to its lists: seats by list."""
    votes: Counter[str] = Counter()
    own: dict[str, dict[int, int]] = defaultdict(dict)
    for race in races:
        for contender in race.contenders:
            if passing[contender.party].way:
                votes[contender.party] += lists[race.number][contender.number]
                own[contender.party][contender.number] = lists[race.number][contender.number]
    parties = shared_out(votes, seats, method, draw, None, "seats of parties")
    found: dict[int, int] = {}
    for party, number in sorted(parties.items()):
        found |= shared_out(own[party], number, method, draw, None, f"lists of {party}")
    return found


def shared_out(
    votes: Mapping[K, int], seats: int, method: Method, draw: Draw, contest: int | None, step: str
) -> dict[K, int]:
    """``seats`` by ``method``, ties by lot; seats of a tie without one are left out."""
    found = apportion(votes, seats, method)
    if found.level:
        for key in draw.settle(contest, step, found.level, found.left):
            found.seats[key] += 1
    return found.seats


def with_seats(
    race: Race, votes: Mapping[int, int], seats: Mapping[int, int], taken: Mapping[int, int] | None = None
) -> tuple[Elected, ...]:
    """The contest's lists with their seats, most first, without the seats that constituency winners have ``taken``."""
    found = []
    for contender in race.contenders:
        number = seats.get(contender.number, 0) - (taken or {}).get(contender.number, 0)
        if number > 0:
            found.append(Elected(contender, votes[contender.number], "votes", number))
    return tuple(sorted(found, key=lambda one: (-one.seats, -one.votes, one.contender.number)))


def by_party(races: Iterable[Race], lists: Mapping[int, Mapping[int, int]]) -> Counter[str]:
    votes: Counter[str] = Counter()
    for race in races:
        for contender in race.contenders:
            votes[contender.party] += lists[race.number][contender.number]
    return votes
