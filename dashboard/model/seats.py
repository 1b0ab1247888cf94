"""Seats by party against the majority line, in elections of several contests."""

from collections import Counter
from dataclasses import dataclass

from dashboard.model.result import Result


@dataclass(frozen=True)
class PartySeats:
    """``won``: contests whose count is over or whose lead no ballot can overturn; ``leading``: ahead in others."""

    party: str
    won: int
    leading: int

    @property
    def total(self) -> int:
        return self.won + self.leading


@dataclass(frozen=True)
class Seats:
    """``parties`` by won plus leading, most first. ``tied`` contests have several first parties, ``silent`` no vote.

    Those of them to which no ballot can come any more are ``ended_tied`` and ``ended_silent`` instead.
    """

    parties: tuple[PartySeats, ...]
    total: int
    tied: int
    silent: int
    ended_tied: int = 0
    ended_silent: int = 0

    @property
    def majority(self) -> int:
        """The least number that is more than half."""
        return self.total // 2 + 1

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
        """Contests whose count gave nobody the seat."""
        return self.ended_tied + self.ended_silent

    @property
    def open(self) -> int:
        """Contests that are not won yet, and still can be."""
        return self.total - sum(party.won for party in self.parties) - self.unfilled


def seats(result: Result) -> Seats:
    """One seat a contest, to the candidate with the most votes (first past the post)."""
    won: Counter[str] = Counter()
    leading: Counter[str] = Counter()
    undecided: Counter[tuple[str, bool]] = Counter()
    for contest in result.contests:
        if not contest.leaders:
            undecided["silent", contest.lead.overturnable] += 1
        elif len(contest.leaders) > 1 or contest.leading_party is None:
            undecided["tied", contest.lead.overturnable] += 1
        elif contest.lead.overturnable:
            leading[contest.leading_party] += 1
        else:
            won[contest.leading_party] += 1
    votes = {party.party: party.votes for party in result.parties}
    parties = sorted(won | leading, key=lambda p: (-won[p] - leading[p], -votes.get(p, 0), p))
    return Seats(
        tuple(PartySeats(p, won[p], leading[p]) for p in parties),
        len(result.contests),
        tied=undecided["tied", True],
        silent=undecided["silent", True],
        ended_tied=undecided["tied", False],
        ended_silent=undecided["silent", False],
    )
