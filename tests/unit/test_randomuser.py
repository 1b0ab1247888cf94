"""What asking randomuser.me survives; what comes of its people is in the tests with a database."""

import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest
import tenacity

from election.clients.randomuser.client import Patience, RandomUser, _TooMany
from election.clients.randomuser.limits import PAGE, Allowance
from election.clients.randomuser.people import Broken
from election.errors import StageFailed
from election.sources import WINDOW_SECONDS
from tests.randomuser_api import LARGE, SLOW, serving

NO_ADDRESSES = ("http://[::1", "http://[bad]/", "http://example.com:99999999/", "http://exa\0mple/", "ftp://x/", "")


@pytest.fixture
def asking(tmp_path: Path) -> Callable[..., RandomUser]:
    def asking(url: str, answer: float = 10.0) -> RandomUser:
        patience = Patience(attempts=2, first=0.001, longest=0.001, too_many=0.001, answer=answer)
        return RandomUser(url, ["GB"], lambda line: None, Allowance(tmp_path / "asked"), patience)

    return asking


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_web_address_ends_with_the_way_on(asking: Callable[..., RandomUser], address: str) -> None:
    with asking(address) as api, pytest.raises(StageFailed, match="source=offline"):
        api.page("seed", 1, 10)
    with asking("http://127.0.0.1/") as api, pytest.raises(StageFailed, match="source=offline"):
        api.photo(address)


def test_an_answer_without_end_is_not_read_to_its_end(asking: Callable[..., RandomUser]) -> None:
    with serving() as server, asking(server.url) as api:
        server.photo_troubles.extend(["large"] * 2)
        with pytest.raises(StageFailed, match="more than 1,048,576 bytes"):
            api.photo(server.url.replace("/api/1.4/", "/photo/1.jpg"))
        deadline = time.monotonic() + 30
        while len(server.sent) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(server.sent) == 2 and max(server.sent) < LARGE


@pytest.mark.slow
@pytest.mark.parametrize("trouble", SLOW)
def test_an_answer_that_takes_too_long_is_given_up_however_its_bytes_drip(
    asking: Callable[..., RandomUser], trouble: str
) -> None:
    with serving() as server, asking(server.url, answer=1.5) as api:  # a byte comes in it
        server.troubles.extend([trouble] * 2)
        with pytest.raises(StageFailed, match=r"in 2 attempts.*not whole after 1\.5 s.*`source=offline`"):
            api.page("seed", 1, 10)
        assert len(api.page("seed", 1, 10)) == 10
    assert len(server.asked) == 3


def test_a_page_may_have_as_many_people_as_the_api_gives_on_one(asking: Callable[..., RandomUser]) -> None:
    with serving() as server, asking(server.url) as api:
        assert len(api.page("seed", 1, PAGE)) == PAGE
        with pytest.raises(StageFailed, match="source=offline"):  # of more it gives one person
            api.page("seed", 1, PAGE + 1)


def test_every_try_of_a_page_counts_as_people_asked_for(tmp_path: Path) -> None:
    taken: list[int] = []

    class Noting(Allowance):
        def take(self, people: int) -> float:
            taken.append(people)
            return 0.0

    patience = Patience(attempts=2, first=0.001, longest=0.001)
    with serving() as server, RandomUser(server.url, ["GB"], print, Noting(tmp_path / "asked"), patience) as api:
        server.troubles.append("empty")
        api.page("seed", 1, 10)
    assert taken == [10, 10]


def test_pauses_grow_and_differ_and_are_no_shorter_than_the_api_says() -> None:
    def pauses(attempt: int, error: Exception) -> list[float]:
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = attempt
        state.set_exception((type(error), error, None))
        return [api._pause(state) for _ in range(100)]

    patience = Patience(first=1.0, longest=60.0, too_many=50.0)
    with RandomUser("http://127.0.0.1/", ["GB"], print, Allowance(Path("/dev/null")), patience) as api:
        early, late = pauses(1, Broken("no answer")), pauses(7, Broken("no answer"))
        assert max(early) <= 1.0 < max(late) <= 60.0
        assert len(set(late)) > 50
        assert min(pauses(1, _TooMany(7.0))) >= 7.0 and max(pauses(1, _TooMany(7.0))) <= 8.0
        assert min(pauses(1, _TooMany(None))) >= 50.0
        assert max(pauses(1, _TooMany(1e9))) <= WINDOW_SECONDS + 1.0


class Full(Exception):
    """Whoever asks now has to wait."""


def asked_until_full(file: Path) -> int:
    def full(_seconds: float) -> None:
        raise Full

    allowance, people = Allowance(file, sleep=full), 0
    try:
        while True:
            allowance.take(100)
            people += 100
    except Full:
        return people


@pytest.mark.slow
def test_tasks_beside_each_other_ask_for_no_more_people_together_than_one_may(tmp_path: Path) -> None:
    with get_context("spawn").Pool(2) as tasks:
        assert sum(tasks.map(asked_until_full, [tmp_path / "asked"] * 2, chunksize=1)) == 20_000
    assert asked_until_full(tmp_path / "asked") == 0, "nor does a task that is cleared begin anew"
    assert asked_until_full(tmp_path / "another API") == 20_000


def test_what_a_crash_left_in_the_file_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "asked"
    file.write_text(f"{time.time():.6f} 5000\n17")
    assert asked_until_full(file) == 15_000


def test_an_api_is_asked_for_no_more_people_in_its_window_than_it_allows(tmp_path: Path) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    allowance = Allowance(tmp_path / "asked", lambda: now, sleep)
    given = []
    for pause in (100, 100, 90, *[1] * 10):
        allowance.take(5_000)
        given.append(now)
        now += pause
    for start in given:
        assert sum(5_000 for moment in given if start <= moment < start + 300) <= 20_000
    assert now == 3 * 300 + 1  # and no longer than that takes
