"""The dashboard in a real browser while what it reads from is not there: started, stopped and started for real."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from election.contracts import topics
from election.messaging.clients import admin
from election.messaging.topics import create_topics
from election.platform import Platform
from election.preparation import Registration
from election.stack import services
from election.stack.starting import start
from election.stack.supervision import Supervisor
from tests.browser import load, reader
from tests.dashboard_reading import apart, open_page, serious, shows
from tests.dashboard_rehearsal import MINUTE, Count, set_state, set_up

SINGLE = Registration("uk-general-election-2019", "trouble-ynys-mon", ("W07000041",))


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """The dashboard alone; the first test starts what it reads from."""
    with apart() as away:
        start(away.settings, ("dashboard",))
        yield away


@pytest.fixture
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    with reader(browser, platform.settings.dashboard_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def one_contest(platform: Platform) -> Count:
    start(platform.settings, services.STORAGE)
    scenario = set_up(platform, SINGLE)
    set_state(platform, SINGLE.slug, "open")
    count = Count(platform, SINGLE.slug, scenario)
    count.show(lambda _c, _n, _i, votes: votes // 2, MINUTE, invalid=0.5)
    shows(platform.settings.dashboard_url, SINGLE.slug, 18_275)
    return count


def test_a_dashboard_that_is_there_first_says_what_is_not_and_shows_what_comes(page: Page, platform: Platform) -> None:
    with reader(page.context.browser, platform.settings.dashboard_url) as other:  # type: ignore[arg-type]
        load(page, "/")
        load(other, f"/?election={SINGLE.slug}&refresh=1")
        expect(page.locator(".en-warning")).to_contain_text("Postgres has not answered since the start")
        expect(page.locator("text=There is no election yet.")).to_have_count(0)
        expect(other.locator(".en-warning")).to_contain_text("cannot be looked up at the moment")
        assert serious(page) == []
        start(platform.settings, services.STORAGE)
        expect(page.locator("text=There is no election yet.")).to_be_visible(timeout=30_000)
        expect(page.locator(".en-warning")).to_have_count(0)
        expect(other.locator(".en-warning")).to_contain_text(f"There is no election “{SINGLE.slug}”.", timeout=30_000)
        set_up(platform, SINGLE)
        expect(page.locator(f".en-elections a[href*={SINGLE.slug}]")).to_be_visible(timeout=30_000)
        expect(other.locator(".en-waiting")).to_contain_text("No ballot counted yet.", timeout=30_000)
        # Topics that were just made do not answer at once.
        expect(other.locator(".en-warning")).to_have_count(0, timeout=60_000)


def test_a_topic_that_is_missing_is_named_until_it_is_there(page: Page, platform: Platform, one_contest: Count) -> None:
    open_page(page, SINGLE.slug)
    expect(page.locator(".en-warning")).to_have_count(0, timeout=60_000)
    client = admin(platform.login("admin"))
    for deleted in client.delete_topics([topics.TURNOUT_BY_GENDER]).values():
        deleted.result()
    expect(page.locator(".en-warning")).to_contain_text(
        f"Kafka does not have {topics.TURNOUT_BY_GENDER}", timeout=30_000
    )
    expect(page.locator(".en-leader")).to_contain_text("Virginia Crosbie")
    create_topics(platform)
    expect(page.locator(".en-warning")).to_have_count(0, timeout=60_000)
    one_contest.show(lambda _c, _n, _i, votes: votes, MINUTE + 60_000)
    open_page(page, SINGLE.slug, "turnout")
    expect(page.locator(".en-table", has_text="Turnout by gender")).to_contain_text("female")
    expect(page.locator(".en-warning")).to_have_count(0)


@pytest.mark.parametrize(
    ("service", "words"), [("kafka", "Kafka has not answered since"), ("postgres", "Postgres has not answered since")]
)
def test_the_page_stays_up_while_a_source_is_away(
    service: str, words: str, page: Page, platform: Platform, one_contest: Count
) -> None:
    open_page(page, SINGLE.slug)
    row = page.locator("table.en-table tr", has_text="Virginia Crosbie")
    expect(row).to_be_visible()
    known = row.inner_text()
    Supervisor(platform.settings).stop_program(service)
    try:
        warning = page.locator(".en-warning")
        expect(warning).to_contain_text(words, timeout=30_000)
        assert row.inner_text() == known
        assert serious(page) == []
        # A reader who comes now is served as well.
        page.reload()
        expect(warning).to_contain_text(words, timeout=30_000)
        expect(row).to_be_visible()
    finally:
        start(platform.settings, services.STORAGE)
    expect(page.locator(".en-warning")).to_have_count(0, timeout=60_000)
    assert row.inner_text() == known
    # What is counted from now on is shown again.
    votes = {"kafka": 12_961, "postgres": 12_963}[service]
    one_contest.show(lambda _c, number, _i, official: votes if number == 1 else official, MINUTE + 120_000)
    expect(page.locator("table.en-table tr").filter(has_text=f"{votes:,}")).to_have_count(1, timeout=30_000)
