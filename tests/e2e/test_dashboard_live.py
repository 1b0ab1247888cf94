"""A run of election_run on the whole stack, watched in a browser: pages live while it goes on, exact at its end."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from election.clients.airflow import Airflow
from election.platform import Platform
from tests.browser import load, reader

SLUG = "e2e-watched"
ISLANDS = ["S14000027", "S14000051"]  # Na h-Eileanan an Iar, Orkney and Shetland
FORM = {"slug": SLUG, "contests": ISLANDS, "workers": 1, "rate": 250}
MINUTES = 60_000  # milliseconds
LATE = ("These numbers are old.", "Names and state may be old.")
pytestmark = pytest.mark.timeout(1800)  # a whole run, and the stack's start before it

# What moves on each page while ballots are counted.
MOVING = {
    "": "table.en-table:has(caption:text('Parties by seats'))",
    "contests": "[aria-label='Table of contests'] tbody",
    "turnout": "table.en-table:has(caption:text('Turnout by gender'))",
    "night": "[data-testid=stVegaLiteChart] >> nth=1",
    "integrity": ".en-chain li >> nth=2",
    "downloads": ".en-table caption",
}


@pytest.fixture(scope="module")
def watched(airflow: Airflow, stack: Platform, browser: Browser) -> None:
    """The run, from its start to the end of its count; each page is opened while ballots come in, and moves."""
    airflow.trigger("election_run", SLUG, FORM)
    with reader(browser, stack.settings.dashboard_url) as start:
        load(start, "/")
        expect(start.locator(f".en-elections a[href*='{SLUG}']")).to_be_visible(timeout=3 * MINUTES)
        pages = {name: start.context.new_page() for name in MOVING}
        for name, page in pages.items():
            load(page, f"/{name}?election={SLUG}&refresh=1")
        for page in pages.values():
            expect(banner(page)).to_contain_text("Partial result.", timeout=6 * MINUTES)
            page.evaluate("window.sameLoad = true")
        # All are looked at before any is waited for: on a busy machine a count has few batches, and one moves all.
        waits = [moves(page.locator(MOVING[name])) for name, page in pages.items()]
        for wait in waits:
            wait()
        for page in pages.values():
            # Nothing was wrong meanwhile, but that numbers and names may be late on a machine that has more to do.
            said = page.locator(".en-banner").all_inner_texts()[1:]
            assert not [text for text in said if not text.startswith(LATE)]
            assert page.evaluate("window.sameLoad") is True
        for page in pages.values():
            expect(banner(page)).to_contain_text("Complete, not yet certified.", timeout=4 * MINUTES)


@pytest.fixture(scope="module")
def counted(watched: None, command: Callable[..., Any]) -> dict[str, Any]:
    """The result as the command line gives it."""
    found: dict[str, Any] = command("results", SLUG, "--json")
    assert found["valid"] + found["invalid"] > 37_000
    return found


@pytest.fixture
def page(counted: dict[str, Any], stack: Platform, browser: Browser) -> Iterator[Page]:
    with reader(browser, stack.settings.dashboard_url) as opened:
        yield opened


def banner(page: Page) -> Locator:
    return page.locator(".en-banner").first


def moves(where: Locator) -> Callable[[], None]:
    """Waits, when it is called, until it says something else than now."""
    expect(where).to_be_visible(timeout=MINUTES)
    if label := where.get_attribute("aria-label"):
        return lambda: expect(where).not_to_have_attribute("aria-label", label, timeout=4 * MINUTES)
    text = where.inner_text()
    return lambda: expect(where).not_to_have_text(text, timeout=4 * MINUTES, use_inner_text=True)


def open_page(page: Page, name: str = "", query: str = "") -> None:
    load(page, f"/{name}?election={SLUG}&refresh=1{query}")
    expect(banner(page)).to_contain_text("Complete, not yet certified.", timeout=MINUTES)


def number(text: str) -> int:
    return int(text.split("\n", maxsplit=1)[0].replace(",", ""))


def figure(page: Page, label: str) -> int:
    found = page.locator(f".en-figures div:has(dt:text-is('{label}')) dd").first
    expect(found).to_be_visible()
    return number(found.inner_text())


def table(page: Page, caption: str) -> list[dict[str, str]]:
    """The rows of a table by the headings of its columns."""
    found = page.locator(f"table.en-table:has(caption:text('{caption}'))")
    expect(found).to_be_visible()
    heads = found.locator("thead th").all_inner_texts()
    rows = [row.locator("th, td").all_inner_texts() for row in found.locator("tbody tr").all()]
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_the_figures_and_the_parties_equal_the_result(page: Page, counted: dict[str, Any]) -> None:
    open_page(page)
    assert figure(page, "Registered voters") == counted["registered"]
    assert figure(page, "Ballots counted") == counted["valid"] + counted["invalid"]
    assert figure(page, "Valid votes") == counted["valid"]
    assert figure(page, "Invalid ballots") == counted["invalid"]
    votes = Counter[str]()
    for contest in counted["contests"]:
        votes.update({candidate["party"]: candidate["votes"] for candidate in contest["candidates"]})
    shown = table(page, "Parties by seats")
    assert sorted(number(row["Votes"]) for row in shown) == sorted(votes.values())
    assert all(row["Official"] == row["Votes"] for row in shown)


def test_every_contest_and_candidate_equals_the_result(page: Page, counted: dict[str, Any]) -> None:
    for contest in counted["contests"]:
        open_page(page, "contests", f"&contest={contest['contest']}")
        expect(page.locator(".en-contest h2")).to_have_text(contest["name"])
        votes = {candidate["name"]: candidate["votes"] for candidate in contest["candidates"]}
        shown = [(row["Candidate"].split("\n"), number(row["Votes"])) for row in table(page, "Candidates of")]
        assert {line: counts for lines, counts in shown for line in lines if line in votes} == votes
        assert [lines[-1] for lines, _ in shown].index("elected") == 0
        (row,) = [row for row in table(page, "Contests 1 to") if row["Contest"] == contest["name"]]
        assert number(row["Ballots"]) == contest["valid"] + contest["invalid"]


def test_turnout_the_night_and_integrity_add_up_to_the_result(page: Page, counted: dict[str, Any]) -> None:
    ballots = counted["valid"] + counted["invalid"]
    open_page(page, "turnout")
    for caption in ("Turnout by gender", "Turnout by age group", "Turnout by place"):
        rows = table(page, caption)
        assert sum(number(row["Ballots"]) for row in rows) == ballots
        assert sum(number(row["Registered"]) for row in rows) == counted["registered"]
    open_page(page, "integrity")
    compared = re.compile(r"votes_topic; compared \d")
    expect(page.locator(".en-chain dd").nth(1)).to_contain_text(compared, timeout=4 * MINUTES)
    assert [number(text) for text in page.locator(".en-chain dd").all_inner_texts()] == [ballots] * 3
    assert figure(page, "Not voted") == counted["abstained"]
    expect(page.locator("text=✗")).to_have_count(0)
    open_page(page, "night")
    lines = page.locator("[data-testid=stVegaLiteChart]").nth(1)
    votes = Counter[str]()
    for contest in counted["contests"]:
        for candidate in contest["candidates"]:
            votes[candidate["party"]] += candidate["votes"]
    shares = (re.escape(f"{of_party / counted['valid']:.1%}") for _, of_party in votes.most_common(6))
    expect(lines).to_have_attribute("aria-label", re.compile(", ".join(f"[^,]+ {share}" for share in shares)))


def test_files_hold_the_result(page: Page, stack: Platform, counted: dict[str, Any]) -> None:
    address = f"{stack.settings.dashboard_url}/exports/{SLUG}/candidates.json"
    found = httpx.get(address, trust_env=False, timeout=30).json()
    assert {(row["contest_id"], row["candidate"]): row["votes"] for row in found["rows"]} == {
        (contest["contest"], candidate["name"]): candidate["votes"]
        for contest in counted["contests"]
        for candidate in contest["candidates"]
    }
    assert found["state"] == "counted"


def test_a_certified_result_is_called_so_and_is_the_same(
    page: Page, airflow: Airflow, command: Callable[..., Any], counted: dict[str, Any]
) -> None:
    deadline = time.monotonic() + 240
    while not any(q["task_instance"]["dag_run_id"] == SLUG for q in airflow.questions("election_run")):
        assert time.monotonic() < deadline, "the run does not ask for a decision"
        time.sleep(0.5)  # Airflow has no event to wait for
    command("certify", SLUG, "--reason", "Every page showed it.")
    load(page, f"/integrity?election={SLUG}&refresh=1")
    expect(banner(page)).to_contain_text("Certified result.", timeout=4 * MINUTES)
    chain = page.locator(".en-chain dd")
    expect(chain).to_have_count(4)
    assert [number(text) for text in chain.all_inner_texts()] == [counted["valid"] + counted["invalid"]] * 4
    expect(page.locator("table.en-table", has_text="State of this election")).to_contain_text("Every page showed it.")
    load(page, f"/?election={SLUG}&refresh=1")
    expect(banner(page)).to_contain_text("Certified result.", timeout=MINUTES)
    assert figure(page, "Valid votes") == counted["valid"]
