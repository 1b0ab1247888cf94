"""Measures the dashboard: the 650 contests of 2019 while 2,000 votes a second arrive on the whole stack.

    python -m bench.dashboard                 everything, the last part for ten minutes
    python -m bench.dashboard visible paint   some of it: visible, paint, refresh, many
    python -m bench.dashboard many --played   without Airflow and Spark: totals of all contests every second

It starts a stack of its own (in var/bench-dashboard, removed afterwards), prints one table beside the limits, writes
var/bench/dashboard.json and ends with status 1 when a limit is missed.
"""

import ctypes
import json
import multiprocessing
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any, cast

import psutil
import typer
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.arriving import SECONDS_OF_MEMORY, arrive, play_totals
from bench.dashboard_readers import read
from bench.own_platform import own_platform
from bench.votes import Electorate, produce
from election.count import driver
from election.platform import Platform
from election.preparation import Registration
from election.settings import PROJECT
from election.stack import services
from election.stack.supervision import Supervisor
from tests.browser import FLAGS, chromium
from tests.dashboard_rehearsal import set_state, set_up

RATE = 2_000
SLUG = "bench-uk"
WARM_VOTES = 1_000_000
WARM_SECONDS = 60
PAGES = ("", "contests", "turnout", "night", "integrity", "downloads")
console = Console()


@dataclass(frozen=True)
class Figure:
    """A measured figure; ``limit`` is the least that is too much (None: no limit is set)."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def held(self) -> bool:
        return self.limit is None or self.value < self.limit


@dataclass(frozen=True)
class Bench:
    platform: Platform
    produced: Sequence[float]
    server: int

    @property
    def url(self) -> str:
        return self.platform.settings.dashboard_url


def main(
    parts: Annotated[list[str] | None, typer.Argument(help="visible, paint, refresh, many; all by default")] = None,
    minutes: Annotated[float, typer.Option(help="of fifty readers at 5 s")] = 10,
    seconds: Annotated[float, typer.Option(help="of each other measurement")] = 60,
    airflow: Annotated[bool, typer.Option(help="the whole stack, or without Airflow")] = True,
    played: Annotated[bool, typer.Option(help="play the count's totals in place of counting votes")] = False,
) -> None:
    """Prints one table and writes it as JSON."""
    measures: dict[str, Callable[[Bench], Iterator[Figure]]] = {
        "visible": lambda bench: visible(bench, seconds),
        "paint": paint,
        "refresh": lambda bench: refresh(bench, seconds / 3),
        "many": lambda bench: many(bench, minutes),
    }
    found: list[Figure] = []
    services_ = (*services.STORAGE, "dashboard") if played else () if airflow else (*services.SPARK, "dashboard")
    with stack(services_, played=played) as bench:
        for part in parts or measures:
            found += measures[part](bench)
    what = "totals played every second" if played else f"{RATE:,} votes/s arriving"
    _show(found, what if airflow or played else f"{what}, no Airflow")
    if not all(figure.held for figure in found):
        raise typer.Exit(1)


def visible(bench: Bench, seconds: float) -> Iterator[Figure]:
    """Every vote, from its production to the first moment at which the page's number of ballots contains it."""
    with _chromium() as browser:
        page = browser.new_page()
        page.goto(f"{bench.url}/?election={SLUG}&refresh=1")
        page.locator(".en-leader").wait_for(timeout=60_000)
        page.evaluate(_WATCH)
        begun = time.time()
        page.wait_for_timeout(1000 * seconds)
        until = time.time() - _LEFT
        seen: list[list[float]] = page.evaluate("window.seen")
    waits = sorted(_waits(seen, list(bench.produced), begun + 5, until))
    if not waits:
        raise SystemExit(f"The page showed no new ballots in {seconds:.0f} s; it showed {seen or 'nothing'} before.")
    yield Figure("vote produced to visible, median", median(waits), "s")
    yield Figure("vote produced to visible, 95 %", waits[int(0.95 * len(waits))], "s", 2)
    yield Figure("vote produced to visible, worst", waits[-1], "s")


