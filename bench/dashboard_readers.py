"""Many readers of the dashboard at once: each speaks Streamlit's protocol over its web socket, without a browser."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

_SAMPLE_SECONDS = 10


@dataclass
class Readers:
    """What they met. ``refreshes`` are seconds from asking for a refresh to its end, ``first`` the same for a page.

    ``late`` refreshes came a whole interval after they were due. ``memory`` is the server's, in bytes, every ten
    seconds; ``cpu`` its processor seconds while all were there, and ``seconds`` how long that was.
    """

    first: list[float] = field(default_factory=list)
    refreshes: list[float] = field(default_factory=list)
    late: int = 0
    received: int = 0
    memory: list[int] = field(default_factory=list)
    cpu: float = 0.0
    seconds: float = 0.0
    counted: int = 0

    @property
    def p95(self) -> float:
        return sorted(self.refreshes)[int(0.95 * (len(self.refreshes) - 1))]


def read(
    url: str, election: str, pages: Sequence[str], sessions: int, interval: float, seconds: float, server: int
) -> Readers:
    """``sessions`` readers, spread over the pages, refresh every ``interval`` seconds. ``server``: process number."""
    return asyncio.run(_read(url, election, pages, sessions, interval, seconds, psutil.Process(server)))


async def _read(
    url: str,
    election: str,
    pages: Sequence[str],
    sessions: int,
    interval: float,
    seconds: float,
    server: psutil.Process,
) -> Readers:
    found, until = Readers(), time.monotonic() + interval + seconds
    tasks = []
    for number in range(sessions):
        page = pages[number % len(pages)]
        tasks.append(asyncio.create_task(_session(url, page, election, interval, until, found)))
        await asyncio.sleep(interval / sessions)  # readers do not come all at once
    before, refreshed, begun = _cpu(server), len(found.refreshes), time.monotonic()
    watch = asyncio.create_task(_watch(server, found))
    await asyncio.gather(*tasks)
    watch.cancel()
    found.cpu, found.seconds = _cpu(server) - before, time.monotonic() - begun
    found.counted = len(found.refreshes) - refreshed
    return found


async def _watch(server: psutil.Process, found: Readers) -> None:
    while True:
        await asyncio.sleep(_SAMPLE_SECONDS)
        found.memory.append(server.memory_info().rss)


def _cpu(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


async def _session(url: str, page: str, election: str, interval: float, until: float, found: Readers) -> None:
    address = url.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None) as socket:
        start = time.monotonic()
        fragment = await _run(socket, page, election, "", found)
        found.first.append(time.monotonic() - start)
        # From the arrival: readers who waited together for a first answer would else refresh together ever after.
        due = start + interval
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() - due > interval:
                found.late += 1
            start = time.monotonic()
            await _run(socket, page, election, fragment, found)
            found.refreshes.append(time.monotonic() - start)
            due += interval


async def _run(socket: ClientConnection, page: str, election: str, fragment: str, found: Readers) -> str:
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
