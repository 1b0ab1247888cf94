"""The dashboard under many readers: time and processor a refresh costs, and memory.

Each session speaks Streamlit's own protocol over its web socket, so that a thousand readers need no browser:
`python -m bench.dashboard URL ELECTION --pid PID --sessions 50 --interval 5 --seconds 60`. The limits are those
that docs/dashboard.md names; exit status 1 when one is missed.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass, field

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

CPU_LIMIT = 0.020
LATENCY_LIMIT = 0.300


@dataclass
class Reading:
    """Seconds from asking for a refresh to its end; refreshes that came a whole interval late; bytes received."""

    first: list[float] = field(default_factory=list)
    refreshes: list[float] = field(default_factory=list)
    late: int = 0
    received: int = 0


async def session(url: str, page: str, election: str, interval: float, until: float, found: Reading) -> None:
    """One reader: opens the page, then refreshes its live part every ``interval`` seconds."""
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None) as socket:
        start = time.monotonic()
        fragment = await _run(socket, page, election, "", found)
        found.first.append(time.monotonic() - start)
        due = time.monotonic() + interval
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() - due > interval:
                found.late += 1
            start = time.monotonic()
            await _run(socket, page, election, fragment, found)
            found.refreshes.append(time.monotonic() - start)
            due += interval


async def _run(socket: ClientConnection, page: str, election: str, fragment: str, found: Reading) -> str:
    """Asks for one run and waits for its end; returns the fragment that repeats itself."""
    message = BackMsg()
    message.rerun_script.query_string = f"election={election}&refresh=1"
    message.rerun_script.page_name = page
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = bool(fragment)
    await socket.send(message.SerializeToString())
    while True:
        data = await socket.recv()
        found.received += len(data)
        answer = ForwardMsg.FromString(data)
        kind = answer.WhichOneof("type")
        if kind == "auto_rerun":
            fragment = answer.auto_rerun.fragment_id
        if kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
            raise RuntimeError(answer.delta.new_element.exception.message)
        if kind == "script_finished":
            return fragment


async def measure(arguments: argparse.Namespace) -> dict[str, float | int | str]:
    server = psutil.Process(arguments.pid)
    found = Reading()
    until = time.monotonic() + arguments.seconds
    before, memory = server.cpu_times(), server.memory_info().rss
    tasks = []
    for number in range(arguments.sessions):
        # Readers do not come all at once.
        await asyncio.sleep(arguments.interval / arguments.sessions)
        if number == arguments.sessions - 1:
            before = server.cpu_times()
        tasks.append(session(arguments.url, arguments.page, arguments.election, arguments.interval, until, found))
        tasks[-1] = asyncio.ensure_future(tasks[-1])  # type: ignore[call-overload]
    done_before = len(found.refreshes)
    middle = asyncio.get_running_loop().call_later(arguments.seconds / 2, lambda: None)
    await asyncio.gather(*tasks)
    middle.cancel()
    after = server.cpu_times()
    cpu = (after.user + after.system) - (before.user + before.system)
    ordered = sorted(found.refreshes)
    return {
        "page": arguments.page or "result",
        "sessions": arguments.sessions,
        "interval_s": arguments.interval,
        "refreshes": len(ordered),
        "first_p95_s": round(sorted(found.first)[int(0.95 * (len(found.first) - 1))], 3),
        "refresh_median_s": round(statistics.median(ordered), 4),
        "refresh_p95_s": round(ordered[int(0.95 * (len(ordered) - 1))], 4),
        "cpu_per_refresh_ms": round(1000 * cpu / max(1, len(ordered) - done_before), 2),
        "late": found.late,
        "kib_per_refresh": round(found.received / 1024 / max(1, len(ordered)), 1),
        "memory_mib": round(server.memory_info().rss / 2**20),
        "memory_grown_mib": round((server.memory_info().rss - memory) / 2**20),
    }


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("election")
    arguments.add_argument("--pid", type=int, required=True, help="of the dashboard's process")
    arguments.add_argument("--page", default="", help="contests, turnout, night, integrity; the result page by default")
    arguments.add_argument("--sessions", type=int, default=50)
    arguments.add_argument("--interval", type=float, default=5.0)
    arguments.add_argument("--seconds", type=float, default=60.0)
    answer = asyncio.run(measure(arguments.parse_args()))
    json.dump(answer, sys.stdout, indent=2)
    print()  # noqa: T201
    good = answer["refresh_p95_s"] < LATENCY_LIMIT and answer["cpu_per_refresh_ms"] < 1000 * CPU_LIMIT  # type: ignore[operator]
    return 0 if good and not answer["late"] else 1


if __name__ == "__main__":
    sys.exit(main())
