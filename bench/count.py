"""Measures the count on a platform of its own (in var/bench-count, removed afterwards); `make bench-count` does it all.

    python -m bench.count catchup      votes on the topic to final totals, against merely reading and parsing them
    python -m bench.count freshness    produced vote to the total that contains it, on the whole stack
    python -m bench.count restart      driver killed to counting again, on the whole stack (--alone: without Airflow)
    python -m bench.count growth       batch time and state per million ballots, up to --votes
    python -m bench.count sealing      processor time a ballot of the sealer and the log's bytes, beside the count
    python -m bench.count login        processor time a vote with and without Spark's login and encryption, alternating

Each prints a table and writes var/bench/count-NAME.json.
"""

import json
import os
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer
from confluent_kafka import TopicPartition
from rich.console import Console
from rich.table import Table

from bench.own_platform import own_platform
from bench.parsing import a_second, parsed
from bench.uk import log_of
from bench.votes import Electorate, produce
from election.clients.spark_access import AUTHENTICATED
from election.contracts import topics
from election.contracts.aggregates import ContestTotal
from election.contracts.messages import Decoder
from election.count import driver
from election.count.folder import tally_folder
from election.messaging.clients import consume, consumer
from election.messaging.topics import create_topics
from election.platform import Platform
from election.preparation import Registration, create_tables, register
from election.settings import PROJECT, Settings
from election.stack import services
from election.storage.elections import election

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console()


@app.command()
def catchup(
    votes: Annotated[int, typer.Option(help="votes on the topic")] = 5_000_000,
    young: Annotated[int, typer.Option(help="of these, the first are shown by themselves")] = 2_000_000,
) -> None:
    """Rates over all batches after the first, in which Java compiles. The limit is taken before the count and after."""
    with platform() as bench:
        produce(bench, Electorate(1), votes)
        before = parsed(bench.settings)
        driver.start(bench.settings)
        counting = [(b["messages"], b["ms"]) for b in _batches_until(bench.settings, votes)]
        driver.stop(bench.settings)
        after, tuned = parsed(bench.settings), parsed(bench.settings, "tuned")
    limit = a_second(before[1:] + after[1:])
    first = counting[1 : 1 + bisect_left(list(accumulate(messages for messages, _ in counting)), young)]
    found = {
        "read and parse, votes/s": round(limit),
        "the same before and after the count": [round(a_second(batches[1:])) for batches in (before, after)],
        "the same with the count's own settings of Kafka's client": round(a_second(tuned[1:])),
    }
    for what, batches in ((f"to {young:,}", first), (f"to {votes:,}", counting[1:])):
        found[f"count with all totals, {what}: votes/s"] = round(a_second(batches))
        found[f"count with all totals, {what}: ratio"] = round(a_second(batches) / limit, 3)
    _show("catchup", found | {"with the first batch, votes/s": round(a_second(counting))})


@app.command()
def freshness(
    seconds: Annotated[float, typer.Option(help="of each rate")] = 60,
    warm: Annotated[int, typer.Option(help="minutes of 2,000 votes/s before, shown one by one")] = 10,
) -> None:
    """For every vote: from its production to the arrival of a total of its contest that contains it.

    A stream that runs for weeks is warm: Java has compiled what it needs, which takes it minutes.
    """
    found: dict[str, Any] = {}
    with platform(only=()) as bench:
        counting = driver.wait_for(lambda: driver.state(bench.settings).phase == "counting", 300)
        assert counting, "Airflow starts the count"
        produce(bench, Electorate(1), 1_000_000)
        for minute in range(1, warm + 1):
            found[f"minute {minute}: 2000/s median, s"] = round(
                median(_freshness(bench, Electorate(minute + 1), 2_000, 60)), 3
            )
        for number, rate in enumerate((2_000, 10_000), start=warm + 2):
            _freshness(bench, Electorate(100 * number), rate, seconds)
            waits = sorted(_freshness(bench, Electorate(number), rate, seconds))
            found[f"{rate}/s median, s"] = round(median(waits), 3)
            found[f"{rate}/s p99, s"] = round(waits[int(len(waits) * 0.99)], 3)
            found[f"{rate}/s worst, s"] = round(waits[-1], 3)
            found |= {f"{rate}/s batch, {part}, ms": ms for part, ms in _parts(bench.settings).items()}
    _show("freshness", found)


