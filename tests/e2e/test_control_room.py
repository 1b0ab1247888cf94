"""A rehearsal in Airflow, in a browser, from the form to the certified result: a run that takes ballots from outside,
whose second gate fails because somebody changed a table; and what a viewer and an operator can do beside it.

With PICTURES=FOLDER in the environment, what is seen is also put there as pictures, as in docs/images.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from election.clients.airflow import Airflow
from election.contracts.messages import ExternalBallot
from election.evidence.notes import checkpoint, verified
from election.platform import Platform
from election.storage.elections import election
from tests.ballots import send
from tests.browser import load, reader
from tests.e2e.conftest import PATIENCE, ended, until

SLUG, DAG, GATE, DECIDE = "e2e-rehearsal", "election_run", "casting.validate", "certification.decide"
UNKNOWN = 999  # no voter has this number
FORM: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("Casting", {"ballots": "external"}, {}),
    ("Electorate", {}, {"voters": "300"}),
    ("Election", {"scenario": "single-race"}, {"slug": SLUG, "contests": ""}),
]
"""By section: what is chosen from a list and what is typed."""
# An answer within the scheduler's own round looks to it like a task that was killed.
SETTLED = timedelta(seconds=3)
User = Callable[[str], Page]


@pytest.fixture(scope="module")
def logged_in(browser: Browser, stack: Platform) -> Iterator[User]:
    """The page of one of Airflow's users, logged in. It asks no foreign host, nor does any page inside it."""
    settings, known = stack.settings, dict[str, Page]()
    with ExitStack() as opened:

        def page_of(user: str) -> Page:
            if user not in known:
                size = {"width": 1440, "height": 900}
                page = opened.enter_context(
                    reader(browser, settings.airflow_url, settings.dashboard_url, viewport=size)
                )
                page.set_default_timeout(PATIENCE)
                load(page, "/", "input[name=username]")
                page.locator("input[name=username]").fill(user)
                page.locator("input[name=password]").fill(settings.secret(f"airflow_{user}"))
                page.locator("input[name=password]").press("Enter")
                expect(page.get_by_test_id("nav-sidebar")).to_be_visible()
                known[user] = page
            return known[user]

        yield page_of


@pytest.fixture(scope="module")
def run(logged_in: User, airflow: Airflow) -> str:
    """The id of the run that an operator started with the form, when its poll is open."""
    page = logged_in("operator")
    load(page, f"/dags/{DAG}", "[data-testid=trigger-dag-button]")
    page.get_by_test_id("trigger-dag-button").first.click()
    for section, chosen, typed in FORM:
        page.get_by_role("button", name=section, exact=True).click()  # which closes the one before
        for field, option in chosen.items():
            page.locator(f"#element_{field}").click()
            page.get_by_role("option", name=option, exact=True).click()
        for field, value in typed.items():
            page.locator(f"[name=element_{field}]").fill(value)
    picture(page, "control-room-form")
    page.get_by_test_id("trigger-dag-submit").click()
    page.wait_for_url(re.compile(f"/dags/{DAG}/runs/."))
    run_id = unquote(page.url.partition("/runs/")[2].partition("/")[0].partition("?")[0])
    until(lambda: state(airflow, run_id, "casting.close_when_told") == "awaiting_input", 400)
    return run_id


@pytest.fixture(scope="module")
def failed(run: str, logged_in: User, airflow: Airflow, stack: Platform) -> str:
    """The run after its second gate: while the poll was open, somebody changed a candidate's name in the table."""
    owner(stack, "UPDATE candidates SET family_name = family_name || '?' WHERE election_no = %s AND candidate_no = 1")
    settled(airflow, run, "casting.close_when_told")
    question(logged_in("operator"), run, "casting.close_when_told").get_by_test_id("hitl-option-Close the poll").click()
    until(lambda: state(airflow, run, GATE) == "failed", 400)
    assert ended(airflow, DAG, run) == "failed"
    return run


@pytest.fixture(scope="module")
def asked(failed: str, airflow: Airflow, stack: Platform) -> str:
    """The run when it asks whether the result is certified: the name was put right, the gate cleared by an operator."""
    owner(stack, "UPDATE candidates SET family_name = rtrim(family_name, '?') WHERE election_no = %s")
    Airflow(stack.settings, "operator").clear(DAG, failed, [GATE])
    until(lambda: state(airflow, failed, DECIDE) == "awaiting_input", 400)
    return failed


