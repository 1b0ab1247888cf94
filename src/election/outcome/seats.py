"""Seats by party against the majority line."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from election.outcome.race import Outcome


@dataclass(frozen=True)
class PartySeats:
    """``won``: seats whose contest is decided or whose lead no ballot can overturn; ``leading``: ahead in others."""

    party: str
    won: int
    leading: int

    @property
    def total(self) -> int:
        return self.won + self.leading


@dataclass(frozen=True)
class Seats:
    """``parties`` by won plus leading, most first. ``tied`` contests have several first parties, ``silent`` no vote.

    Those of them to which no ballot can come any more are ``ended_tied`` and ``ended_silent`` instead. ``vacant``: a
    line that is no person won; ``unopposed`` of the won seats needed no poll.
    """

    parties: tuple[PartySeats, ...]
    total: int
    tied: int
    silent: int
    ended_tied: int = 0
    ended_silent: int = 0
    vacant: int = 0
    unopposed: int = 0

    @property
    def majority(self) -> int:
        """The least number that is more than half."""
        return self.total // 2 + 1

    @property
    def by_party(self) -> dict[str, int]:
        """Seats won, most first; parties without one are left out."""
        won = {party.party: party.won for party in self.parties if party.won}
        return dict(sorted(won.items(), key=lambda item: -item[1]))

    @property
    def winner(self) -> str | None:
        """The party that has won a majority, whatever the rest brings."""
        return next((party.party for party in self.parties if party.won >= self.majority), None)

    @property
    def leader(self) -> PartySeats | None:
        """The party that is ahead in most contests; None before the first and while two are level."""
        totals = [party.total for party in self.parties[:2]]
        return self.parties[0] if totals and totals[:1] != totals[1:] else None

    @property
    def margin(self) -> int:
        """Seats, won or led, between the first two parties."""
        first, second, *_ = [*(party.total for party in self.parties), 0, 0]
        return first - second

    @property
    def overturnable(self) -> bool:
        """Whether another party could still have as many seats as the leader has won for good."""
        rivals = [party.won for party in self.parties if party is not self.leader]
        return self.leader is None or self.leader.won <= max(rivals, default=0) + self.open

    @property
    def unfilled(self) -> int:
        """Seats that stay unfilled after the count."""
        return self.ended_tied + self.ended_silent + self.vacant

    @property
    def open(self) -> int:
        """Seats that are not won yet, and still can be."""
        return self.total - sum(party.won for party in self.parties) - self.unfilled


def seats(outcomes: Iterable[Outcome], votes: Mapping[str, int] | None = None) -> Seats:
    """The seats of these contests. Parties with equally many come by ``votes``, if given, then by abbreviation."""
    won: Counter[str] = Counter()
    leading: Counter[str] = Counter()
    votes = votes or {}
    undecided: Counter[tuple[str, bool]] = Counter()
    total = unopposed = 0
    for outcome in outcomes:
        total += outcome.race.seats
        unopposed += outcome.race.unopposed
        if party := outcome.party:
            won[party] += 1
        elif not outcome.first:
            undecided["silent", outcome.lead.overturnable] += 1
        elif outcome.kept_vacant:
            undecided["vacant", outcome.lead.overturnable] += 1
        elif len(outcome.first) > 1:
            undecided["tied", outcome.lead.overturnable] += 1
        else:
            leading[outcome.first[0].contender.party] += 1
    parties = sorted(won | leading, key=lambda party: (-won[party] - leading[party], -votes.get(party, 0), party))
    return Seats(
        tuple(PartySeats(party, won[party], leading[party]) for party in parties),
        total,
        tied=undecided["tied", True],
        silent=undecided["silent", True],
        ended_tied=undecided["tied", False],
        ended_silent=undecided["silent", False],
        vacant=undecided["vacant", False],
        unopposed=unopposed,
    )
