"""Asks the API, again and again within reason, over one connection that is kept open."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from http import HTTPStatus
from threading import Thread
from types import TracebackType
from typing import TypeVar

import requests
import tenacity
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema

from election.clients.randomuser.limits import Allowance
from election.clients.randomuser.people import Broken, Person, people
from election.errors import StageFailed
from election.sources import WINDOW_SECONDS

_INC = "gender,name,location,email,dob,phone,nat"
_MOST_PAGE_BYTES = 67_108_864
_MOST_PHOTO_BYTES = 1_048_576
_CONNECT, _SILENT = 10.0, 60.0  # seconds to connect, and between two bytes
_PIECE = 65_536  # bytes


@dataclass(frozen=True)
class Patience:
    """How long a page is asked for: attempts, and seconds of the first pause and of the longest."""

    attempts: int = 7
    first: float = 1.0
    longest: float = 60.0
    too_many: float = WINDOW_SECONDS / 5
    """The least pause after a 429 that does not say how long: with all attempts longer than the API's window."""
    answer: float = 120.0
    """Seconds in which an answer must be there whole, however slowly its bytes drip."""


PATIENCE = Patience()

Result = TypeVar("Result")


class _TooMany(Broken):
    """HTTP 429: rate limit reached for this IP address."""

    def __init__(self, after: float | None) -> None:
        super().__init__("too many people were asked for from this address (429)")
        self.after = after


@dataclass(frozen=True)
class _Answer:
    kind: str
    """Its content type."""
    body: bytes


class RandomUser:
    """The API at ``url``, for people of ``nationalities``. A context manager that closes its connection."""

    def __init__(
        self,
        url: str,
        nationalities: Sequence[str],
        log: Callable[[str], None],
        allowance: Allowance,
        patience: Patience | None = None,
    ) -> None:
        self._url, self._nationalities, self._log = url, nationalities, log
        self._patience = patience or PATIENCE
        self._allowance = allowance
        self._http = _session()

    def __enter__(self) -> "RandomUser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def page(self, seed: str, page: int, number: int, *, pictures: bool = False) -> list[Person]:
        """The first ``number`` people of a page; the same for the same seed and page.

        Raises StageFailed when no usable answer came in all attempts.
        """

        def ask() -> list[Person]:
            waited = self._allowance.take(number)
            if waited:
                self._log(f"Waited {waited:.0f} s for randomuser.me's limit of people per address.")
            answer = self._answered(
                self._url,
                _MOST_PAGE_BYTES,
                results=str(number),
                nat=",".join(self._nationalities).lower(),
                seed=seed,
                page=str(page),
                inc=_INC + (",picture" if pictures else ""),
            )
            return people(answer.body, number, self._nationalities, datetime.now(UTC).date())

        return self._patiently(ask, f"page {page} ({number:,} people)")

    def photo(self, url: str) -> bytes:
        """The picture's bytes. Raises StageFailed when it did not come in all attempts."""

        def ask() -> bytes:
            answer = self._answered(url, _MOST_PHOTO_BYTES)
            if not answer.kind.startswith("image/") or not answer.body:
                raise Broken(f"{len(answer.body)} bytes of {answer.kind or 'nothing known'} came instead of a picture")
            return answer.body

        return self._patiently(ask, f"the photo {url}")

    def _answered(self, url: str, most: int, **parameters: str) -> _Answer:
        """The answer, of which no more than ``most`` bytes are read, for no longer than patience allows.

        The timeouts of requests start again with each byte. A thread of its own lets one clock cover the whole request,
        from the look-up of the name to the last byte.
        """
        answer: Future[_Answer] = Future()
        session, deadline = self._http, time.monotonic() + self._patience.answer

        def ask() -> None:
            try:
                answer.set_result(_get(session, url, parameters, most, deadline))
            except Exception as error:  # noqa: BLE001  (raised again by result(), in the thread that waits)
                answer.set_exception(error)

        Thread(target=ask, daemon=True).start()
        try:
            return answer.result(self._patience.answer)
        except TimeoutError as error:
            self._http = _session()  # the thread ends with the connection that it still holds
            raise Broken(f"the answer was not whole after {self._patience.answer:g} s") from error

    def _patiently(self, ask: Callable[[], Result], what: str) -> Result:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Broken),
            stop=tenacity.stop_after_attempt(self._patience.attempts),
            wait=self._pause,
            before_sleep=lambda state: self._log(f"randomuser.me, {what}: {_failure(state)}; asking again."),
        )
        try:
            return retrying(ask)
        except tenacity.RetryError as error:
            raise StageFailed(
                f"randomuser.me ({self._url}) did not give {what} in {self._patience.attempts} attempts; the last time "
                f"{error.last_attempt.exception()}. What came before is kept: clear the task later to go on there. "
                "Or start an election with `source=offline`, which needs no network."
            ) from error

    def _pause(self, state: tenacity.RetryCallState) -> float:
        jittered = tenacity.wait_random_exponential(self._patience.first, self._patience.longest)(state)
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TooMany):
            return jittered + (self._patience.too_many if error.after is None else min(error.after, WINDOW_SECONDS))
        return jittered


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "election-night/0.1"
    return session


def _get(session: requests.Session, url: str, parameters: dict[str, str], most: int, deadline: float) -> _Answer:
    """Raises Broken for an answer that is not whole, too large, or none."""
    try:
        with session.get(url, params=parameters or None, stream=True, timeout=(_CONNECT, _SILENT)) as answer:
            return _read(answer, most, deadline)
    except (InvalidURL, InvalidSchema, MissingSchema) as error:
        raise Broken(f"{url!r} is no web address ({error})") from error
    except requests.RequestException as error:
        raise Broken(f"no answer ({type(error).__name__}: {error})") from error


def _read(answer: requests.Response, most: int, deadline: float) -> _Answer:
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        after = answer.headers.get("retry-after", "")
        raise _TooMany(float(after) if after.isdigit() else None)
    if answer.status_code != HTTPStatus.OK:
        raise Broken(f"status {answer.status_code}")
    body = bytearray()
    for piece in answer.iter_content(_PIECE):
        body += piece
        if len(body) > most:
            raise Broken(f"more than {most:,} bytes came")
        if time.monotonic() > deadline:
            raise Broken("the answer was not whole in time")
    return _Answer(answer.headers.get("content-type", ""), bytes(body))


def seed_text(purpose: str, seed: int) -> str:
    """The API's seed for a purpose of an election.

    Candidates and voters need different ones, or they are the same people. It ends with a separator because the API
    puts the page behind it, and is longer than the 18 characters that it reads as a seed with a nationality.
    """
    return f"{purpose}-{blake2b(str(seed).encode(), digest_size=8).hexdigest()}-"


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
