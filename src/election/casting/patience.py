"""Retries while a service is down, so that a restart of Postgres or Kafka does not end a worker."""

import threading
import time
from collections.abc import Callable

import psycopg
import tenacity

from election.errors import NotReachable
from election.messaging.clients import is_transient

# From the first failure. More than the producer's own delivery timeout, which is two minutes.
_SECONDS = 300.0
_BETWEEN_SECONDS = 2.0


class Outdated(Exception):
    """The election has changed since the worker read it, so the worker must start again."""


class Patience:
    """Repeats work that needs services that may be down; gives up five minutes after the first failure.

    The five minutes start again after work was done, or after as long without a failure.
    """

    def __init__(self, name: str, log: Callable[[str], None], stop: threading.Event, seconds: float = _SECONDS) -> None:
        self._name, self._log, self._stop, self._seconds = name, log, stop, seconds
        self._first: float | None = None
        self._latest = 0.0

    def worked(self) -> None:
        """Reports that work was done, or that there is none: the next failure is a first one."""
        self._first = None

    def attempts(self) -> tenacity.Retrying:
        """The attempts. They raise the last attempt's error when the time is over or a stop was requested."""
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
    """Whether another attempt may succeed. The batch in hand is then dropped and read again."""
    took_too_long = psycopg.errors.TransactionTimeout  # the process was paused, and Postgres rolled its batch back
    return is_transient(error) or isinstance(error, (psycopg.OperationalError, took_too_long, NotReachable, Outdated))
