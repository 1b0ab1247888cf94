"""A whole country: every stage through Airflow, on a platform of its own (var/bench-uk).

    python -m bench.uk [--region Wales]         (make bench-uk; REGION=Wales for a part)
    python -m bench.uk --scenario germany-bundestag-2025         (make bench-germany)

The United Kingdom of 2019 has 650 contests, 47,562,702 registered voters and 32 million votes; Germany 2025 has 315,
60,510,631 and 99.9 million. Prints the seconds of each stage and task, the peak of
memory (proportional set size of all processes of the stack, sampled) and of disk, and compares each candidate's
total, each contest's registered, valid and invalid figures and each party's seats with those in the scenario's file;
exit status 1 when one differs or is missing. Writes var/bench/uk.json as it goes, and removes the platform afterwards.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from bench.official import compared
from bench.own_platform import own_platform
from election import scenarios
from election.clients.airflow import Airflow
from election.errors import BadInput, NotReachable
from election.parameters import Run
from election.platform import Platform
from election.preparation.room import needed
from election.results import results
from election.scenarios import Scenario
from election.scenarios.selection import select
from election.settings import PROJECT, Settings
from election.stack.orphans import orphans
from election.stack.supervision import Supervisor

SCENARIO = "uk-general-election-2019"
DISK_LEFT = 2**30  # beside the reserve that `needed` has
SAMPLE_SECONDS = 15.0  # a sample walks every file and every page table: at five seconds it took a twentieth of a core
CHECKS = ("electorate.check_electorate", "electorate.validate", "casting.validate", "count.validate",
          "reconciliation.reconcile")  # fmt: skip
console = Console()


@dataclass
class Peaks:
    """Largest samples so far: bytes of memory (in all, by kind of process) and of disk (by folder).

    And the seconds of processor time that each kind of process has had.
    """

    memory: int = 0
    memory_by_process: dict[str, int] = field(default_factory=dict)
    disk: int = 0
    disk_by_folder: dict[str, int] = field(default_factory=dict)
    cpu_by_process: dict[str, int] = field(default_factory=dict)


def main(
    region: Annotated[str, typer.Option(help="only this region or country; default: all")] = "",
    workers: int = 2,
    name: Annotated[str, typer.Option("--scenario", help="a replay")] = SCENARIO,
    keep: Annotated[bool, typer.Option(help="leave the platform's folder there, stopped")] = False,
) -> None:
    scenario = select(scenarios.load(Settings().scenarios, name), region=region or None)
    voters = scenario.registered
    _require_disk(scenario)
    found: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "scenario": name,
        "region": region or "all",
        "contests": len(scenario.contests),
        "registered": voters,
    }
    with own_platform("bench-uk", keep=keep) as platform:
        began = time.monotonic()
        with Sampled(platform.settings) as peaks:
            slug = _run(platform, name, region, workers, found, peaks)
        found |= {"seconds": round(time.monotonic() - began, 1), **asdict(peaks)}
        found |= {"log": log_of(platform, slug)} | compared(results(platform, slug), scenario)
    _save(found)
    _show(found)
    if found["wrong"] or found["seats"] != found["official_seats"] or found["failed"]:
        sys.exit(1)


def log_of(platform: Platform, slug: str) -> dict[str, Any]:
    """The election's log of published ballots: entries, rounds, bytes of entries and on disk, seconds it took.

    ``seconds`` are from the opening to the last head, ``after_closing`` those from the end of the poll to that head.
    """
    with platform.connect("reader") as connection:
        entries, rounds, size, disk, seconds, after = (
            connection.execute(
                """SELECT coalesce(max(size), 0), count(size), coalesce(sum(octet_length(entries)), 0),
                      pg_total_relation_size('log_rounds'), extract(epoch FROM max(sealed_at) - max(opened_at))::float8,
                      extract(epoch FROM max(sealed_at) - max(closed_at))::float8
               FROM elections LEFT JOIN log_rounds USING (election_no) WHERE slug = %s""",
                [slug],
            ).fetchone()
            or ()
        )
    return {
        "entries": entries,
        "rounds": rounds,
        "bytes": int(size),
        "bytes_on_disk": disk,
        "seconds": seconds,
        "after_closing": after,
    }


def _require_disk(scenario: Scenario) -> None:
    voters, votes = scenario.registered, scenario.most_votes
    need, free = needed(voters, votes), shutil.disk_usage(PROJECT).free
    console.print(f"{voters:,} voters and {votes:,} votes need about {_gib(need)} of disk; {_gib(free)} are free.")
    if free - need < DISK_LEFT:
        raise SystemExit(f"Less than {_gib(DISK_LEFT)} would be left. Make room, or measure a region: REGION=Wales.")


def _run(platform: Platform, scenario: str, region: str, workers: int, found: dict[str, Any], peaks: Peaks) -> str:
    """Starts the run in Airflow and follows it until it ends, or waits for a person behind the reconciliation."""
    registration = Run(
        scenario=scenario, slug=f"whole-{datetime.now(UTC):%Y%m%d-%H%M%S}", region=region, workers=workers
    )
    airflow = Airflow(platform.settings)
    _trigger(airflow, registration.slug, registration.model_dump(mode="json"))
    told: set[tuple[str, int, str]] = set()
    while True:
        run, tasks = _looked(airflow, registration.slug)
        for task in tasks:
            change = (task["task_id"], task["map_index"], task["state"])
            if task["state"] in ("success", "failed", "up_for_retry") and change not in told:
                told.add(change)
                console.print(f"{datetime.now(UTC):%H:%M:%S} {change[0]} {change[2]} {_seconds([task]):,.1f} s")
        found |= _stages(tasks)
        _save(found | asdict(peaks))
        if found["failed"]:
            for task in tasks:
                if task["state"] == "failed":
                    console.print(*airflow.log_tail("election_run", registration.slug, task), sep="\n", markup=False)
            return registration.slug
        ahead = [task for task in tasks if task["task_id"].split(".")[0] not in ("certification", "result")]
        if run["state"] == "success" or all(task["state"] in ("success", "skipped") for task in ahead):
            return registration.slug
        time.sleep(SAMPLE_SECONDS)


# A machine that works hard answers late; the run does not mind.
@retry(retry=retry_if_exception_type(NotReachable), wait=wait_fixed(5), stop=stop_after_delay(600), reraise=True)
def _trigger(airflow: Airflow, slug: str, conf: dict[str, Any]) -> None:
    with suppress(BadInput):  # it had arrived, only its answer had not
        airflow.trigger("election_run", slug, conf)


@retry(retry=retry_if_exception_type(NotReachable), wait=wait_fixed(5), stop=stop_after_delay(600), reraise=True)
def _looked(airflow: Airflow, slug: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return airflow.run("election_run", slug), airflow.tasks("election_run", slug)


def _stages(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds from a stage's first task's start to its last one's end, and of each task (mapped ones together)."""
    by_stage, by_task = defaultdict(list), defaultdict(list)
    for task in tasks:
        if task["start_date"] and task["end_date"]:
            by_stage[task["task_id"].split(".")[0]].append(task)
            by_task[task["task_id"]].append(task)
    return {
        "stages": {stage: _seconds(own) for stage, own in by_stage.items()},
        "tasks": {name: _seconds(own) for name, own in by_task.items()},
        "failed": sorted({task["task_id"] for task in tasks if task["state"] == "failed"}),
    }


