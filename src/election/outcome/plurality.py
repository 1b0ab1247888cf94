"""Plurality (first past the post): each seat goes to the contender with the most valid votes left without one.

Source: the United Kingdom's Representation of the People Act 1983, Schedule 1, rules 18, 49 and 50: votes of each
candidate are counted, a tie is decided by lot, and the one with the most votes is returned. Rule 17: one candidate
alone is elected without a poll.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from election.outcome.contenders import Contender
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Range, outcome_of
from election.outcome.race import How, Outcome, Race, Standing
from election.outcome.ranges import left
from election.outcome.rules import DEFAULT, Rules
from election.outcome.ties import Draw
from election.outcome.winners import contends, elect, reach


def decide(
    race: Race,
    votes: Mapping[int, int],
    rules: Rules = DEFAULT,
    *,
    invalid: int = 0,
    expected: int | None = None,
    over: bool = False,
    drawn: int | None = None,
    frozen: Mapping[int, How] | None = None,
    given: ContestOutcome | None = None,
) -> Outcome:
    """The contest's outcome. ``votes`` are valid votes so far by line number; a line without an entry has none.

    The other parameters are those of ``Outcome``. Lines of other contests in ``votes`` are ignored.
    """
    found: list[tuple[int, int, Contender, tuple[int, ...]]] = []
    for position, contender, numbers in race.paper:
        if len(numbers) == 1:
            own = votes.get(numbers[0], 0)
            found.append((-own, position, contender, (own,)))
        else:
            by_line = tuple(votes.get(number, 0) for number in numbers)
            found.append((-sum(by_line), position, contender, by_line))
    found.sort()
    valid = -sum(less for less, _, _, _ in found)
    standings: list[Standing] = []
    place = 1
    for index, (less, _, contender, by_line) in enumerate(found):
        if index and less > found[index - 1][0]:
            place = index + 1
        standings.append(Standing(contender, -less, place, -less / valid if valid else None, by_line))
    contending = standings if not race.has_no_persons else [s for s in standings if contends(s.contender, rules)]
    most = contending[0].votes if contending else 0
    first = []
    for standing in contending:
        if standing.votes < most or not most:
            break
        first.append(standing)
    return Outcome(
        race,
        rules,
        tuple(standings),
        tuple(contending),
        tuple(first),
        valid,
        valid + invalid,
        expected,
        over,
        drawn,
        frozen,
        given,
    )


def decide_election(races: Sequence[Race], count: Count, rules: Rules) -> ElectionOutcome:
    """The whole election; each contest stands for itself."""
    draw = Draw(count.lots)
    contests = [ContestOutcome(race, elect(race, count.votes, draw, rules)) for race in races]
    total = sum(race.seats for race in races)
    return outcome_of(rules, contests, total, count, draw, partial(_ranges, races, count, rules))


def _ranges(races: Sequence[Race], count: Count, rules: Rules) -> dict[str, Range]:
    """For contests of several seats every seat is open until the count is over."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for race in races:
        open_ = left(race, count, race.votes(count.votes).values())
        if race.seats == 1 or race.unopposed:
            sure, possible = reach(race, count.votes, open_, rules)
            least.update(sure)
            most.update(possible)
        else:
            standing = Counter(contender.party for contender in race.contenders if contender.is_person)
            most.update({party: min(race.seats, number) for party, number in standing.items()})
    return {party: Range(least[party], most[party]) for party in sorted(most)}
