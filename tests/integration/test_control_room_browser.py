"""The control room's pages in a browser, in a frame as Airflow makes it, over a real Postgres, Kafka and dashboard."""

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import FrameLocator, Page, expect, sync_playwright

from election.contracts.messages import Unusable
from election.messaging.clients import SafeProducer
from election.messaging.rejected import reject
from election.platform import Platform
from election.preparation import Registration
from election.stack import services
from election.storage.elections import election
from election.storage.runs import note_run
from tests.browser import FLAGS, chromium, reader
from tests.certifying import start_again
from tests.conftest import free_ports
from tests.dashboard_rehearsal import Count, set_state, set_up
from tests.records import Record

SLUG, RUN = "control-room-browser", "manual__2026-05-07T22:00:00+00:00"
POLL = Registration("uk-general-election-2019", SLUG, ("W07000041",))
MINUTE = 1_700_000_040_000 // 60_000 * 60_000
# As in Airflow's own page for a plugin's view.
FRAME = '<iframe title="Election" style="width:100%;height:95vh;border:0" src="{}" sandbox="{}"></iframe>'
SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads"


@pytest.fixture(scope="module")
def airflow(tables: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that shows the pages as Airflow does to an operator."""
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    from election.orchestration.control_room import access, addresses
    from election.orchestration.control_room.data_docs import data_docs
    from election.orchestration.control_room.pages import pages

    start_again(tables, (*services.STORAGE, "dashboard"))
    app = FastAPI()
    for prefix, make in ((addresses.PAGES, pages), (addresses.DATA_DOCS, data_docs)):
        part = make(tables)
        part.dependency_overrides = {access.LOGGED_IN.dependency: lambda: None, access.is_operator: lambda: True}
        app.mount(prefix, part)
    app.get("/")(lambda page: HTMLResponse(FRAME.format(page, SANDBOX)))
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def count(tables: Platform) -> Count:
    """Half of the official votes of one contest, counted in an election that a run registered."""
    scenario = set_up(tables, POLL)
    set_state(tables, SLUG, "open")
    with tables.connect("app") as connection:
        note_run(connection, "election_run", RUN, SLUG)
    counted = Count(tables, SLUG, scenario)
    counted.show(lambda _c, _n, _i, votes: votes // 2, MINUTE, invalid=0.5)
    return counted


@pytest.fixture
def page(airflow: str, tables: Platform) -> Iterator[Page]:
    """A page that asks nobody but Airflow and the dashboard, and meets no error."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        with reader(browser, airflow, tables.settings.dashboard_url) as opened:
            yield opened
        browser.close()


def opened(page: Page, address: str) -> FrameLocator:
    page.goto(f"/?page={quote(address)}")
    return page.frame_locator("iframe[title=Election]")


def picture(page: Page, name: str) -> None:
    """With PICTURES=FOLDER in the environment, what is seen is put there, as in docs/images."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_tab_of_a_run_follows_the_election_and_its_result_without_a_reload(page, tables, count):
    tab = opened(page, f"/control-room/runs/election_run/{RUN}")
    expect(tab.locator(".overview")).to_contain_text("State open", timeout=30_000)
    result = tab.frame_locator(f"iframe[title='Result of {SLUG}']")
    row = result.locator("table.en-table tr", has_text="Virginia Crosbie")
    expect(row).to_contain_text("6,479", timeout=60_000)
    count.show(lambda _c, _n, _i, votes: votes, MINUTE + 60_000)
    set_state(tables, SLUG, "counted")
    expect(row).to_contain_text("12,959", timeout=30_000)
    expect(tab.locator(".overview")).to_contain_text("State counted", timeout=30_000)
    picture(page, "control-room-run")


def test_data_quality_leads_to_rejected_records_whose_bytes_do_nothing(page, tables, count):
    with tables.connect("reader") as connection:
        number = election(connection, SLUG).election_no
    producer = SafeProducer(tables.kafka)
    hostile = b"<img src=x onerror=top.hurt=1><script>top.hurt=1</script>\xff"
    reject(producer, "casting", Record(hostile, (0, 77)), Unusable("not_json", "malformed"), number)
    producer.flush()
    docs = opened(page, "/data-docs/")
    section = docs.locator("section", has_text=SLUG)
    expect(section).to_be_visible(timeout=30_000)
    picture(page, "control-room-quality")
    section.get_by_role("link", name="Rejected records").click()
    expect(docs.get_by_role("heading", name="Rejected records")).to_be_visible(timeout=30_000)
    expect(docs.locator("td code", has_text=re.compile(r"<script>top\.hurt=1</script>\\xff"))).to_be_visible()
    picture(page, "control-room-rejected")
    assert page.evaluate("window.hurt") is None


def test_a_report_made_from_hostile_data_cannot_act(page, tables, count):
    folder = tables.settings.data_docs / SLUG
    folder.mkdir(parents=True, exist_ok=True)
    acts = "<script>top.hurt=1</script><img src=x onerror=top.hurt=1><p id=end>The end</p>"
    (folder / "hostile.html").write_text(f"<!doctype html><title>A report</title>{acts}")
    docs = opened(page, f"/data-docs/{SLUG}/hostile.html")
    expect(docs.locator("#end")).to_be_visible(timeout=30_000)
    assert page.evaluate("window.hurt") is None
