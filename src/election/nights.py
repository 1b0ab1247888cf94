"""Replaying a night: when a contest is complete and when each of its voters is due, compressed to a duration.

docs/casting.md has the formulas. Everything follows from the contests and the seed, so it is the same again tomorrow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import gcd

from election import draws
from election.errors import BadInput

LEAD = 0.1
"""The night begins before its first declaration by this share of the time from the first to the last."""

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True)
class Arrival:
    """When a contest's voters are due: that of rank r at ``((r * step + shift) % registered + 1) * ms / registered``.

    ``ms`` is when the contest is complete, in milliseconds after the poll opened. Step and registered have no common
    factor, so every voter has a moment of their own.
    """

    step: int
    shift: int
    ms: int


def seconds(night: str) -> int:
    """A duration such as ``10m``, ``90s`` or ``1h30m`` in seconds. Raises BadInput for anything else, and for none."""
    found = _DURATION.fullmatch(night)
    hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + rest
    if not total:
        raise BadInput(f"A night cannot last {night!r}: give a duration such as 10m, 90s or 1h30m.")
    return total


def completions(contests: Sequence[tuple[str, datetime | None]], seed: int) -> list[float]:
    """For each contest (id, time of its declaration) the share of the night after which it is complete.

    The last one is complete at 1. A contest without a time gets one from the seed.
    """
    times = [declared.timestamp() for _, declared in contests if declared is not None]
    first, last = (min(times), max(times)) if times else (0.0, 0.0)
    begin = first - LEAD * (last - first)
    earliest = LEAD / (1 + LEAD)
    shares = []
    for contest_id, declared in contests:
        if declared is not None:
            shares.append((declared.timestamp() - begin) / (last - begin) if last > begin else 1.0)
        else:
            drawn = int(draws.key(seed, "declared", contest_id)) / 2**64
            shares.append(earliest + (1 - earliest) * drawn)
    latest = max(shares)
    return [share / latest for share in shares]


def arrival(contest_id: str, registered: int, share: float, night_seconds: int, seed: int) -> Arrival:
    """The arrival of a contest's voters in a night of that many seconds, of which it takes ``share``."""
    drawn = int(draws.key(seed, "arrival", contest_id))
    # Around the golden section, multiples spread evenly over the contest, whatever part of it one looks at.
    step = max(1, int(registered * (0.382 + 0.236 * (drawn >> 32) / 2**32)))
    while gcd(step, registered) > 1:
        step += 1
    return Arrival(step, drawn % registered, max(1, round(share * night_seconds * 1000)))
