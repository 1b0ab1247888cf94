"""Replaying a night: when a district is complete and when each of its voters is due, compressed to a duration.

docs/casting.md has the formulas. Everything follows from the districts and the seed, so it is the same again tomorrow.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import gcd

from election import draws
from election.errors import BadInput

LEAD = 0.1
"""The night begins before its first declaration by this share of the time from the first to the last."""

LONGEST = 7 * 24 * 3600
"""Seconds that a night may take at most: a week."""

_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")


@dataclass(frozen=True)
class Arrival:
    """When a district's voters are due: that of rank r at ``((r * step + shift) % registered + 1) * ms / registered``.

    ``ms`` is when the district is complete, in milliseconds after the poll opened. Step and registered have no common
    factor, so every voter has a moment of their own.
    """

    step: int
    shift: int
    ms: int


def seconds(night: str) -> int:
    """A duration such as ``10m``, ``90s`` or ``1h30m`` in seconds, 1 to LONGEST. Raises BadInput for anything else."""
    found = _DURATION.fullmatch(night)
    hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + rest
    if not total:
        raise BadInput(f"A night cannot last {night[:40]!r}: give a duration such as 10m, 90s or 1h30m.")
    if total > LONGEST:
        raise BadInput(f"A night cannot last {night}: a week (168h) is the longest. Give a shorter one, such as 10m.")
    return total


def completions(
    districts: Sequence[tuple[str, datetime | None]], seed: int, apart: Collection[str] = ()
) -> list[float]:
    """For each district (id, local time of its declaration) the share of the night after which it is complete.

    The last one is complete at 1. A district without a time gets one from the seed. The districts whose ids are in
    ``apart`` polled on a later day: they do not stretch the night, and are complete at its end. Local times are
    compared as they are written, whatever the time zone of the machine.
    """
    times = [declared for district_id, declared in districts if declared is not None and district_id not in apart]
    first = min(times, default=None)
    length = (max(times) - first).total_seconds() if first else 0.0
    earliest = LEAD / (1 + LEAD)
    shares = []
    for district_id, declared in districts:
        if district_id in apart:
            shares.append(1.0)
        elif declared is not None and first is not None:
            passed = (declared - first).total_seconds() / length if length else 1.0
            shares.append((passed + LEAD) / (1 + LEAD))
        else:
            drawn = int(draws.key(seed, "declared", district_id)) / 2**64
            shares.append(earliest + (1 - earliest) * drawn)
    latest = max(shares)
    return [share / latest for share in shares]


def arrival(district_id: str, registered: int, share: float, night_seconds: int, seed: int) -> Arrival:
    """The arrival of a district's voters in a night of that many seconds, of which it takes ``share``."""
    drawn = int(draws.key(seed, "arrival", district_id))
    # Around the golden section, multiples spread evenly over the district, whatever part of it one looks at.
    step = max(1, int(registered * (0.382 + 0.236 * (drawn >> 32) / 2**32)))
    while gcd(step, registered) > 1:
        step += 1
    return Arrival(step, drawn % registered, max(1, round(share * night_seconds * 1000)))
