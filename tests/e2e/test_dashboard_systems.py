"""Pages of rankings and of lists in a real browser: the pictures they need, on a phone, in the dark, for everyone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from election.contracts import topics
from election.platform import Platform
from election.preparation import Registration
from election.stack import services
from election.stack.starting import start
from tests.browser import reader
from tests.dashboard_reading import apart, open_page, serious, shows
from tests.dashboard_rehearsal import MINUTE, Count, set_state, set_up

RANKED = Registration("stv-wards", "browser-rankings")
LISTS = Registration("list-council", "browser-lists")
VIEWS: list[dict[str, Any]] = [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}]
# Candidates 1 to 6 stand in the first ward.
RANKINGS = {"1,2": 60, "2": 30, "3,4,1": 50, "4,3": 20, "5,6": 25, "6,5,1": 15}


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with apart() as away:
        start(away.settings, services.STORAGE)
        yield away


@pytest.fixture(scope="module")
def dashboard(platform: Platform) -> str:
    start(platform.settings, (*services.STORAGE, "dashboard"))
    return platform.settings.dashboard_url


@pytest.fixture(scope="module")
def rankings(platform: Platform, dashboard: str) -> Count:
    scenario = set_up(platform, RANKED)
    set_state(platform, RANKED.slug, "open")
    count = Count(platform, RANKED.slug, scenario)
    first = {int(ranking.split(",")[0]): votes for ranking, votes in RANKINGS.items()}
    for ranking, votes in RANKINGS.items():
        count.put(topics.VOTES_PER_RANKING, f"1/1/{ranking}", votes=votes, district=1, contest=1, ranking=ranking)
    count.show(lambda _contest, candidate, _i, _votes: first.get(candidate, 0), MINUTE)
    shows(dashboard, RANKED.slug, sum(RANKINGS.values()))
    return count


@pytest.fixture(scope="module")
def lists(platform: Platform, dashboard: str) -> Count:
    scenario = set_up(platform, LISTS)
    set_state(platform, LISTS.slug, "open")
    count = Count(platform, LISTS.slug, scenario)
    count.show(lambda _c, _n, index, _v: (900, 700, 300, 40)[index], MINUTE)
    shows(dashboard, LISTS.slug, 3 * 1_940)
    return count


@pytest.mark.parametrize("view", VIEWS, ids=["light", "dark", "phone"])
def test_the_stages_of_rankings_are_a_flow_and_a_table_that_all_can_read(
    browser: Browser, dashboard: str, rankings: Count, view: dict[str, Any]
) -> None:
    with reader(browser, dashboard, **view) as page:
        open_page(page, RANKED.slug, "contests", query="&contest=NW")
        stages = page.locator(".en-stages")
        expect(stages).to_contain_text("Stages, provisional until the count is over")
        expect(stages).to_contain_text("3 seats; the quota is 51 votes")
        assert page.locator(".en-flow img").evaluate("image => image.naturalWidth") > 0
        # Ada Marsh has more than the quota at once; who has the fewest is excluded, and the papers move on.
        expect(stages.locator("tbody tr", has_text="Ada Marsh").first).to_contain_text("elected")
        expect(stages.locator("tbody tr", has_text="excluded").first).to_be_visible()
        assert serious(page) == []
        assert not _wider_than_the_screen(page), "the stages scroll within their frame"


@pytest.mark.parametrize("view", VIEWS, ids=["light", "dark", "phone"])
def test_lists_show_what_the_threshold_does_and_which_seats_can_still_move(
    browser: Browser, dashboard: str, lists: Count, view: dict[str, Any]
) -> None:
    with reader(browser, dashboard, **view) as page:
        open_page(page, LISTS.slug)
        table = page.locator(".en-thresholds")
        expect(table.locator("tr", has_text="Oak League")).to_contain_text("votes short: 5.00% needed")
        expect(table.locator("tr", has_text="Harvest Alliance")).to_contain_text(" to ")
        assert serious(page) == []
        assert not _wider_than_the_screen(page)


def _wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth > window.innerWidth"))
