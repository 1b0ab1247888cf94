"""The disk that an election needs, against the disk there is."""

import shutil
from pathlib import Path

from election.errors import BadInput
from election.settings import Settings

BYTES_A_VOTER = 550
"""Tables, topics and the count's state, for a voter of whom two in three vote (docs/performance.md)."""
MOST_LOG = 8 * 2**30
"""Postgres keeps at most so much of its log (``max_wal_size``)."""
SPARE = 2**30
"""What is left free, so that nothing else on the disk stops."""


def needed(voters: int) -> int:
    """Bytes of disk for an election of so many registered voters, with Postgres's log and a reserve."""
    data = voters * BYTES_A_VOTER
    return data + min(data, MOST_LOG) + SPARE


def require_room(settings: Settings, voters: int) -> None:
    """Raises BadInput when the disk with ``settings.var`` has less free than the electorate will need.

    In containers this is the disk of this container's volumes; Postgres and Kafka are taken to be on the same one.
    """
    folder = _existing(settings.var)
    need, free = needed(voters), shutil.disk_usage(folder).free
    if need > free:
        raise BadInput(
            f"{voters:,} registered voters need about {_gib(need)} of disk (Postgres, its log, Kafka and the count); "
            f"{_gib(free)} are free where {folder} is. Choose fewer voters or contests, or make room."
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
