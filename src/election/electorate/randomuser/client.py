"""Asks the API, again and again within reason, over one connection that is kept open."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from types import TracebackType
from typing import TypeVar

import httpx
import tenacity

from election.electorate.randomuser.limits import Allowance
from election.electorate.randomuser.people import Broken, Person, people
from election.errors import StageFailed
from election.sources import WINDOW_SECONDS

_INC = "gender,name,location,email,dob,phone,nat"
_MOST_PAGE_BYTES = 67_108_864
_MOST_PHOTO_BYTES = 1_048_576


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
    """Status 429: the address has had its people."""

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
        # A loop, because only there can one clock stand over all of a request, from the look-up to the last byte.
        self._loop = asyncio.Runner()
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(60, connect=10), follow_redirects=True, headers={"User-Agent": "election-night/0.1"}
        )

    def __enter__(self) -> "RandomUser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._http.aclose())
        self._loop.close()

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
        return self._loop.run(self._get(url, most, parameters))

    async def _get(self, url: str, most: int, parameters: dict[str, str]) -> _Answer:
        """The answer, of which no more than ``most`` bytes are read, for no longer than patience allows."""
        try:
            async with (
                asyncio.timeout(self._patience.answer),
                self._http.stream("GET", url, params=parameters or None) as answer,
            ):
                return await _read(answer, most)
        except TimeoutError as error:
            raise Broken(f"the answer was not whole after {self._patience.answer:g} s") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Broken(f"{url!r} is no web address ({error})") from error
        except (httpx.TransportError, httpx.DecodingError, httpx.TooManyRedirects) as error:
            raise Broken(f"no answer ({type(error).__name__}: {error})") from error

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


async def _read(answer: httpx.Response, most: int) -> _Answer:
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        after = answer.headers.get("retry-after", "")
        raise _TooMany(float(after) if after.isdigit() else None)
    if answer.status_code != httpx.codes.OK:
        raise Broken(f"status {answer.status_code}")
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > most:
            raise Broken(f"more than {most:,} bytes came")
    return _Answer(answer.headers.get("content-type", ""), bytes(body))


def seed_text(purpose: str, seed: int) -> str:
    """The API's seed for a purpose of an election.

    Candidates and voters need different ones, or they are the same people. It ends with a separator because the API
    puts the page behind it, and is longer than the 18 characters that it reads as a seed with a nationality.
    """
    return f"{purpose}-{blake2b(str(seed).encode(), digest_size=8).hexdigest()}-"


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