def owner(stack: Platform, statement: LiteralString) -> None:
    """Something that nobody but the database's owner can do to the election."""
    with stack.connect("owner") as connection:
        connection.execute(statement, [election(connection, SLUG).election_no])


def state(airflow: Airflow, run_id: str, task_id: str) -> str | None:
    return next((task["state"] for task in airflow.tasks(DAG, run_id) if task["task_id"] == task_id), None)


def settled(airflow: Airflow, run_id: str, task_id: str) -> None:
    """Waits until the question is as old as it is when a person has read it."""
    (asked,) = [task["start_date"] for task in airflow.tasks(DAG, run_id) if task["task_id"] == task_id]
    until(lambda: datetime.now(UTC) - datetime.fromisoformat(asked) > SETTLED, 60)


def of_run(run_id: str, rest: str = "") -> str:
    return f"/dags/{DAG}/runs/{quote(run_id)}{rest}"


def question(page: Page, run_id: str, task_id: str) -> Page:
    """The page with what a task asks."""
    load(page, of_run(run_id, f"/tasks/{task_id}/required_actions"), "[data-testid^=hitl-option]")
    return page


def denied(page: Page) -> None:
    expect(page.get_by_text("Access Denied").first).to_be_visible()


def inside(page: Page, title: str) -> FrameLocator:
    """The page that Airflow shows in its own."""
    return page.frame_locator(f"iframe[title='{title}']")


def tab_of(page: Page, run_id: str) -> FrameLocator:
    load(page, of_run(run_id, "/plugin/election"), "iframe[title=Election]")
    tab = inside(page, "Election")
    expect(tab.get_by_text(SLUG, exact=True)).to_be_visible()
    return tab


def result(tab: FrameLocator) -> FrameLocator:
    return tab.frame_locator(f"iframe[title='Result of {SLUG}']")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_run_from_the_form_says_which_election_it_is_and_its_tab_follows_the_result(logged_in, run, stack):
    page = logged_in("operator")
    tab = tab_of(page, run)
    expect(page.get_by_text(f"Election {SLUG}")).to_be_visible()
    expect(tab.locator(".overview")).to_contain_text("State open")
    expect(result(tab).locator(".en-banner").first).to_be_visible()
    with stack.connect("reader") as connection:
        number = election(connection, SLUG).election_no
    ballots = (ExternalBallot(1, number, voter, 1, 2) for voter in range(1, 101))
    send(stack, *ballots, ExternalBallot(1, number, UNKNOWN, 1, 2))
    expect(result(tab).locator("table.en-table").first).to_contain_text("100")
    expect(result(tab).locator(".en-banner").first).to_contain_text("Partial result.")
    picture(page, "control-room-open")


def test_the_navigation_leads_to_the_results_and_to_the_quality_of_the_data(logged_in, run):
    page = logged_in("operator")
    page.get_by_role("link", name="Results").click()
    expect(inside(page, "Results").locator(f".en-elections a[href*='{SLUG}']")).to_be_visible()
    page.get_by_role("link", name="Data quality").click()
    expect(inside(page, "Data quality").get_by_text(SLUG, exact=True)).to_be_visible()


def test_a_failed_gate_says_what_is_not_met_and_leads_to_its_report(logged_in, failed, webhook):
    page = logged_in("operator")
    load(page, of_run(failed, f"/tasks/{GATE}"), "text=candidates_topic.same: 1 row(s), such as candidate 1")
    page.get_by_role("link", name="Details").click()
    page.get_by_role("link", name="Quality report").click()
    report = inside(page, "Data quality")
    expect(report.locator("#findings")).to_contain_text("candidates_topic.same")
    picture(page, "control-room-report")
    frame = report.owner.element_handle().content_frame()
    assert frame is not None
    with frame.expect_navigation(timeout=PATIENCE):  # until it is loaded: what is clicked hides what there is by then
        report.get_by_role("link", name="voters_topic").click()
    met = report.get_by_text("Every voter of the table is on the topic, at least once.").first
    expect(met).to_be_visible()
    report.get_by_text("Failed Only").click()
    expect(met).to_be_hidden()


def test_a_webhook_is_told_of_the_failed_gate_and_of_the_run(failed, webhook):
    until(lambda: ("run_failed", None) in webhook.events(failed), 60)
    told = [message for message in webhook.told if message["run"] == failed and message["event"] != "log_head"]
    assert [(message["event"], message.get("task")) for message in told] == [
        ("gate_failed", GATE),
        ("run_failed", None),
    ]
    message = told[0]
    assert "candidates_topic.same: 1 row(s), such as candidate 1" in message["text"]


