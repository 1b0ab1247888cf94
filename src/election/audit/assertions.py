"""Audits by assertions: the mean of what an assorter gives each ballot is more than a half (SHANGRLA, ALPHA).

P. B. Stark, "Sets of Half-Average Nulls Generate Risk-Limiting Audits: SHANGRLA" (Financial Cryptography 2020) and
"ALPHA: Audit that Learns from Previously Hand-Audited Ballots" (Annals of Applied Statistics, 2023).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod, sqrt


def overstatement_assorter(counted: float, paper: float, margin: float, upper: float = 1.0) -> float:
    """What a comparison gives a ballot whose record and paper have these assorter values; ``margin`` is 2·mean - 1."""
    return (1 - (counted - paper) / upper) / (2 - margin / upper)


def alpha(values: Sequence[float], ballots: int, expected: float, upper: float = 1.0) -> list[float]:
    """The p-value after each draw without replacement, for "the mean is at most a half".

    ``expected`` is the mean of all ballots that the count says; of those not yet drawn it follows.
    """
    found = [0.0, *accumulate(values)]
    estimates = [(ballots * expected - found[index]) / (ballots - index) for index in range(len(values))]
    return _alpha(values, ballots, [min(upper, max(0.0, one)) for one in estimates], upper)


def shrink_truncate(
    values: Sequence[float], ballots: int, expected: float, upper: float = 1.0, weight: int = 100, least: float = 0.5
) -> list[float]:
    """The same with an estimate that learns: ``expected`` counts as much as ``weight`` draws; c is ``least``."""
    found = [0.0, *accumulate(values)]
    estimates = []
    for index in range(len(values)):
        null = (ballots / 2 - found[index]) / (ballots - index)
        learned = (weight * expected + found[index]) / (weight + index)
        estimates.append(min(upper * (1 - 1e-12), max(null + least / sqrt(weight + index), learned)))
    return _alpha(values, ballots, estimates, upper)


def kaplan_markov(values: Iterable[float], mean: float = 0.5, padding: float = 0.0) -> float:
    """The p-value of draws with replacement, for "the mean is at most ``mean``"; a padding bears values of 0."""
    return 1 / max(1.0, *accumulate(((value + padding) / (mean + padding) for value in values), _product))


def kaplan_wald(values: Iterable[float], mean: float = 0.5, padding: float = 0.0) -> float:
    """As ``kaplan_markov``, by Wald's sequential test."""
    return 1 / max(1.0, *accumulate(((1 - padding) * value / mean + padding for value in values), _product))


def _alpha(values: Sequence[float], ballots: int, estimates: Sequence[float], upper: float) -> list[float]:
    test, best, found, p_values = 1.0, 1.0, 0.0, []
    for index, (value, estimate) in enumerate(zip(values, estimates, strict=True)):
        null = (ballots / 2 - found) / (ballots - index)
        if null <= 0:  # more than a half is certain already
            test = float("inf")
        elif null < upper:
            test *= (value * estimate / null + (upper - value) * (upper - estimate) / (upper - null)) / upper
        found += value
        best = max(best, test)
        p_values.append(1 / best)
    return p_values


def _product(left: float, right: float) -> float:
    return prod((left, right))