def _seconds(tasks: list[dict[str, Any]]) -> float:
    starts, ends = (
        [datetime.fromisoformat(task[end]) for task in tasks if task[end]] for end in ("start_date", "end_date")
    )
    return round((max(ends) - min(starts)).total_seconds(), 1) if starts and ends else 0.0


class Sampled:
    """Peaks of memory and disk while it is entered."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._peaks, self._over = settings, Peaks(), threading.Event()
        self._cpu: dict[int, tuple[str, float]] = {}
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self._peaks

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            processes = _processes(self._settings)
            memory, disk = _memory(processes), _disk(self._settings.var)
            self._note_cpu(processes)
            if sum(memory.values()) > self._peaks.memory:
                self._peaks.memory, self._peaks.memory_by_process = sum(memory.values()), memory
            if sum(disk.values()) > self._peaks.disk:
                self._peaks.disk, self._peaks.disk_by_folder = sum(disk.values()), disk
            if shutil.disk_usage(self._settings.var).free < DISK_LEFT // 2:
                console.print("The disk is nearly full; this ends here.")
                os._exit(1)

    def _note_cpu(self, processes: list[psutil.Process]) -> None:
        """What a process had when it was last seen; children it waited for count with themselves."""
        for process in processes:
            with suppress(psutil.Error, OSError):
                times = process.cpu_times()
                self._cpu[process.pid] = (_kind(process), times.user + times.system)
        total: Counter[str] = Counter()
        for kind, seconds in self._cpu.values():
            total[kind] += round(seconds)
        self._peaks.cpu_by_process = dict(total.most_common())


def _processes(settings: Settings) -> list[psutil.Process]:
    daemon = Supervisor(settings).daemon()
    supervised = daemon.children(recursive=True) if daemon else []
    return list({process.pid: process for process in [*supervised, *orphans(settings)]}.values())


def _memory(processes: list[psutil.Process]) -> dict[str, int]:
    """Bytes by kind of process; memory that processes share is counted once."""
    found: Counter[str] = Counter()
    for process in processes:
        with suppress(psutil.Error, OSError):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            found[_kind(process)] += 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return dict(found.most_common())


def _kind(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    marks = {"postgres": "postgres", "kafka.Kafka": "kafka", "CoarseGrained": "spark executor", "spark": "spark",
             "airflow": "airflow", "streamlit": "dashboard"}  # fmt: skip
    return next((kind for mark, kind in marks.items() if mark in command), "other")


def _disk(folder: Path) -> dict[str, int]:
    """Bytes by folder of the platform."""
    found: Counter[str] = Counter()
    for where, _, files in os.walk(folder):
        part = Path(where).relative_to(folder).parts
        for file in files:
            with suppress(OSError):
                found["/".join(part[:3] if part[:1] == ("postgres",) else part[:1])] += (
                    Path(where, file).stat().st_blocks * 512
                )
    return {name: size for name, size in found.most_common() if size > 10 * 2**20}


def _save(found: dict[str, Any]) -> None:
    file = PROJECT / "var" / "bench" / "uk.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def _show(found: dict[str, Any]) -> None:
    table = Table(title=f"{found['contests']} contests, {found['registered']:,} registered, {found['valid']:,} valid")
    table.add_column("measured")
    table.add_column("value", justify="right")
    for stage, seconds in found["stages"].items():
        table.add_row(f"[bold]{stage}", f"[bold]{seconds:,.1f} s")
        for task, own in found["tasks"].items():
            if task.startswith(f"{stage}."):
                table.add_row(f"  {task}", f"{own:,.1f} s")
    table.add_row("all, results read", f"{found['seconds']:,.1f} s")
    checks = sum(seconds for task, seconds in found["tasks"].items() if task in CHECKS)
    table.add_row("[bold]checks, against all the rest", f"{checks / (found['seconds'] - checks):.2f}")
    for what in ("memory", "disk"):
        table.add_row(f"[bold]{what}, peak", f"[bold]{_gib(found[what])}")
        for part, size in (found.get(f"{what}_by_process") or found.get(f"{what}_by_folder") or {}).items():
            table.add_row(f"  {part}", _gib(size))
    table.add_row("[bold]processor time", f"[bold]{sum(found['cpu_by_process'].values()):,.0f} s")
    for part, seconds in found["cpu_by_process"].items():
        table.add_row(f"  {part}", f"{seconds:,.0f} s")
    table.add_row("[bold]log of published ballots, from the opening on", f"[bold]{found['log']['seconds'] or 0:,.1f} s")
    table.add_row("  its last head after the poll was closed", f"{found['log']['after_closing'] or 0:,.1f} s")
    table.add_row("  entries, rounds", f"{found['log']['entries']:,}, {found['log']['rounds']:,}")
    table.add_row("  bytes of entries", f"{found['log']['bytes']:,}")
    table.add_row("  on disk", _gib(found["log"]["bytes_on_disk"]))
    table.add_row("figures that differ", f"{len(found['wrong'])}")
    table.add_row("totals compared", f"{found['totals_compared']:,} in {found['contests_compared']:,} contests")
    table.add_row("valid votes, official", f"{found['official_valid']:,}")
    table.add_row("seats", ", ".join(f"{party} {seats}" for party, seats in found["seats"].items()))
    table.add_row("seats, official", ", ".join(f"{party} {seats}" for party, seats in found["official_seats"].items()))
    console.print(table)


def _gib(size: int) -> str:
    return f"{size / 2**30:,.2f} GiB"


if __name__ == "__main__":
    typer.run(main)
