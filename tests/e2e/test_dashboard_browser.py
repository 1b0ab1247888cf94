"""The dashboard in a real browser against a real Postgres and Kafka: live, and for everyone to read."""

import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from election.platform import Platform
from election.preparation import Registration
from election.stack import services
from election.stack.starting import start
from tests.browser import load, reader
from tests.dashboard_reading import apart, banner, open_page, serious, shows
from tests.dashboard_rehearsal import MINUTE, Count, set_state, set_up

REGION = Registration("uk-general-election-2019", "browser-wales", region="Wales")
SINGLE = Registration("uk-general-election-2019", "browser-ynys-mon", ("W07000041",))
PAGES = ("", "contests", "turnout", "night", "integrity", "downloads")


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with apart() as away:
        start(away.settings, services.STORAGE)
        yield away


@pytest.fixture(scope="module")
def dashboard(platform: Platform) -> str:
    """The address of the dashboard, started by the stack as it is everywhere."""
    start(platform.settings, (*services.STORAGE, "dashboard"))
    return platform.settings.dashboard_url


@pytest.fixture
def page(browser: Browser, dashboard: str) -> Iterator[Page]:
    """A reader's page; afterwards it has asked no host but the dashboard and met no error of its own."""
    with reader(browser, dashboard) as opened:
        yield opened


@pytest.fixture(scope="module")
def wales(platform: Platform, dashboard: str) -> Count:
    """Forty contests, counted to the end."""
    scenario = set_up(platform, REGION)
    set_state(platform, REGION.slug, "open")
    count = Count(platform, REGION.slug, scenario)
    count.show(lambda contest, _n, _i, votes: votes // 3 if contest % 5 else 0, MINUTE, invalid=0)
    count.show(lambda _c, _n, _i, votes: votes, MINUTE + 60_000)
    set_state(platform, REGION.slug, "counted")
    shows(dashboard, REGION.slug, 1_544_357)
    return count


@pytest.fixture(scope="module")
def one_contest(platform: Platform, dashboard: str) -> Count:
    scenario = set_up(platform, SINGLE)
    set_state(platform, SINGLE.slug, "open")
    count = Count(platform, SINGLE.slug, scenario)
    count.show(lambda _c, _n, _i, votes: votes // 2, MINUTE, invalid=0.5)
    shows(dashboard, SINGLE.slug, 18_275)
    return count


def test_totals_grow_on_an_open_page_without_a_reload(page: Page, platform: Platform, one_contest: Count) -> None:
    open_page(page, SINGLE.slug)
    row = page.locator("table.en-table tr", has_text="Virginia Crosbie")
    expect(row).to_contain_text("6,479")
    expect(banner(page)).to_contain_text("Partial result.")
    page.evaluate("window.sameLoad = true")
    one_contest.show(lambda _c, _n, _i, votes: votes, MINUTE + 60_000)
    expect(row).to_contain_text("12,959", timeout=10_000)
    set_state(platform, SINGLE.slug, "counted")
    expect(banner(page)).to_contain_text("Complete, not yet certified.", timeout=10_000)
    expect(page.locator("text=✓ equal")).to_have_count(4)
    assert page.evaluate("window.sameLoad") is True


def test_the_readers_own_format_and_theme(browser: Browser, dashboard: str, wales: Count) -> None:
    with reader(browser, dashboard, locale="de-DE", color_scheme="dark") as page:
        open_page(page, REGION.slug)
        expect(page.locator(".en-figures", has_text="Registered voters")).to_contain_text("2.319.826")
        background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert background == "rgb(20, 23, 28)"


def test_the_seats_bar_is_in_proportion(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug)
    whole = page.locator(".en-seatbar").bounding_box()
    parts = [part.bounding_box() for part in page.locator(".en-seatbar span").all()]
    assert whole and all(parts)
    assert [round(40 * part["width"] / whole["width"], 1) for part in parts if part] == [22, 14, 4]


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, dashboard: str, wales: Count) -> None:
    with reader(browser, dashboard, viewport={"width": 390, "height": 844}) as page:
        for name in PAGES:
            open_page(page, REGION.slug, name)
            wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
            assert wide <= 390, f"{name or 'result'} is {wide} pixels wide"


def test_whatever_a_name_contains_it_is_text_and_fits(browser: Browser, dashboard: str, platform: Platform) -> None:
    slug = "browser-hostile"
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "#4477aa").save(picture, "JPEG")
    scenario = set_up(platform, Registration("single-race", slug, voters=1000), picture.getvalue())
    names = ["<img src=x onerror=window.hurt=1>", "[x](javascript:window.hurt=1) **bold**", "\u202e" + "W" * 300]
    with platform.connect("owner") as connection:
        for number, name in enumerate(names, 1):
            connection.execute(
                "UPDATE candidates SET given_name = %s WHERE candidate_no = %s AND election_no ="
                " (SELECT election_no FROM elections WHERE slug = %s)",
                [name, number, slug],
            )
        connection.execute(
            "UPDATE contests SET name = %s WHERE election_no = (SELECT election_no FROM elections WHERE slug = %s)",
            [names[0], slug],
        )
        connection.execute(
            "UPDATE locations SET region = %s, city = %s"
            " WHERE election_no = (SELECT election_no FROM elections WHERE slug = %s)",
            [names[1], names[2], slug],
        )
        connection.execute("UPDATE elections SET name = %s, decided_at = now() WHERE slug = %s", [names[0], slug])
        connection.execute(
            "INSERT INTO certifications (election_no, decision, decided_by, reason)"
            " SELECT election_no, 'refused', %s, %s FROM elections WHERE slug = %s",
            [names[0], f"{names[1]} and says so at length, " * 5 + "W" * 300, slug],
        )
    Count(platform, slug, scenario).show(lambda _c, number, _i, _v: 100 * number, MINUTE)
    with reader(browser, dashboard, viewport={"width": 390, "height": 844}) as page:
        for name in PAGES:
            open_page(page, slug, name)
            assert page.evaluate("window.hurt") is None
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390, name
        open_page(page, slug)
        expect(page.locator("h1")).to_have_text(names[0])
        expect(page.locator("table.en-table")).to_contain_text("[x](javascript:window.hurt=1) **bold**")
        open_page(page, slug, "integrity")
        expect(page.locator(".en-table", has_text="State of this election")).to_contain_text(names[0])
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(_TABLES_BEYOND_THEIR_PLACE) == [], f"at {width} pixels"
        open_page(page, slug)
        photo = page.locator(".en-leader .en-portrait img")
        expect(photo).to_be_visible()
        assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64


