"""What all sessions of the process share: one set of snapshots, and what is drawn from each of them once."""

import threading
from functools import cache

from election.live.snapshots import Snapshots
from election.platform import native

__all__ = ["Snapshots", "feed"]


@cache
def _process_feed() -> Snapshots:
    return Snapshots(native()).start()


_starting = threading.Lock()


def feed() -> Snapshots:
    """The process's one feed, started at the first call."""
    with _starting:  # `cache` alone lets two first callers both start one
        return _process_feed()
