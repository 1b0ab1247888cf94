"""A contest as an audit takes it: the ballots, the votes that were counted, and who is said to have won."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product


@dataclass(frozen=True)
class Contest:
    """``ballots`` of the contest, invalid ones too; ``votes`` by choice; ``winners`` as they were reported.

    Raises ValueError when a winner has no more votes than a loser, or when there are more votes than ballots.
    """

    ballots: int
    votes: Mapping[int, int]
    winners: tuple[int, ...]
    margins: Mapping[tuple[int, int], int] = field(init=False)

    def __post_init__(self) -> None:
        losers = [choice for choice in self.votes if choice not in self.winners]
        margins = {(w, l_): self.votes[w] - self.votes[l_] for w, l_ in product(self.winners, losers)}
        if any(margin <= 0 for margin in margins.values()):
            raise ValueError("a tie, or a winner with fewer votes than a loser, cannot be audited: count all papers")
        if max(self.votes.values(), default=0) > self.ballots:
            raise ValueError("there are more votes than ballots")
        object.__setattr__(self, "margins", margins)

    @cached_property
    def closest(self) -> int:
        """Votes between the weakest winner and the strongest loser; all ballots if there is no loser."""
        return min(self.margins.values(), default=self.ballots)

    @property
    def diluted_margin(self) -> float:
        """The closest margin as a share of all ballots, 0 to 1."""
        return self.closest / self.ballots

    def pair(self, winner: int, loser: int) -> float:
        """The winner's share of the votes of both, more than a half."""
        return self.votes[winner] / (self.votes[winner] + self.votes[loser])
