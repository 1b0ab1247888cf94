"""Mixed: a first vote for a candidate of the constituency, a second for a party's list in the state.

Source: Germany's Bundeswahlgesetz as of 2024:

- Section 4: second votes decide how many seats a party gets, first nationwide, then by its lists in the states. A party
  takes part with 5 percent of the valid second votes, as a national minority's party, or with three constituencies won
  (that way stays in force by the Federal Constitutional Court's judgment of 30 July 2024, 2 BvF 1/23). The seats of
  elected candidates without a party are deducted beforehand.
- Section 5: Sainte-Laguë, ties by lot.
- Section 6: a constituency's winner is seated if covered by second votes: in each state a party's seats go first to its
  winners there, those with the highest share of their constituency's valid first votes first, then to the list. So a
  winner may get no seat. Ties in a constituency and between equal shares are settled by lot.

Totals cannot tell which second votes came from the voters of an elected candidate without a party, which section 4
leaves out. They stay in. None has been elected since 1949.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

from election.errors import BadInput
from election.outcome.contenders import Contender
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Range, Threshold, outcome_of
from election.outcome.lists import by_party, nationwide, thresholds, with_seats
from election.outcome.race import Elected, Race
from election.outcome.ranges import left, party_ranges
from election.outcome.rules import MixedRules
from election.outcome.ties import Draw
from election.outcome.winners import elect

Winners = dict[int, tuple[Elected, Fraction]]


def decide(races: Sequence[Race], count: Count, rules: MixedRules) -> ElectionOutcome:
    """``races`` of kind ``candidates`` are constituencies, those of kind ``lists`` a state's; ``region`` joins them."""
    draw = Draw(count.lots)
    constituencies = [race for race in races if race.kind == "candidates"]
    states = [race for race in races if race.kind == "lists"]
    _check(constituencies, states)
    votes = {race.number: race.votes(count.votes) for race in races}
    winners = _winners(constituencies, votes, draw)
    won = Counter(elected.contender.party for elected, _ in winners.values())
    independent = {number for number, (elected, _) in winners.items() if elected.contender.party in rules.independents}
    passing = _passing(thresholds(by_party(states, votes), rules.nationwide), won, rules)
    for_lists = rules.seats - len(independent)
    seats = nationwide(states, votes, passing, for_lists, rules.method, draw)
    covered, taken = _covered(constituencies, states, winners, seats, draw)
    contests = []
    for race in races:
        if race.kind == "lists":
            contests.append(ContestOutcome(race, with_seats(race, votes[race.number], seats, taken)))
        elif race.number in winners:
            winner = (winners[race.number][0],)
            seated = race.number in covered or race.number in independent
            contests.append(ContestOutcome(race, winner) if seated else ContestOutcome(race, (), winner))
        else:
            contests.append(ContestOutcome(race, ()))
    ranges = partial(_ranges, constituencies, states, count, votes, passing, rules)
    return outcome_of(rules, contests, rules.seats, count, draw, ranges, passing)


def _check(constituencies: Sequence[Race], states: Sequence[Race]) -> None:
    regions = {race.region for race in states}
    for race in constituencies:
        if race.region not in regions:
            raise BadInput(
                f"Contest {race.number} lies in {race.region!r}, where no contest of lists is. "
                "Give each constituency the region of its state's lists."
            )


def _winners(constituencies: Sequence[Race], votes: dict[int, dict[int, int]], draw: Draw) -> Winners:
    """By constituency, the winner by first votes and their share of the valid ones; none in an open tie."""
    found: Winners = {}
    for race in constituencies:
        own = votes[race.number]
        for elected in elect(race, own, draw):
            found[race.number] = elected, Fraction(elected.votes, sum(own.values()))
    return found


def _passing(
    by_votes: dict[str, Threshold], constituencies_won: Counter[str], rules: MixedRules
) -> dict[str, Threshold]:
    enough = rules.constituencies
    return {
        party: replace(threshold, way="constituencies")
        if threshold.way is None and enough and constituencies_won[party] >= enough
        else threshold
        for party, threshold in by_votes.items()
    }


def _covered(
    constituencies: Sequence[Race], states: Sequence[Race], winners: Winners, seats: dict[int, int], draw: Draw
) -> tuple[set[int], Counter[int]]:
    """The constituencies whose winners a list's seats cover, and how many of its seats they take."""
    lists: dict[tuple[str, str], Contender] = {}
    for state in states:
        lists |= {(state.region, contender.party): contender for contender in state.contenders}
    claims: dict[int, list[tuple[Fraction, int]]] = defaultdict(list)
    for race in constituencies:
        if race.number in winners:
            elected, share = winners[race.number]
            if own := lists.get((race.region, elected.contender.party)):
                claims[own.number].append((share, race.number))
    covered: set[int] = set()
    taken: Counter[int] = Counter()
    for number, shares in claims.items():
        places = seats.get(number, 0)
        ordered = sorted((share for share, _ in shares), reverse=True)
        if len(ordered) <= places:
            through = [race for _, race in shares]
        elif places:
            last = ordered[places - 1]
            through = [race for share, race in shares if share > last]
            level = [race for share, race in shares if share == last]
            free = places - len(through)
            through += level if len(level) == free else draw.settle(None, f"cover by list {number}", level, free)
        else:
            through = []
        covered.update(through)
        taken[number] = min(places, len(shares))
    return covered, taken


def _ranges(
    constituencies: Sequence[Race],
    states: Sequence[Race],
    count: Count,
    votes: dict[int, dict[int, int]],
    passing: dict[str, Threshold],
    rules: MixedRules,
) -> dict[str, Range]:
    """Seats of parties by second votes. Candidates without a party may still take some from all."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    changing = False
    for race in constituencies:
        own = votes[race.number]
        open_ = left(race, count, own.values())
        changing = changing or open_ != 0
        for contender in race.contenders:
            if contender.party in rules.independents:
                others = max((own[other] for other in own if other != contender.number), default=0)
                mine = own[contender.number]
                least[contender.party] += open_ is not None and mine > others + open_
                most[contender.party] += open_ is None or (mine + open_ >= others and mine + open_ > 0)
    found = party_ranges(
        passing,
        states,
        count,
        rules.nationwide,
        least_seats=rules.seats - sum(most.values()),
        other_way=changing and bool(rules.constituencies),
    )
    return found | {party: Range(least[party], most[party]) for party in most if most[party]}
