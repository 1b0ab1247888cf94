"""Measures the results feed: readers that ask for totals while 2,000 votes a second arrive on the whole stack.

    python -m bench.feed                     500 requests a second for a minute, the 650 contests of 2019
    python -m bench.feed --rate 1000         as many; what is not reached is said
    python -m bench.feed --played            without Airflow and Spark: totals of all contests every second

Readers are a process of their own. Each asks with `since`, `ETag` and gzip, as programs do, and a tenth of the requests
are for everything again. The same readers also ask an application of FastAPI under uvicorn that gives a fixed answer,
alternating with the feed (A B B A), so that the ratio is of one run. Starts a stack of its own (in var/bench-dashboard,
removed afterwards), prints a table, writes var/bench/feed.json and ends with status 1 when a limit is missed.
"""

import asyncio
import gzip
import json
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench.dashboard import RATE, SLUG, stack
from bench.together import together
from election.settings import PROJECT
from election.stack import services
from election.stack.supervision import Supervisor

LIMIT_MS = 50.0
READERS = 50
BARE = """
import sys, uvicorn
from fastapi import FastAPI, Response
app, answer = FastAPI(), b'{"items":[' + b','.join([b'{"line":1,"votes":2}'] * 50) + b']}'
@app.get("/fixed")
async def fixed() -> Response:
    return Response(answer, media_type="application/json")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
console = Console()


@dataclass(frozen=True)
class Turn:
    """One measurement; times in milliseconds, ``processor`` in milliseconds of the server a request."""

    p50: float
    p95: float
    worst: float
    rate: float
    failed: int
    processor: float


def main(
    rate: Annotated[int, typer.Option(min=1, help="requests a second")] = 500,
    seconds: Annotated[float, typer.Option(min=2, help="of each of four turns")] = 30,
    played: Annotated[bool, typer.Option(help="play the count's totals in place of counting votes")] = False,
) -> None:
    """Prints p50, p95, requests a second and the ratio to a fixed answer."""
    only = (*services.STORAGE, "dashboard", "results-feed") if played else ()
    turns: dict[str, list[Turn]] = {"results feed": [], "fixed answer": []}
    with stack(only, played=played) as bench, bare(bench.platform.settings.feed_port + 1) as fixed:
        settings = bench.platform.settings
        feed = Supervisor(settings).processes()["results-feed"]["pid"]
        address = f"{settings.feed_url}/v1/elections/{SLUG}/totals"
        httpx.get(address, trust_env=False, timeout=60).raise_for_status()
        servers = {"results feed": (address, feed), "fixed answer": fixed}
        for name in ("results feed", "fixed answer", "fixed answer", "results feed"):
            turns[name].append(turn(*servers[name], rate, seconds))
            console.print(name, turns[name][-1])
    held = _show(turns, rate, "totals played every second" if played else f"{RATE:,} votes/s arriving")
    if not held:
        raise typer.Exit(1)


@contextmanager
def bare(port: int) -> Iterator[tuple[str, int]]:
    """The address and the process of an application that does nothing."""
    with Popen([sys.executable, "-c", BARE, str(port)]) as process:
        address = f"http://127.0.0.1:{port}/fixed"
        try:
            while not _answers(address):
                if process.poll() is not None:
                    raise SystemExit("The application with a fixed answer did not start.")
                time.sleep(0.1)
            yield address, process.pid
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=2).is_success
    except httpx.HTTPError:
        return False


def turn(address: str, server: int, rate: int, seconds: float) -> Turn:
    """What readers in a process of their own see, and what they cost the server."""
    process = psutil.Process(server)
    before = sum(process.cpu_times()[:2])
    ((took, failed, passed),) = together(_readers, [(address, rate, seconds)])
    used = sum(process.cpu_times()[:2]) - before
    took.sort()
    return Turn(
        1000 * took[len(took) // 2],
        1000 * took[int(0.95 * len(took))],
        1000 * took[-1],
        len(took) / passed,
        failed,
        1000 * used / len(took),
    )


def _readers(begin: Callable[[], object], address: str, rate: int, seconds: float) -> tuple[list[float], int, float]:
    begin()
    return asyncio.run(_read(address, rate, seconds))


async def _read(address: str, rate: int, seconds: float) -> tuple[list[float], int, float]:
    """Seconds of each request from the moment at which it was due, so that waiting in line counts; failures; time."""
    where = urlsplit(address)
    took: list[float] = []
    failed = 0
    begun = time.monotonic()

    async def reader(number: int) -> None:
        nonlocal failed
        connection = await asyncio.open_connection(where.hostname, where.port)
        version, etag, turn = "", "", 0
        last: tuple[dict[str, str], bytes] = {}, b"{}"
        due = begun + number / rate
        while due < begun + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            everything = turn % 10 == 0 or not version
            path = where.path if everything else f"{where.path}?since={version}"
            status, headers, body = await _get(connection, path, "" if everything else etag)
            took.append(time.monotonic() - due)
            failed += status not in (200, 304)
            if status == 200:
                last = headers, body
                version, etag = _version(*last), headers.get("etag", "")
            due += READERS / rate
            turn += 1
        connection[1].close()
        json.loads(gzip.decompress(last[1]) if _zipped(last[0]) else last[1])

    await asyncio.gather(*(reader(number) for number in range(READERS)))
    return took, failed, time.monotonic() - begun


def _zipped(headers: dict[str, str]) -> bool:
    return headers.get("content-encoding") == "gzip"


def _version(headers: dict[str, str], body: bytes) -> str:
    """The token at the beginning of the answer. Readers elsewhere would take the rest apart: 2 ms a full answer.

    Here these 2 ms would delay the other readers of this process, and be measured as the feed's.
    """
    beginning = zlib.decompressobj(31).decompress(body, 200) if _zipped(headers) else body[:200]
    found = re.match(rb'\{"version":"([^"]+)"', beginning)
    return found[1].decode() if found else ""


async def _get(connection: Connection, path: str, etag: str) -> tuple[int, dict[str, str], bytes]:
    """One request on a kept connection. A client that does more would take the processor from what it measures."""
    reader, writer = connection
    known = f"If-None-Match: {etag}\r\n" if etag else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n{known}\r\n".encode())
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
    return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


def _show(turns: dict[str, list[Turn]], rate: int, arriving: str) -> bool:
    table = Table(title=f"The results feed, 650 contests, {arriving}, {rate:,} requests/s wanted")
    for heading in ("", "p50", "p95", "worst", "requests/s", "failed", "processor a request"):
        table.add_column(heading, justify="right")
    for name, found in turns.items():
        for one in found:
            times = (f"{ms:.1f} ms" for ms in (one.p50, one.p95, one.worst))
            table.add_row(name, *times, f"{one.rate:,.0f}", str(one.failed), f"{one.processor:.3f} ms")
    console.print(table)
    feed, fixed = turns["results feed"], turns["fixed answer"]
    ratio = sum(t.processor for t in feed) / sum(t.processor for t in fixed)
    held = all(t.p95 < LIMIT_MS and not t.failed and t.rate > 0.98 * rate for t in feed)
    console.print(f"Processor time of the feed: {ratio:.2f} times that of a fixed answer.")
    console.print(f"{'✓' if held else '✗'} {rate:,} requests/s, 95 % under {LIMIT_MS:.0f} ms, none failed")
    file = PROJECT / "var" / "bench" / "feed.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {name: [vars(one) for one in found] for name, found in turns.items()}
    file.write_text(
        json.dumps(
            {"arriving": arriving, "rate": rate, "held": held, "ratio": ratio, "load": os.getloadavg(),
             "cores": os.cpu_count(), **content},
            indent=2,
        )
    )  # fmt: skip
    return held


if __name__ == "__main__":
    typer.run(main)
