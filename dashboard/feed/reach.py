"""Whether a source answers, and since when."""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True)
class Reach:
    """``answered_at`` is the last answer (UTC; None: never). ``trouble`` is empty while the source answers."""

    source: str
    answered_at: datetime | None = None
    trouble: str = ""
    trouble_since: datetime | None = None
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.trouble


class Pulse:
    """Keeps a source's Reach; safe for use from several threads."""

    def __init__(self, source: str) -> None:
        self._lock = threading.Lock()
        self.now = Reach(source)

    def answered(self, missing: tuple[str, ...] = ()) -> None:
        """The source answered; ``missing`` names what it does not have yet."""
        with self._lock:
            self.now = Reach(self.now.source, datetime.now(UTC), missing=missing)

    def failed(self, trouble: str) -> None:
        with self._lock:
            since = self.now.trouble_since or self.now.answered_at or datetime.now(UTC)
            self.now = replace(self.now, trouble=trouble, trouble_since=since)
