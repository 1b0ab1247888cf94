"""Debian's chromium for tests: found, or installed where that is allowed, else a message that says how to get it.

``python -m tests.browser`` does so before the tests: root's sessions go on as a user who may not install anything.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from playwright.sync_api import Browser, Error, Page, Request

from tests.debian import install

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What it needs as root and without a screen, and what keeps it from calling home."""

# What a change of the machine's network leaves behind on a page; `load` loads it again.
_DROPPED = "Failed to fetch dynamically imported module"


@cache
def chromium() -> str:
    """The program's path. Raises RuntimeError with the command to type when there is none and none can be had."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    install("chromium", "fonts-dejavu-core")
    if found := shutil.which("chromium"):
        return found
    raise RuntimeError("apt-get installed the package chromium, which brought no program of that name.")


def load(page: Page, address: str, known_by: str = ".en-heading h1") -> None:
    """Opens the page and waits for what it is known by, a selector; by default for the dashboard's frame.

    Loads it again where the machine's network changed meanwhile, as it does when containers come and go: Chromium
    then drops whatever it is fetching (net::ERR_NETWORK_CHANGED), from this machine too.
    """
    for last in (False, False, True):
        dropped: list[str] = []

        def note(request: Request, dropped: list[str] = dropped) -> None:
            if "ERR_NETWORK_CHANGED" in (request.failure or ""):
                dropped.append(request.url)

        page.on("requestfailed", note)
        try:
            page.goto(address)
            page.locator(known_by).first.wait_for(timeout=60_000)
            return
        except Error:
            if last or not dropped:
                raise
        finally:
            page.remove_listener("requestfailed", note)


@contextmanager
def reader(browser: Browser, dashboard: str, also: str | None = None, **options: Any) -> Iterator[Page]:
    """A reader's page; afterwards it has asked no host but the dashboard (and ``also``) and met no error of its own."""
    options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/London"} | options
    context = browser.new_context(base_url=dashboard, **options)
    opened = context.new_page()
    foreign: list[str] = []
    errors: list[str] = []

    known = [start for host in (dashboard, also) if host for start in (host, host.replace("http", "ws"))]

    def asked(url: str) -> None:
        if not url.startswith((*known, "data:", "blob:")):
            foreign.append(url)

    context.on("request", lambda request: asked(request.url))
    opened.on("websocket", lambda socket: asked(socket.url))
    opened.on("pageerror", lambda error: errors.append(str(error)) if _DROPPED not in str(error) else None)
    yield opened
    context.close()
    assert not foreign
    assert not errors


if __name__ == "__main__":
    try:
        chromium()
    except RuntimeError as error:
        sys.exit(str(error))
