"""A whole election with the standings of every contest: what every reader of a result shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from election.outcome import plurality
from election.outcome.deciding import decide_election
from election.outcome.election import Count, ElectionOutcome
from election.outcome.race import How, Outcome, Race
from election.outcome.rules import DEFAULT, AnyRules, Rules
from election.outcome.seats import PartySeats, Seats, seats
from election.outcome.ties import Key, Tie


@dataclass(frozen=True)
class Lot:
    """A recorded lot. ``tied`` is None in lots of older versions, which settled the one seat of a contest."""

    contest: int | None
    step: str
    tied: tuple[Key, ...] | None
    chosen: tuple[Key, ...]


@dataclass(frozen=True, eq=False)
class Whole:
    """``outcomes`` by contest, in the order of the races. ``decide`` says who has which seats by the rules."""

    rules: AnyRules
    outcomes: tuple[Outcome, ...]
    decide: Callable[[], ElectionOutcome]

    @cached_property
    def decided(self) -> ElectionOutcome:
        return self.decide()

    @property
    def seats(self) -> Seats:
        return self.seats_by()

    def seats_by(self, votes: Mapping[str, int] | None = None) -> Seats:
        """Seats by party: those that nothing can take any more, and those that are led.

        Parties with equally many come by ``votes``, if given, then by abbreviation.
        """
        if one_seat_each(self.rules, [outcome.race for outcome in self.outcomes]):
            return seats(self.outcomes, votes)
        now, ranges = self.decided.seats, self.decided.ranges
        least = {party: min(now.get(party, 0), known.least) for party, known in ranges.items()}
        known = votes or {}
        ordered = sorted(now, key=lambda party: (-now[party], -known.get(party, 0), party))
        parties = [PartySeats(party, least.get(party, 0), now[party] - least.get(party, 0)) for party in ordered]
        left = self.decided.unfilled
        silent = left if not any(outcome.valid for outcome in self.outcomes) else 0
        tied = min(left - silent, sum(tie.chosen for tie in self.decided.ties))
        over = self.decided.over
        return Seats(
            tuple(parties),
            self.decided.total,
            tied=0 if over else left - silent,
            silent=0 if over else silent,
            ended_tied=tied if over else 0,
            ended_silent=left - tied if over else 0,
            unopposed=sum(outcome.race.seats for outcome in self.outcomes if outcome.race.unopposed),
        )


def decide_whole(
    races: Sequence[Race],
    count: Count,
    rules: AnyRules,
    *,
    expected: Callable[[Race], int | None] = lambda _: None,
    over: Callable[[Race], bool] | None = None,
    lots: Sequence[Lot] = (),
    frozen: Mapping[int, Mapping[int, How]] | None = None,
    certified: ElectionOutcome | None = None,
) -> Whole:
    """Decides every contest and the whole.

    ``expected`` ballots and whether a contest's count is ``over`` (by default ``count.over``) are by race. ``frozen``
    and ``certified`` are what a certification froze; then nothing is decided again.
    """
    simple = one_seat_each(rules, races)
    # A lot is for one tie: if a correction changes who is tied, it decides nothing any more.
    older = {lot.contest: int(lot.chosen[0]) for lot in lots if lot.tied is None}
    known = {Tie(lot.contest, lot.step, lot.tied, len(lot.chosen)): lot.chosen for lot in lots if lot.tied is not None}

    def outcome(race: Race, given: int | None) -> Outcome:
        made = plurality.decide(
            race,
            count.votes,
            rules if isinstance(rules, Rules) else DEFAULT,
            invalid=count.invalid.get(race.number, 0),
            expected=expected(race),
            over=count.over if over is None else over(race),
            frozen=None if frozen is None or not simple else frozen.get(race.number, {}),
            given=None if given is None else whole.contests[given],
        )
        if not made.tie:
            return made
        tied = tuple(sorted(standing.contender.number for standing in made.tie))
        chosen = known.get(Tie(race.number, "seat", tied, 1))
        return replace(made, drawn=older.get(race.number) if chosen is None else int(chosen[0]))

    if simple:
        outcomes = tuple(outcome(race, None) for race in races)
        for one in outcomes:
            if one.tie and one.elected:
                tied = tuple(sorted(standing.contender.number for standing in one.tie))
                known[Tie(one.race.number, "seat", tied, 1)] = (one.elected[0].contender.number,)
        return Whole(rules, outcomes, lambda: certified or decide_election(races, replace(count, lots=known), rules))
    whole = certified or decide_election(races, replace(count, lots=known), rules)
    return Whole(rules, tuple(outcome(race, place) for place, race in enumerate(races)), lambda: whole)


def one_seat_each(rules: AnyRules, races: Sequence[Race]) -> bool:
    """Whether each contest elects one person by the most votes, so that it stands for itself."""
    return isinstance(rules, Rules) and all(race.seats == 1 for race in races)
