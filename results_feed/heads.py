"""The signed heads of the logs that are asked for: new ones are read at once, all of them every ten seconds."""

import threading
import time
from dataclasses import dataclass

from election.live.register import LogHead, SignedHead
from election.live.snapshots import Snapshots

_ALL_SECONDS = 10.0  # an auditor may sign a head that is known
_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class _Read:
    election: int
    newest: LogHead | None
    all_at: float
    signed: tuple[SignedHead, ...]


class Heads:
    """What was read of Postgres. One thread at a time reads; who looks at what is kept waits for no reader."""

    def __init__(self, source: Snapshots) -> None:
        self._source = source
        self._reading = threading.Lock()
        self._kept: dict[str, _Read] = {}

    def kept(self, slug: str) -> tuple[SignedHead, ...] | None:
        """The election's heads, the oldest first; None before they were read."""
        known = self._kept.get(slug)
        return known.signed if known else None

    def forget(self, slug: str) -> None:
        self._kept.pop(slug, None)

    def read(self, slug: str) -> None:
        """Reads what may be new; nothing when another thread has been reading for two seconds.

        Raises NotReachable, psycopg.Error.
        """
        if not self._reading.acquire(timeout=_WAIT_SECONDS):
            return
        try:
            snapshot = self._source.snapshot(slug)
            if snapshot is not None:
                register = snapshot.register
                self._kept[slug] = self._read(slug, register.election.number, register.head, self._kept.get(slug))
        finally:
            self._reading.release()

    def _read(self, slug: str, election: int, newest: LogHead | None, known: _Read | None) -> _Read:
        now, heads = time.monotonic(), self._source.registers.heads
        if known is None or known.election != election or now - known.all_at > _ALL_SECONDS:
            return _Read(election, newest, now, tuple(heads(slug)))
        if known.newest == newest:
            return known
        last = known.signed[-1].size if known.signed else 0
        if newest is None or newest.size < last:
            return _Read(election, newest, now, tuple(heads(slug)))
        return _Read(election, newest, known.all_at, (*known.signed, *heads(slug, last)))