_TABLES_BEYOND_THEIR_PLACE = """() => [...document.querySelectorAll(".stHtml table")]
  .filter((table) => table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right + 1)
  .map((table) => table.caption.textContent)"""


def test_a_click_on_the_map_shows_the_contest(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, "contests")
    shape = page.locator(".map svg path[data-contest=W07000041]")
    expect(shape).to_have_count(1, timeout=15_000)
    assert page.locator(".map svg path[data-contest]").count() == 40
    expect(shape.locator("title")).to_have_text("Ynys Môn: Conservative gain from Labour, ahead by 5.4 points")
    shape.dispatch_event("click")
    expect(page.locator(".en-contest h2")).to_have_text("Ynys Môn", timeout=10_000)
    expect(page.locator(".en-leader")).to_contain_text("Virginia Crosbie")
    expect(page.locator(".en-leader")).to_contain_text("Conservative gain from Labour")
    expect(page).to_have_url(re.compile("contest=W07000041"))


def test_the_map_shows_gains_and_holds_with_and_without_a_mouse(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, "contests")
    gained, held = (page.locator(f".map svg path[data-contest={contest}]") for contest in ("W07000041", "W07000057"))
    expect(gained).to_have_css("fill-opacity", re.compile(r"0\.5"), timeout=15_000)  # by its margin
    page.locator("[data-testid=stRadio]").get_by_text("Leading party").click()
    page.keyboard.press("ArrowRight")
    expect(gained).to_have_css("fill-opacity", "1", timeout=10_000)
    expect(held).to_have_css("fill-opacity", "0.28")
    expect(page.locator(".en-mapkey")).to_contain_text("pale: held")
    held.focus()
    expect(page.locator(".map output")).to_have_text(re.compile(r"hold, ahead by"))
    assert serious(page) == []


def test_each_seat_is_a_dot_and_the_seats_that_changed_hands_are_counted(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug)
    picture = page.locator(".en-hemicycle img")
    expect(picture).to_have_attribute("alt", re.compile(r"Half circle of 40 seats: Labour 22 won .* a majority is 21"))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    # Wales in 2017: 28 Labour, 8 Conservative and 4 of Plaid Cymru; in 2019: 22, 14 and 4.
    expect(page.locator(".en-net")).to_contain_text("Conservative +6")
    expect(page.locator(".en-net")).to_contain_text("Labour −6")
    expect(page.locator("table.en-parties tr", has_text="Labour")).to_contain_text("−6")


