"""HTTP/1.1 by uvicorn, with bounds on what a stranger can make it hold: bytes, seconds and connections."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES = 16_384
"""The most of a request's line and headers; h11 closes the connection of a longer one with status 400."""
REQUEST_SECONDS = 10.0
"""A connection without a whole request is closed after this time, counted from its beginning or its first byte."""
CONNECTIONS = 1000
"""With more of them open, requests get 503."""


class Impatient(H11Protocol):
    """Closes connections that say nothing or never finish a request; uvicorn has a timer between requests alone."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._due is None:
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


OPTIONS: dict[str, Any] = {
    "http": Impatient,
    "ws": "none",
    "h11_max_incomplete_event_size": HEAD_BYTES,
    "limit_concurrency": CONNECTIONS,
    "log_config": None,  # as the process's other logs
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 5,
}
"""What ``uvicorn.run`` and ``uvicorn.Config`` take."""