@app.command()
def restart(
    times: int = 10,
    alone: Annotated[bool, typer.Option("--alone", help="started again at once, by this command")] = False,
) -> None:
    """The driver is killed while 2,000 votes/s arrive, and Airflow starts it again."""
    from tests.count_faults import kill_driver

    parts = defaultdict[str, list[float]](list)
    with platform(services.SPARK if alone else ()) as bench:
        settings = bench.settings
        if alone:
            driver.start(settings)
        votes = 2_000 * 120 * times
        load = threading.Thread(target=produce, args=(bench, Electorate(1), votes, 2_000), daemon=True)
        load.start()
        for _ in range(times):
            _await(lambda: driver.state(settings).phase == "counting" and (driver.state(settings).batch or 0) > 5)
            time.sleep(10)
            before = driver.state(settings)
            kill_driver(bench)
            killed = time.time()
            if alone:
                _await(lambda: not driver.state(settings).alive)
                driver.start(settings)
            _await(lambda known=before.identity: driver.state(settings).identity not in (None, known))  # type: ignore[misc]
            parts["lock"].append(time.time() - killed)
            _await(lambda: driver.state(settings).phase == "counting")
            parts["query"].append(time.time() - killed)
            target = (before.batch or 0) + 2
            _await(lambda target=target: (driver.state(settings).batch or 0) >= target)  # type: ignore[misc]
            parts["counting"].append(time.time() - killed)
    found = {f"{part}: {how.__name__}, s": round(how(v), 1) for part, v in parts.items() for how in (median, max)}
    _show("restart", found)


