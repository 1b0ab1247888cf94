"""Whether a source answers, and since when."""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True)
class Reach:
    """``answered_at`` is the last answer (UTC; None: never), ``asked_at`` the first question.

    ``trouble`` is empty while the source answers; ``missing`` names what it does not have, since ``missing_since``.
    """

    source: str
    asked_at: datetime
    answered_at: datetime | None = None
    trouble: str = ""
    trouble_since: datetime | None = None
    missing: tuple[str, ...] = ()
    missing_since: datetime | None = None

    @property
    def ok(self) -> bool:
        return not self.trouble


class Pulse:
    """Keeps a source's Reach; safe for use from several threads."""

    def __init__(self, source: str) -> None:
        self._lock = threading.Lock()
        self.now = Reach(source, datetime.now(UTC))

    def answered(self, missing: tuple[str, ...] = ()) -> None:
        """The source answered; ``missing`` names what it does not have yet."""
        with self._lock:
            now = datetime.now(UTC)
            since = (self.now.missing_since or now) if missing else None
            self.now = Reach(self.now.source, self.now.asked_at, now, missing=missing, missing_since=since)

    def failed(self, trouble: str) -> None:
        with self._lock:
            since = self.now.trouble_since or self.now.answered_at or datetime.now(UTC)
            self.now = replace(self.now, trouble=trouble, trouble_since=since)
