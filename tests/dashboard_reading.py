"""What tests of the dashboard in a browser share: a platform apart, and ways to open a page and to judge it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from election.platform import Platform, native
from election.settings import PROJECT, Settings
from election.stack.stopping import stop
from tests.browser import load
from tests.conftest import free_ports


@contextmanager
def apart() -> Iterator[Platform]:
    """A platform of which nothing runs yet, with ports and a folder that meet no other; stopped afterwards."""
    folder = PROJECT / "var" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    var = Path(tempfile.mkdtemp(prefix="dashboard-", dir=folder))
    names = [name for name in Settings.model_fields if name.endswith("_port")]
    settings = Settings.model_validate({"var": var, **dict(zip(names, free_ports(len(names)), strict=True))})
    try:
        yield native(settings)
    finally:
        stop(settings)
        shutil.rmtree(var)


def shows(dashboard: str, slug: str, valid: int) -> None:
    """Waits until the dashboard has read so many valid votes."""
    deadline = time.monotonic() + 60
    while True:
        answer = httpx.get(f"{dashboard}/exports/{slug}/contests.json", timeout=30)
        if answer.status_code == 200 and sum(row["valid"] for row in answer.json()["rows"]) == valid:
            return
        assert time.monotonic() < deadline, answer.text[-300:]
        time.sleep(0.2)


def open_page(page: Page, slug: str, name: str = "", query: str = "") -> None:
    load(page, f"/{name}?election={slug}&refresh=1{query}")
    expect(page.locator(".en-banner").first).to_be_visible(timeout=30_000)
    content = "[data-testid=stVegaLiteChart] svg >> nth=1" if name == "night" else ".en-table >> nth=0"
    expect(page.locator(content)).to_be_visible(timeout=30_000)


def banner(page: Page) -> Locator:
    return page.locator(".en-banner")


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds on the page that keeps people from reading it, with the first elements that have it."""
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]][:3])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
