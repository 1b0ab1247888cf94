"""The disk that an election needs, against the disk there is."""

import shutil
from pathlib import Path

from election.errors import BadInput
from election.scenarios.model import Scenario
from election.settings import Settings

BYTES_A_VOTER, BYTES_A_VOTE = 230, 430
"""Tables, topics, the count's state and what a reconciliation sorts on disk (docs/performance.md)."""
MOST_LOG = 8 * 2**30
"""Postgres keeps at most so much of its log (``max_wal_size``)."""
SPARE = 2**30
"""What is left free, so that nothing else on the disk stops."""


def needed(voters: int, votes: int) -> int:
    """Bytes of disk for so many registered voters and votes, with Postgres's log and a reserve."""
    data = voters * BYTES_A_VOTER + votes * BYTES_A_VOTE
    return data + min(data, MOST_LOG) + SPARE


def require_room(settings: Settings, scenario: Scenario) -> None:
    """Raises BadInput when the disk with ``settings.var`` has less free than the scenario will need.

    In containers this is the disk of this container's volumes; Postgres and Kafka are taken to be on the same one.
    """
    folder = _existing(settings.var)
    voters, votes = scenario.registered, scenario.most_votes
    need, free = needed(voters, votes), shutil.disk_usage(folder).free
    if need > free:
        raise BadInput(
            f"{voters:,} registered voters and {votes:,} votes need about {_gib(need)} of disk (Postgres, its log, "
            f"Kafka and the count); {_gib(free)} are free where {folder} is. Choose fewer voters or contests, or make "
            "room."
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
