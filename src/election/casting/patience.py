"""How long a worker waits for services that are away: Postgres or Kafka restarting ends no night."""

import threading
import time
from collections.abc import Callable

import psycopg
import tenacity

from election.errors import NotReachable
from election.messaging.clients import passes

# From the last answer. More than the producer's own patience with a broker, which is two minutes.
_SECONDS = 300.0
_BETWEEN_SECONDS = 2.0


class Patience:
    """Attempts at what needs services that may be away; given up five minutes after they were last known to answer."""

    def __init__(self, name: str, log: Callable[[str], None], stop: threading.Event, seconds: float = _SECONDS) -> None:
        self._name, self._log, self._stop, self._seconds = name, log, stop, seconds
        self._since = time.monotonic()

    def answered(self) -> None:
        """Everything answers: an outage that comes now is a new one."""
        self._since = time.monotonic()

    def attempts(self) -> tenacity.Retrying:
        """Raises what the last attempt raised, once patience has ended or a stop was asked for."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_passes),
            wait=tenacity.wait_fixed(_BETWEEN_SECONDS),
            sleep=tenacity.sleep_using_event(self._stop),
            stop=lambda _: self._stop.is_set() or time.monotonic() - self._since > self._seconds,
            before_sleep=lambda state: self._log(
                f"{self._name} begins again: {state.outcome and state.outcome.exception()}"
            ),
            reraise=True,
        )


def _passes(error: BaseException) -> bool:
    """Whether a service was away: what was in hand is dropped and taken up again."""
    return passes(error) or isinstance(error, (psycopg.OperationalError, NotReachable))