_LEFT = 5.0  # seconds at the end whose votes may be on their way still
_WATCH = """() => {
  window.seen = [];
  const look = () => {
    const dt = [...document.querySelectorAll(".en-figures dt")].find((e) => e.textContent === "Ballots counted");
    const shown = dt && Number(dt.nextElementSibling.firstChild.textContent.replaceAll(",", ""));
    const last = window.seen.at(-1);
    if (shown && (!last || shown > last[1])) window.seen.push([Date.now() / 1000, shown]);
  };
  new MutationObserver(() => requestAnimationFrame(look))
    .observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def _waits(seen: list[list[float]], produced: list[float], since: float, until: float) -> Iterator[float]:
    """Seconds of each vote that was produced in this time."""
    shown = [ballots for _, ballots in seen]
    for number, at in enumerate(produced, start=1):
        if not since <= at < until:
            continue
        first = bisect_left(shown, number)
        yield seen[first][0] - at if first < len(shown) else until + _LEFT - at  # not shown to the end


def paint(bench: Bench) -> Iterator[Figure]:
    """From asking for the page, with nothing cached, to the leader on the screen; ten times."""
    took = []
    with _chromium() as browser:
        for _ in range(10):
            context = browser.new_context()
            page, begun = context.new_page(), time.monotonic()
            page.goto(f"{bench.url}/?election={SLUG}", wait_until="commit")
            page.locator(".en-leader .en-statement").wait_for(timeout=60_000)
            took.append(time.monotonic() - begun)
            context.close()
    yield Figure("first useful paint, median", median(took), "s", 2)
    yield Figure("first useful paint, worst of ten", max(took), "s")


def refresh(bench: Bench, seconds: float) -> Iterator[Figure]:
    """Ten readers at 1 s on each page; what the process does without a reader is not theirs."""
    server = psutil.Process(bench.server)
    before = sum(server.cpu_times()[:2])
    time.sleep(seconds / 2)
    idle = (sum(server.cpu_times()[:2]) - before) / (seconds / 2)
    yield Figure("reading the topics, without a reader", 100 * idle, "% of a core")
    for page in PAGES:
        found = read(bench.url, SLUG, [page], 10, 1, seconds, bench.server)
        each = (found.cpu - idle * found.seconds) / found.counted
        yield Figure(f"refresh of {page or 'result'}, processor", 1000 * each, "ms", 20)
        yield Figure(f"refresh of {page or 'result'}, 95 %", 1000 * found.p95, "ms", 300)


def many(bench: Bench, minutes: float) -> Iterator[Figure]:
    """Fifty readers at 5 s, on all pages."""
    found = read(bench.url, SLUG, PAGES, 50, 5, 60 * minutes, bench.server)
    settled = found.memory[min(6, len(found.memory) - 1)] / 2**20
    yield Figure("50 readers: refreshes", len(found.refreshes), "")
    yield Figure("50 readers: a whole interval late", found.late, "refreshes", 1)
    yield Figure("50 readers: 95 %", 1000 * found.p95, "ms", 300)
    yield Figure("50 readers: memory after a minute", settled, "MiB")
    yield Figure("50 readers: memory at half the time", found.memory[len(found.memory) // 2] / 2**20, "MiB")
    grown = found.memory[-1] / 2**20 - settled
    yield Figure(f"50 readers: memory grown in {minutes:.0f} minutes", grown, "MiB", 0.05 * settled)


@contextmanager
def stack(only: tuple[str, ...], *, played: bool) -> Iterator[Bench]:
    """A stack with the 650 contests registered, their poll open and votes arriving."""
    produced = multiprocessing.RawArray(ctypes.c_double, RATE * SECONDS_OF_MEMORY)
    with own_platform("bench-dashboard", only) as platform:
        settings = platform.settings
        set_up(platform, Registration("uk-general-election-2019", SLUG))
        set_state(platform, SLUG, "open")
        spawn = multiprocessing.get_context("spawn")
        load = spawn.Process(target=arrive, args=(settings, SLUG, RATE, produced))
        if played:
            load = spawn.Process(target=play_totals, args=(settings, SLUG))
        else:
            produce(platform, Electorate(1_000), WARM_VOTES)  # a stream that runs for weeks is warm
            driver.start(settings)
        load.start()
        try:
            if not played:
                driver.wait_for(lambda: (driver.state(settings).batch or 0) > 20, 300)
                time.sleep(WARM_SECONDS)
            yield Bench(platform, cast(Sequence[float], produced), Supervisor(settings).processes()["dashboard"]["pid"])
        finally:
            load.terminate()
            load.join()
            driver.stop(settings)


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


def _show(found: list[Figure], arriving: str) -> None:
    table = Table(title=f"The dashboard, 650 contests, {arriving}")
    for heading in ("measured", "value", "limit"):
        table.add_column(heading, justify="left" if heading == "measured" else "right")
    for figure in found:
        limit = "" if figure.limit is None else f"{'✓' if figure.held else '✗'} < {figure.limit:,.4g} {figure.unit}"
        table.add_row(figure.what, f"{figure.value:,.4g} {figure.unit}", limit)
    console.print(table)
    file = PROJECT / "var" / "bench" / "dashboard.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    figures: list[dict[str, Any]] = [vars(figure) | {"held": figure.held} for figure in found]
    file.write_text(
        json.dumps(
            {"arriving": arriving, "load": os.getloadavg(), "cores": os.cpu_count(), "figures": figures}, indent=2
        )
    )


if __name__ == "__main__":
    typer.run(main)
