"""What asking randomuser.me survives; what comes of its people is in the tests with a database."""

import time

import pytest

from election.electorate.randomuser.client import Patience, RandomUser
from election.errors import StageFailed
from tests.randomuser_api import LARGE, serving

NO_ADDRESSES = ("http://[::1", "http://[bad]/", "http://example.com:99999999/", "http://exa\0mple/", "ftp://x/", "")


def asking(url: str) -> RandomUser:
    return RandomUser(url, ["GB"], lambda line: None, Patience(attempts=2, first=0.001, longest=0.001, too_many=0.001))


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_web_address_ends_with_the_way_on(address: str) -> None:
    with asking(address) as api, pytest.raises(StageFailed, match="source=offline"):
        api.page("seed", 1, 10)
    with asking("http://127.0.0.1/") as api, pytest.raises(StageFailed, match="source=offline"):
        api.photo(address)


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with serving() as server, asking(server.url) as api:
        server.photo_troubles.extend(["large"] * 2)
        with pytest.raises(StageFailed, match="more than 1,048,576 bytes"):
            api.photo(server.url.replace("/api/1.4/", "/photo/1.jpg"))
        deadline = time.monotonic() + 30
        while len(server.sent) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(server.sent) == 2 and max(server.sent) < LARGE
