"""Winner-take-all: the winner of a contest gets all of its seats, as electors of an electoral college.

Source: the United States, where each state appoints its electors as its law says (Constitution, article II, section 1).
Two states divide theirs: two electors to the winner of the state, one to the winner of each congressional district
(Maine, Revised Statutes, title 21-A, section 802; Nebraska, Revised Statutes, section 32-714).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from election.errors import BadInput
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Range, outcome_of
from election.outcome.race import Race
from election.outcome.ranges import left
from election.outcome.rules import WinnerTakeAllRules
from election.outcome.ties import Draw
from election.outcome.winners import elect, reach

Part = tuple[str, int, Mapping[int, int]]
"""A district, or an empty text for the whole contest; the seats that its winner gets; votes by line."""


def decide(races: Sequence[Race], count: Count, rules: WinnerTakeAllRules) -> ElectionOutcome:
    """The whole election. A contest's winner comes first, then those of its districts in the order of their names."""
    draw = Draw(count.lots)
    contests = []
    for race in races:
        elected = [
            replace(one, seats=seats, district=district)
            for district, seats, votes in _parts(race, count, rules)
            for one in elect(_one_seat(race), votes, draw, step=f"seat of {district}" if district else "seat")
        ]
        contests.append(ContestOutcome(race, tuple(elected)))
    total = sum(race.seats for race in races)
    return outcome_of(rules, contests, total, count, draw, lambda: _ranges(races, count, rules))


def _parts(race: Race, count: Count, rules: WinnerTakeAllRules) -> Iterator[Part]:
    if race.contest_id not in rules.split:
        yield "", race.seats, count.votes
        return
    districts = count.districts.get(race.number, {})
    if not 0 < len(districts) < race.seats:
        raise BadInput(
            f"Contest {race.contest_id} divides {race.seats} seats among {len(districts)} districts. "
            "Give the votes of each district, and fewer districts than seats."
        )
    yield "", race.seats - len(districts), count.votes
    for district, votes in sorted(districts.items()):
        yield district, 1, votes


def _one_seat(race: Race) -> Race:
    return replace(race, seats=1)


def _ranges(races: Sequence[Race], count: Count, rules: WinnerTakeAllRules) -> dict[str, Range]:
    """Registers are known by contest, so any ballot of a contest may still come in any of its districts."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for race in races:
        open_ = left(race, count, race.votes(count.votes).values())
        for _, seats, votes in _parts(race, count, rules):
            sure, possible = reach(_one_seat(race), votes, open_)
            least.update(dict.fromkeys(sure, seats))
            most.update(dict.fromkeys(possible, seats))
    return {party: Range(least[party], most[party]) for party in sorted(most)}