def test_the_map_can_be_walked_by_keyboard(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, "contests")
    start, right = (page.locator(f".map svg path[data-contest={contest}]") for contest in ("W07000041", "W07000057"))
    expect(start).to_have_count(1, timeout=15_000)
    assert page.locator(".map svg path[tabindex='0']").count() == 1, "one stop of the tabulator, not forty"
    start.focus()
    page.keyboard.press("ArrowRight")
    expect(right).to_be_focused()
    expect(page.locator(".map output")).to_have_text(right.locator("title").text_content() or "?")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")  # by the contest between the two, a row lower
    expect(start).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".en-contest h2")).to_have_text("Ynys Môn", timeout=10_000)
    expect(start).to_have_attribute("aria-pressed", "true")
    expect(start).to_be_focused()


def test_every_contest_can_be_reached_by_page_search_and_order(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, "contests")
    rows = page.locator("[aria-label='Table of contests'] tbody tr")
    expect(rows).to_have_count(25)
    page.get_by_label("Page of 2").fill("2")
    page.get_by_label("Page of 2").press("Enter")
    expect(rows).to_have_count(15, timeout=10_000)
    page.get_by_label("Search contests and candidates").fill("ynys mon")
    page.get_by_label("Search contests and candidates").press("Enter")
    expect(rows).to_have_count(1, timeout=10_000)
    page.locator("[aria-label='Table of contests'] a").click()
    expect(page.locator(".en-contest h2")).to_have_text("Ynys Môn", timeout=20_000)


def test_the_night_draws_its_charts_and_names_the_changes(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, "night")
    expect(page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")).to_have_count(
        2, timeout=20_000
    )
    expect(page.locator(".en-changes li").last).to_contain_text("takes the first lead")


def test_pages_lead_to_each_other_and_back_to_the_list(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug)
    for label, name in (("Map and contests", "contests"), ("Integrity", "integrity"), ("Downloads", "downloads")):
        page.get_by_role("link", name=label).click()
        expect(page).to_have_url(re.compile(rf"/{name}\?.*browser-wales"))
        expect(page.locator(".en-heading h1")).to_be_visible()
    page.get_by_role("link", name="All elections").click()
    expect(page.locator(".en-elections")).to_contain_text("browser-wales")


def test_inside_airflow_the_page_is_embedded(page: Page, wales: Count) -> None:
    open_page(page, REGION.slug, query="&embed=true")
    expect(page.locator("[data-testid=stToolbar]")).not_to_be_visible()
    expect(page.locator(".en-seats")).to_be_visible()


def test_downloads_prove_themselves(page: Page, dashboard: str, wales: Count) -> None:
    open_page(page, REGION.slug, "downloads")
    with page.expect_download() as downloading:
        page.locator("a[href='exports/browser-wales/candidates.csv']").click()
    lines = downloading.value.path().read_text().splitlines(keepends=True)
    stated = next(line for line in lines if line.startswith("# sha256: ")).split()[-1]
    assert hashlib.sha256("".join(line for line in lines if not line.startswith("# ")).encode()).hexdigest() == stated
    found = httpx.get(f"{dashboard}/exports/browser-wales/contests.json", timeout=30).json()
    assert sum(row["valid"] for row in found["rows"]) == 1_544_357
    assert httpx.get(f"{dashboard}/exports/never-held/contests.json", timeout=30).status_code == 404
    assert httpx.get(f"{dashboard}/exports/browser-wales/voters.csv", timeout=30).status_code == 404
    assert httpx.get(f"{dashboard}/maps/..%2f..%2fsecrets.geojson", timeout=30).status_code in (400, 404)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    browser: Browser, dashboard: str, wales: Count, one_contest: Count, theme: Any
) -> None:
    with reader(browser, dashboard, color_scheme=theme) as page:
        load(page, "/")
        expect(page.locator(".en-elections a")).not_to_have_count(0)
        assert serious(page) == []
        for name in PAGES:
            open_page(page, REGION.slug, name)
            assert serious(page) == [], name or "result"
        open_page(page, SINGLE.slug, "contests")
        assert serious(page) == []
    with reader(browser, dashboard, color_scheme=theme, viewport={"width": 390, "height": 844}) as phone:
        for slug, name in ((REGION.slug, ""), (REGION.slug, "contests"), (SINGLE.slug, "")):
            open_page(phone, slug, name)
            assert serious(phone) == [], f"{slug} {name} on a phone"
