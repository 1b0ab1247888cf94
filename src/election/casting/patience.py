"""How long a worker waits for services that are away: Postgres or Kafka restarting ends no night."""

import threading
import time
from collections.abc import Callable

import psycopg
import tenacity

from election.errors import NotReachable
from election.messaging.clients import passes

# From the first failure. More than the producer's own patience with a broker, which is two minutes.
_SECONDS = 300.0
_BETWEEN_SECONDS = 2.0


class Outdated(Exception):
    """What a worker read of its election at its start has changed since; it begins again."""


class Patience:
    """Attempts at what needs services that may be away; given up five minutes after the first one failed.

    A new count begins when work got done in between, or when all went well for as long.
    """

    def __init__(self, name: str, log: Callable[[str], None], stop: threading.Event, seconds: float = _SECONDS) -> None:
        self._name, self._log, self._stop, self._seconds = name, log, stop, seconds
        self._first: float | None = None
        self._latest = 0.0

    def worked(self) -> None:
        """Work got done, or there is none: a failure that comes now is a new one."""
        self._first = None

    def attempts(self) -> tenacity.Retrying:
        """Raises what the last attempt raised, once patience has ended or a stop was asked for."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_fixed(_BETWEEN_SECONDS),
            sleep=tenacity.sleep_using_event(self._stop),
            stop=self._ends,
            before_sleep=lambda state: self._log(
                f"{self._name} begins again: {state.outcome and state.outcome.exception()}"
            ),
            reraise=True,
        )

    def _ends(self, _state: tenacity.RetryCallState) -> bool:
        now = time.monotonic()
        if self._first is None or now - self._latest > self._seconds:
            self._first = now
        self._latest = now
        return self._stop.is_set() or now - self._first >= self._seconds


def _passes(error: BaseException) -> bool:
    """Whether it is worth another try: what was in hand is dropped and taken up again."""
    took_too_long = psycopg.errors.TransactionTimeout  # this process was stopped, and Postgres took its batch back
    return passes(error) or isinstance(error, (psycopg.OperationalError, took_too_long, NotReachable, Outdated))
