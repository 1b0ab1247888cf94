"""Contests of rankings: ``stv`` (single transferable vote) and ``irv`` (instant-runoff voting, one seat by majority).

Source: see ``stv``. Nothing is certain before the count is over: later ballots can change every stage.
"""

from collections import Counter
from collections.abc import Sequence

from election.errors import BadInput
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Range, outcome_of
from election.outcome.race import Elected, Race
from election.outcome.rules import RankedRules
from election.outcome.stv import count_rankings
from election.outcome.ties import Draw


def decide(races: Sequence[Race], count: Count, rules: RankedRules) -> ElectionOutcome:
    """The whole election. ``Elected.votes`` are first preferences; the stages have the votes that elected."""
    draw = Draw(count.lots)
    contests = [_contest(race, count, rules, draw) for race in races]
    return outcome_of(rules, contests, sum(race.seats for race in races), count, draw, lambda: _ranges(races))


def _contest(race: Race, count: Count, rules: RankedRules, draw: Draw) -> ContestOutcome:
    if race.unopposed:
        return ContestOutcome(race, tuple(Elected(contender, 0, "unopposed") for contender in race.contenders))
    if rules.system == "irv" and race.seats != 1:
        raise BadInput(f"Contest {race.number} has {race.seats} seats. `irv` fills one; choose `stv` for more.")
    rankings = count.rankings.get(race.number, {})
    standing = {contender.number: contender for contender in race.contenders}
    found = count_rankings(race.number, list(standing), rankings, race.seats, draw, majority=rules.system == "irv")
    first: Counter[int] = Counter()
    for ranking, ballots in rankings.items():
        first[ranking[0]] += ballots
    elected = tuple(Elected(standing[number], first[number], "votes") for number in found.elected)
    return ContestOutcome(race, elected, stages=found.stages, quota=found.quota)


def _ranges(races: Sequence[Race]) -> dict[str, Range]:
    most: Counter[str] = Counter()
    for race in races:
        parties = Counter(contender.party for contender in race.contenders)
        most.update({party: min(race.seats, number) for party, number in parties.items()})
    return {party: Range(0, seats) for party, seats in sorted(most.items())}