def test_a_viewer_sees_the_result_but_can_neither_start_nor_stop_nor_certify(logged_in, asked, airflow):
    page = logged_in("viewer")
    tab = tab_of(page, asked)
    expect(result(tab).locator("table.en-table").first).to_contain_text("100")
    expect(tab.get_by_text("Rejected records")).to_have_count(0)
    picture(page, "control-room-viewer")
    question(page, asked, DECIDE).locator("[name=element_reason]").fill("I say so.")
    page.get_by_test_id("hitl-option-Certify").click()
    denied(page)
    load(page, of_run(asked), "[data-testid=mark-run-as-button]")
    page.get_by_test_id("mark-run-as-button").click()
    page.get_by_test_id("mark-run-as-failed").click()
    page.get_by_test_id("mark-run-as-confirm").click()
    denied(page)
    load(page, f"/dags/{DAG}", "[data-testid=trigger-dag-button]")
    page.get_by_test_id("trigger-dag-button").first.click()
    page.get_by_test_id("trigger-dag-submit").click()
    expect(page.get_by_test_id("error-alert")).to_contain_text("403")
    assert airflow.run(DAG, asked)["state"] == "running"
    assert state(airflow, asked, DECIDE) == "awaiting_input"


def test_an_operator_who_is_not_named_for_it_cannot_certify(logged_in, asked, airflow):
    page = question(logged_in("operator"), asked, DECIDE)
    page.locator("[name=element_reason]").fill("I say so.")
    page.get_by_test_id("hitl-option-Certify").click()
    denied(page)
    assert state(airflow, asked, DECIDE) == "awaiting_input"


def test_who_is_named_for_it_certifies_with_a_reason_and_sees_the_certified_result(
    logged_in, asked, airflow, command, webhook
):
    page = question(logged_in("admin"), asked, DECIDE)
    expect(page.get_by_text("300 registered")).to_be_visible()
    page.locator("[name=element_reason]").fill("The name was a slip; every gate passes.")
    picture(page, "control-room-question")
    settled(airflow, asked, DECIDE)
    page.get_by_test_id("hitl-option-Certify").click()
    assert ended(airflow, DAG, asked) == "success"
    tab = tab_of(page, asked)
    expect(tab.locator(".overview")).to_contain_text("State certified")
    expect(result(tab).locator(".en-banner").first).to_contain_text("Certified")
    picture(page, "control-room-certified")
    made = command("results", SLUG, "--json")["decision"]
    assert (made["decided_by"], made["reason"]) == ("admin", "The name was a slip; every gate passes.")
    until(lambda: webhook.events(asked)[-1] == ("run_succeeded", None), 60)
    heads = [message for message in webhook.told if message["run"] == asked and message["event"] == "log_head"]
    assert len(heads) == 2, "one when the poll was closed, one when the result was certified"
    for message in heads:
        assert checkpoint(verified(message["head"], message["key"])).size == 100


def test_a_rejected_record_is_shown_to_an_operator_and_not_to_a_viewer(logged_in, asked):
    page = logged_in("operator")
    load(page, of_run(asked, "/tasks/casting.open_poll/details"), "text=Rejected records")
    page.get_by_role("link", name="Rejected records").click()
    rejected = inside(page, "Data quality")
    expect(rejected.get_by_role("heading", name="Rejected records")).to_be_visible()
    expect(rejected.get_by_text("Could not be used: 1.")).to_be_visible()
    expect(rejected.locator("td code", has_text=f'"voter":{UNKNOWN}')).to_be_visible()
    viewer = logged_in("viewer")
    load(viewer, f"/plugin/data-quality/control-room/rejected/{SLUG}", "iframe")
    expect(inside(viewer, "Data quality").get_by_text("Only operators may see it")).to_be_visible()


def test_a_ballot_from_outside_after_the_close_is_late(asked, stack, command):
    verdict = command("reconcile", SLUG, "--json")
    assert (verdict["ok"], verdict["stored"], verdict["counted"], verdict["rejected"]) == (True, 100, 100, 1)
    with stack.connect("reader") as connection:
        number = election(connection, SLUG).election_no
    send(stack, ExternalBallot(1, number, 200, 1, 2))
    command("cast", SLUG)
    assert command("rejected", SLUG, "--json")["reasons"] == {"unknown_voter": 1, "late": 1}
    (candidate,) = [c for c in command("results", SLUG, "--json")["contests"][0]["candidates"] if c["votes"]]
    assert candidate["votes"] == 100
