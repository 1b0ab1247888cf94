"""The one way to decide a whole election, whatever its system."""

from collections.abc import Sequence

from election.outcome import lists, mixed, plurality, ranked, winner_take_all
from election.outcome.election import Count, ElectionOutcome
from election.outcome.race import Race
from election.outcome.rules import AnyRules, ListRules, MixedRules, RankedRules, Rules


def decide_election(races: Sequence[Race], count: Count, rules: AnyRules) -> ElectionOutcome:
    """Who has which seats by ``count`` under ``rules``: winners, seats by party, ties, and what can still change.

    A pure function: neither the order of ``races`` and lines nor that of votes decides anything. Raises BadInput at
    rankings, districts, regions or lots that the rules cannot use.
    """
    match rules:
        case Rules():
            return plurality.decide_election(races, count, rules)
        case ListRules():
            return lists.decide(races, count, rules)
        case MixedRules():
            return mixed.decide(races, count, rules)
        case RankedRules():
            return ranked.decide(races, count, rules)
    return winner_take_all.decide(races, count, rules)
