"""Ballot comparison: how sure a sample makes one when each paper is compared with the record of that ballot.

Super-simple and Kaplan-Markov: P. B. Stark, "Super-Simple Simultaneous Single-Ballot Risk-Limiting Audits"
(EVT/WOTE 2010); M. Lindeman and P. B. Stark, "A Gentle Introduction to Risk-limiting Audits" (IEEE Security and
Privacy, 2012), with the inflation 1.03905. Understatements never lower the risk here, which is conservative.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, floor, log, log1p

from election.audit.contest import Contest

GAMMA = 1.03905
"""The inflation of errors: what one pays at first, so that a few errors cost less."""
INVALID = 0
"""What a ballot says that is valid for no choice."""


@dataclass(frozen=True)
class Error:
    """What a ballot's record says too much for a winner: -2 to 2 votes, and that against the closest margin."""

    votes: int
    weight: float


@dataclass(frozen=True)
class Rates:
    """Shares of ballots whose record is one vote, or two, too good for a winner (over) or too bad (under)."""

    one_over: float = 0.0
    two_over: float = 0.0
    one_under: float = 0.0
    two_under: float = 0.0


EXPECTED = Rates(0.001, 0.0001, 0.001, 0.0001)
"""The errors that Arlo expects before anything was drawn."""
_NOT_FOUND = 2


def error(contest: Contest, record: int | None, paper: int | None) -> Error:
    """Of one ballot, for the pair that it misstates most. A choice, INVALID, or None when it is not to be found."""
    if record is None or paper is None:
        return Error(_NOT_FOUND, float(_NOT_FOUND))
    found = []
    for (winner, loser), margin in contest.margins.items():
        over = (record == winner) - (paper == winner) - (record == loser) + (paper == loser)
        found.append(Error(over, over * contest.closest / margin))
    return max(found, key=lambda one: one.weight, default=Error(0, 0.0))


def risk(contest: Contest, errors: Iterable[Error]) -> float:
    """The chance, at most 1, of so good a sample if the reported winners had not won; an error for each draw."""
    weights = [max(0.0, one.weight) for one in errors]
    if any(weight >= 2 * GAMMA for weight in weights):
        return 1.0
    found = sum(log1p(-weight / (2 * GAMMA)) for weight in weights)
    return min(1.0, exp(len(weights) * log1p(-contest.diluted_margin / (2 * GAMMA)) - found))


def kaplan_markov(
    drawn: int, diluted_margin: float, *, over: tuple[int, int] = (0, 0), under: tuple[int, int] = (0, 0)
) -> float:
    """The same from numbers of ballots: drawn, and with one or two votes over- or understated. At most 1."""
    weights = (log1p(-0.5 / GAMMA), log1p(-1 / GAMMA), log1p(0.5 / GAMMA), log1p(1 / GAMMA))
    found = sum(number * weight for number, weight in zip((*over, *under), weights, strict=True))
    return min(1.0, exp(drawn * log1p(-diluted_margin / (2 * GAMMA)) - found))


def sample_size(contest: Contest, limit: float, rates: Rates = EXPECTED) -> int:
    """Draws after which the risk is at most ``limit`` if errors come at these rates; all ballots if it never is."""
    over1, over2, under1, under2 = log1p(-0.5 / GAMMA), log1p(-1 / GAMMA), log1p(0.5 / GAMMA), log1p(1 / GAMMA)
    step = (
        log1p(-contest.diluted_margin / (2 * GAMMA))
        - rates.one_over * over1
        - rates.two_over * over2
        - rates.one_under * under1
        - rates.two_under * under2
    )
    if step >= 0:
        return contest.ballots
    first = ceil(log(limit) / step)
    if rates == Rates():
        return min(contest.ballots, first)
    o1, u1 = ceil(rates.one_over * first), ceil(rates.one_under * first)
    o2, u2 = floor(rates.two_over * first + 0.5), floor(rates.two_under * first + 0.5)
    needed = ceil(
        -2 * GAMMA * (log(limit) + o1 * over1 + o2 * over2 + u1 * under1 + u2 * under2) / contest.diluted_margin
    )
    return min(contest.ballots, max(o1 + o2 + u1 + u2, needed))


def observed(errors: Iterable[Error]) -> Rates:
    """The rates of overstatements in a sample; understatements are not counted on."""
    found = Counter(one.votes for one in errors)
    drawn = found.total() or 1
    return Rates(found[1] / drawn, found[2] / drawn)