@app.command()
def growth(votes: int = 30_000_000) -> None:
    """Batches of 500,000 ballots while the state grows; figures at each million.

    What Spark tells of the state's memory is not all there is: the executor's is looked at from outside as well.
    """
    from tests.count_faults import executor

    rows, resident = [], list[int]()
    with platform() as bench:
        produce(bench, Electorate(1), votes)
        driver.start(bench.settings)
        _batches_until(bench.settings, 1)
        process = executor(bench.settings)
        with _sampled(lambda: int(process.memory_info().rss), resident):
            batches = _batches_until(bench.settings, votes)
        counted = 0
        for batch in batches:
            counted += batch["messages"]
            rows.append({"ballots": counted, "ms": batch["ms"], "state_bytes": batch["state_bytes"]})
        checkpoint = tally_folder(bench.settings).checkpoint(1)
        disk = sum(file.stat().st_size for file in checkpoint.rglob("*") if file.is_file())
        driver.stop(bench.settings)
    each = [row for row in rows if row["ballots"] // 1_000_000 > (row["ballots"] - 500_000) // 1_000_000]
    found = {f"{row['ballots'] / 1e6:.0f} million: batch ms, state memory MB": (
        row["ms"], round(row["state_bytes"] / 1e6)) for row in each}  # fmt: skip
    thirds = {
        f"executor's resident memory at most, {name} third, MB": round(max(part) / 1e6)
        for name, part in zip(("first", "second", "last"), _thirds(resident), strict=True)
    }
    _show("growth", found | thirds | {"checkpoint on disk, MB": round(disk / 1e6)})


@app.command()
def sealing(votes: int = 2_000_000) -> None:
    """The sealer reads the same votes as the count, at the same time, in a process of its own.

    What that process costs with nothing to seal, such as its imports, is taken off.
    """
    with platform() as bench:
        slug = sealable(bench)
        produce(bench, Electorate(_number(bench, slug)), votes)
        driver.start(bench.settings)
        first = _batches_until(bench.settings, 1)
        busy, idle = seal_apart(slug), seal_apart(slug)
        batches = _batches_until(bench.settings, votes)[len(first) :]
        driver.stop(bench.settings)
        log = log_of(bench, slug)
    counted = sum(batch["messages"] for batch in batches)
    found = {
        "sealer, µs of CPU a ballot": round((busy.cpu - idle.cpu) / votes * 1e6, 2),
        "sealer, ballots/s": round(votes / (busy.seconds - idle.seconds)),
        "sealer, imports and start, s of CPU": round(idle.cpu, 2),
        "sealer, peak of memory, MB": round(busy.memory / 1e6),
        "count beside it, votes/s": round(counted / sum(batch["ms"] for batch in batches) * 1000),
        "log, entries": log["entries"],
        "log, rounds": log["rounds"],
        "log, bytes a ballot": round(log["bytes"] / votes, 1),
        "log, bytes a ballot on disk": round(log["bytes_on_disk"] / votes, 1),
    }
    _show("sealing", found)


class Spent(NamedTuple):
    """What a process cost: seconds of processor time and by the clock, bytes of memory at most."""

    cpu: float
    seconds: float
    memory: int


def sealable(bench: Platform) -> str:
    """The slug of an election whose ballots can be sealed: registered, and nothing else."""
    create_tables(bench)
    return register(bench, Registration("single-race", "bench-sealing", voters=10)).slug


def seal_apart(slug: str) -> Spent:
    """Runs `election seal` in a process of its own."""
    began = time.monotonic()
    sealer = subprocess.Popen([sys.executable, "-m", "election.cli", "seal", slug], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(sealer.pid, 0)
    if status:
        raise SystemExit("The sealer failed.")
    return Spent(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss * 1024)


def _number(bench: Platform, slug: str) -> int:
    with bench.connect("reader") as connection:
        return election(connection, slug).election_no


@app.command()
def login(votes: int = 1_500_000, rounds: int = 2) -> None:
    """Processor time a vote tells more than votes a second where others use the machine, too."""
    found: dict[str, Any] = {}
    for turn in range(1, rounds + 1):
        for name, asked in (("without", {}), ("with", dict(AUTHENTICATED))):
            with _changed(AUTHENTICATED, asked):
                found |= {f"{name}, {turn}: {what}": value for what, value in _costs(votes).items()}
    _show("login", found)


def _costs(votes: int) -> dict[str, float]:
    """Of the votes after the first batch, in which Java compiles most."""
    from tests.count_faults import driver_jvm, executor

    with platform() as bench:
        produce(bench, Electorate(1), votes)
        driver.start(bench.settings)
        first = _batches_until(bench.settings, 1)
        processes = {"driver": driver_jvm(bench.settings), "executor": executor(bench.settings)}
        begun = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
        batches = _batches_until(bench.settings, votes)[len(first) :]
        counted = sum(batch["messages"] for batch in batches)
        spent = {name: sum(process.cpu_times()[:2]) - begun[name] for name, process in processes.items()}
        driver.stop(bench.settings)
    rate = counted / sum(batch["ms"] for batch in batches) * 1000
    return {f"{name}, µs a vote": round(s / counted * 1e6, 1) for name, s in spent.items()} | {"votes/s": round(rate)}


@contextmanager
def _changed(settings: dict[str, str], other: dict[str, str]) -> Iterator[None]:
    """Other settings in the same dictionary for as long as this lasts."""
    usual = dict(settings)
    settings.clear()
    settings.update(other)
    try:
        yield
    finally:
        settings.clear()
        settings.update(usual)


@contextmanager
def platform(only: tuple[str, ...] = services.SPARK) -> Iterator[Platform]:
    """A platform of its own with its topics; without ``only`` the whole stack, in which Airflow runs the count."""
    with own_platform("bench-count", only) as own:
        create_topics(own)
        yield own


def _await(condition: Callable[[], bool]) -> None:
    assert driver.wait_for(condition, 300), "what should happen within seconds did not in five minutes"


def _batches_until(settings: Settings, votes: int) -> list[dict[str, Any]]:
    file = tally_folder(settings).batches

    def batches() -> list[dict[str, Any]]:
        text = file.read_text() if file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    if not driver.wait_for(lambda: sum(b["messages"] for b in batches()) >= votes, 3600):
        raise SystemExit("The votes were not counted in an hour.")
    return batches()


@contextmanager
def _sampled(value: Callable[[], int], samples: list[int]) -> Iterator[None]:
    """Notes the value each second for as long as this lasts."""
    done = threading.Event()

    def sample() -> None:
        while not done.wait(1):
            samples.append(value())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        done.set()
        sampler.join()


def _thirds(samples: list[int]) -> list[list[int]]:
    third = len(samples) // 3
    return [samples[:third], samples[third : 2 * third], samples[2 * third :]]


def _freshness(bench: Platform, electorate: Electorate, rate: int, seconds: float) -> list[float]:
    reader = consumer(bench.kafka)
    totals_of_contests = TopicPartition(topics.BALLOTS_PER_CONTEST, 0)
    # OFFSET_END would be looked up while the first votes are counted already, and miss their totals.
    _, totals_of_contests.offset = reader.get_watermark_offsets(totals_of_contests)
    reader.assign([totals_of_contests])
    produced: dict[tuple[int, bool], list[float]] = defaultdict(list)
    arrived: dict[tuple[int, bool], list[tuple[int, float]]] = defaultdict(list)
    decode, done = Decoder(ContestTotal), threading.Event()

    def listen() -> None:
        while not done.is_set():
            for record in consume(reader, 10_000, 0.02):
                total, now = decode(record.value()), time.time()
                if total.election == electorate.election:
                    arrived[total.contest, total.validity == "valid"].append((total.votes, now))

    listener = threading.Thread(target=listen)
    listener.start()
    produce(bench, electorate, int(rate * seconds), rate, produced)
    expected = {kind: len(times) for kind, times in produced.items()}
    driver.wait_for(lambda: {k: v[-1][0] for k, v in arrived.items() if v} == expected, 60)
    done.set()
    listener.join()
    waits = []
    for kind, times in produced.items():
        totals = arrived[kind]
        for number, at in enumerate(sorted(times), start=1):
            waits.append(totals[bisect_left(totals, number, key=lambda total: total[0])][1] - at)
    return waits


def _parts(settings: Settings, batches: int = 50) -> dict[str, float]:
    """Where the time of the latest batches went, by Spark's own clock: medians."""
    lines = [json.loads(line) for line in tally_folder(settings).batches.read_text().splitlines()[-batches:]]
    return {part: median(line["parts_ms"][part] for line in lines) for part in lines[-1]["parts_ms"]}


def _show(name: str, found: dict[str, Any]) -> None:
    table = Table(title=f"The count: {name}")
    table.add_column("measured")
    table.add_column("value", justify="right")
    for what, value in found.items():
        table.add_row(what, f"{value:,}" if isinstance(value, int | float) else str(value))
    console.print(table)
    file = PROJECT / "var" / "bench" / f"count-{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"load": os.getloadavg(), "cores": os.cpu_count(), **found}, indent=2))


if __name__ == "__main__":
    app()
