"""A person's session with Airflow, in a real browser: whose cookie it is, what its pages may load, and its end."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from election.platform import Platform
from tests.browser import load
from tests.e2e.conftest import PATIENCE
from tests.e2e.test_control_room import picture

PAGES = ("/", "/dags/election_run", "/dags/election_run/code", "/dag_runs", "/required_actions", "/plugin/data-quality")


@pytest.fixture(scope="module")
def refused() -> list[str]:
    """What a browser did not do because a policy forbids it, as it says on its console."""
    return []


@pytest.fixture(scope="module")
def page(browser: Browser, stack: Platform, refused: list[str]) -> Iterator[Page]:
    """A browser in which the operator has just logged in."""
    context = browser.new_context(base_url=stack.settings.airflow_url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda line: refused.append(line.text) if "Content Security Policy" in line.text else None)
    load(page, "/", "input[name=username]")
    page.locator("input[name=username]").fill("operator")
    page.locator("input[name=password]").fill(stack.settings.secret("airflow_operator"))
    page.locator("input[name=password]").press("Enter")
    expect(page.get_by_test_id("nav-sidebar")).to_be_visible()
    yield page
    context.close()


def token(context: BrowserContext) -> dict[str, object]:
    (found,) = [cookie for cookie in context.cookies() if cookie["name"] == "_token"]
    return dict(found)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_and_ends_within_hours(page, stack):
    cookie = token(page.context)
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    now = page.evaluate("Date.now() / 1000")
    assert 0 < cookie["expires"] - now <= stack.settings.session_hours * 3600
    assert "_token" not in page.evaluate("document.cookie")


def test_airflows_pages_work_under_the_policy(page, stack, refused):
    for path in PAGES:
        page.goto(path)
        expect(page.get_by_test_id("nav-sidebar")).to_be_visible()
        page.wait_for_load_state("networkidle")
        picture(page, f"session{path.replace('/', '-')}")
    load(page, "/dags/election_run", "[data-testid=trigger-dag-button]")
    page.get_by_test_id("trigger-dag-button").first.click()
    page.get_by_role("button", name="Casting", exact=True).click()
    expect(page.locator("[name=element_rate]")).to_be_visible()
    picture(page, "session-form")
    page.goto("/dags/election_run/code")
    expect(page.get_by_text("Runs one election from its registration").first).to_be_visible()
    page.goto("/plugin/results")
    frame = page.frame_locator("iframe")
    expect(frame.locator("[data-testid=stAppViewContainer]")).to_be_visible()
    assert refused == []


def test_no_page_of_another_address_may_frame_airflow(page, stack):
    answer = httpx.get(stack.settings.airflow_url, timeout=30)
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_after_logging_out_neither_the_browser_nor_the_token_gets_in(page, stack):
    before = token(page.context)["value"]
    page.goto("/api/v2/auth/logout")
    expect(page.locator("input[name=username]")).to_be_visible()
    assert [cookie for cookie in page.context.cookies() if cookie["name"] == "_token"] == []
    for credentials in ({"Cookie": f"_token={before}"}, {"Authorization": f"Bearer {before}"}):
        answer = httpx.get(f"{stack.settings.airflow_url}/api/v2/dags", headers=credentials, timeout=30)
        assert answer.status_code in (401, 403)
