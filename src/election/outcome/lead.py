"""Whether a lead can still be overturned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["no votes", "tie", "final", "only", "unopposed", "decided", "likely", "open"]


@dataclass(frozen=True)
class Lead:
    """How firm a lead is.

    ``most_left`` is every ballot that could still come: registered minus counted. ``expected_left`` is what is left at
    the expected turnout (None when nothing is expected).

    - ``unopposed``: no poll is held, the one candidate is elected. ``only``: a poll is held, with one candidate.
    - ``final``: the count is over. ``tie``: the two first have equal votes. ``no votes``: no valid one was counted.
    - ``decided``: the margin is larger than ``most_left``, so no ballot can overturn it.
    - ``likely``: larger than ``expected_left`` only.
    - ``open``: the ballots still expected, or possible, can overturn it.
    """

    verdict: State
    margin: int
    most_left: int | None
    expected_left: int | None

    @property
    def overturnable(self) -> bool:
        """A tie, or no vote at all, can be overturned as long as a ballot can still come."""
        return self.verdict in ("no votes", "tie", "likely", "open") and self.most_left != 0


UNOPPOSED = Lead("unopposed", 0, 0, 0)


def lead(
    votes: Sequence[int], counted: int, registered: int | None, expected: int | None = None, *, over: bool = False
) -> Lead:
    """The lead of the first of ``votes`` (descending, one entry a contender) after ``counted`` ballots.

    ``expected`` is the number of ballots expected in all. ``over``: no ballot will come any more.
    """
    first = votes[0] if votes else 0
    margin = first - (votes[1] if len(votes) > 1 else 0)
    most_left = 0 if over else None if registered is None else max(0, registered - counted)
    expected_left = None if expected is None or over else max(0, expected - counted)
    if expected_left is not None and most_left is not None:
        expected_left = min(expected_left, most_left)
    if first == 0:
        verdict: State = "no votes"
    elif over:
        verdict = "tie" if margin == 0 and len(votes) > 1 else "final"
    elif len(votes) == 1:
        verdict = "only"
    elif most_left is not None and margin > most_left:
        verdict = "decided"
    elif margin == 0:
        verdict = "tie"
    elif expected_left is not None and margin > expected_left:
        verdict = "likely"
    else:
        verdict = "open"
    return Lead(verdict, margin, most_left, expected_left)
