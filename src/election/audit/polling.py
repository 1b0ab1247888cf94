"""Ballot polling: how sure a sample makes one of the reported winners when the papers alone are looked at.

BRAVO: M. Lindeman, P. B. Stark and V. Yates, "BRAVO: Ballot-polling Risk-limiting Audits to Verify Outcomes"
(EVT/WOTE 2012). Minerva: F. Zagorski and others, "Minerva: An Efficient Risk-Limiting Ballot Polling Audit"
(USENIX Security 2021); here for the first round alone.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, comb, exp, log, sqrt
from statistics import NormalDist

from election.audit.contest import Contest


def risk(contest: Contest, sample: Mapping[int, int], missing: int = 0) -> float:
    """BRAVO's, at most 1, of the pair that is least sure. ``sample`` is papers drawn by choice.

    ``missing`` papers were drawn and not found: each counts for every loser.
    """
    logs = []
    for winner, loser in contest.margins:
        share = contest.pair(winner, loser)
        won, lost = sample.get(winner, 0), sample.get(loser, 0) + missing
        if share == 1:
            logs.append(float("inf") if lost else -won * log(2))
        else:
            logs.append(-(won * log(2 * share) + lost * log(2 - 2 * share)))
    return min(1.0, exp(min(0.0, max(logs)))) if logs else 0.0


def expected_size(contest: Contest, limit: float) -> int:
    """Draws after which BRAVO ends on average if the count is right (Wald); the largest of all pairs."""
    return min(contest.ballots, max((_average(contest, *pair, limit) for pair in contest.margins), default=0))


def likely_size(contest: Contest, limit: float, chance: float = 0.9) -> int:
    """Draws after which BRAVO has ended with that ``chance`` if the count is right, by the normal distribution."""
    return min(contest.ballots, max((_likely(contest, *pair, limit, chance) for pair in contest.margins), default=0))


def minerva_risk(share: float, won: int, lost: int) -> float:
    """The risk after a first round with so many papers of a pair; ``share`` is the winner's of both, as counted."""
    drawn = won + lost
    fair, counted = Fraction(1, 2), Fraction(share).limit_denominator(10**9)
    return float(_tail(drawn, won, fair) / _tail(drawn, won, counted))


def minerva_size(contest: Contest, limit: float, chance: float) -> int:
    """The smallest first round in which Minerva ends with that ``chance``; one winner, one loser.

    The chance goes up and down with the size, as papers come in whole numbers: a larger round may have a smaller one.
    """
    ((winner, loser),) = contest.margins
    of_both = (contest.votes[winner] + contest.votes[loser]) / contest.ballots
    drawn = 1
    while minerva_chance(contest.pair(winner, loser), limit, drawn) < chance:
        drawn += 1
    return ceil(drawn / of_both)


def minerva_chance(share: float, limit: float, drawn: int) -> float:
    """The chance that a first round with so many papers of a pair ends the audit, if the count is right."""
    fair = counted = ends = 0.0
    for won in range(drawn, -1, -1):
        fair += comb(drawn, won) / 2**drawn
        counted += comb(drawn, won) * share**won * (1 - share) ** (drawn - won)
        if fair > limit * counted:
            break
        ends = counted
    return ends


def _average(contest: Contest, winner: int, loser: int, limit: float) -> int:
    share = contest.pair(winner, loser)
    won, lost = contest.votes[winner] / contest.ballots, contest.votes[loser] / contest.ballots
    up = log(2 * share)
    drift = won * up + (lost * log(2 - 2 * share) if lost else 0)
    return ceil((log(1 / limit) + up / 2) / drift)


def _likely(contest: Contest, winner: int, loser: int, limit: float, chance: float) -> int:
    share = contest.pair(winner, loser)
    of_both = (contest.votes[winner] + contest.votes[loser]) / contest.ballots
    if share == 1:
        return ceil(log(1 / limit) / log(2) / of_both)
    up, down = log(2 * share), log(2 - 2 * share)
    drift = share * up + (1 - share) * down
    spread = NormalDist().inv_cdf(chance) * sqrt(share * (1 - share)) * (up - down)
    root = (spread + sqrt(spread**2 + 4 * drift * log(1 / limit))) / (2 * drift)
    return ceil(root**2 / of_both)


def _tail(drawn: int, least: int, share: Fraction) -> Fraction:
    return sum(
        (comb(drawn, won) * share**won * (1 - share) ** (drawn - won) for won in range(least, drawn + 1)), Fraction(0)
    )
