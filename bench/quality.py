"""Measures checks of a million voters and their votes, on a platform of its own (Postgres, Kafka; removed afterwards).

    python -m bench.quality [--voters 1000000]

Replays as many contests of the United Kingdom of 2019 as have so many voters. Each checkpoint and the reconciliation
run in a process of their own, as under Airflow. Prints seconds without and with the import of the library, and the most
memory the process held; beside them what reading the same rows and ballots takes, and all checks against all other
stages; and writes var/bench/quality.json. Totals come from a GROUP BY instead of the stream: the count is not what is
measured, and not among the other stages.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from election import scenarios
from election.casting import cast, close_poll, open_poll
from election.contracts import topics
from election.count import wait_until_counted
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.messaging.reading import read
from election.messaging.topics import create_topics
from election.platform import Platform, native
from election.preparation import Registration, create_tables, register
from election.publication import publish_candidates, publish_voters
from election.settings import PROJECT, Settings
from election.stack import services
from election.stack.account import unprivileged
from election.stack.starting import start
from election.stack.stopping import remove
from tests.quality_faults import count

app = typer.Typer(add_completion=False, help=__doc__)
console = Console()
PORTS = 9_500  # added to the usual ports
SLUG = "bench"
SCENARIO = "uk-general-election-2019"
RECONCILIATION = "reconciliation"
CHECKS = ("check_electorate", "electorate", "casting", "count", RECONCILIATION)
"""What a run waits for; the scheduled look is beside it."""


@app.command()
def main(
    voters: Annotated[int, typer.Option(help="at least so many, in whole contests")] = 1_000_000,
    alone: Annotated[str, typer.Option(help="a checkpoint: only its validation, on the platform there is")] = "",
) -> None:
    if alone:
        made = _reconciled() if alone == RECONCILIATION else _validated(alone)
        print(json.dumps(made))  # noqa: T201 - the parent reads it
        return
    names = {name: field.default + PORTS for name, field in Settings.model_fields.items() if name.endswith("_port")}
    settings = Settings.model_validate({"var": PROJECT / "var" / "bench-quality", **names})
    os.environ.update(settings.environment)
    unprivileged(Settings.model_validate({"var": PROJECT / "var"}))
    found: dict[str, Any] = {}
    try:
        start(settings, services.STORAGE)
        platform = native(settings)
        found["other stages"] = {"electorate": _prepare(platform, voters)}
        found["check_electorate"] = _timed(lambda: check_electorate(platform, SLUG))
        found["electorate"] = _child("electorate")
        found["other stages"] |= _cast(platform)
        found["casting"] = _child("casting")
        count(platform, SLUG)
        wait_until_counted(platform, SLUG, lambda _: None)
        found["count"] = _child("count")
        found[RECONCILIATION] = _child(RECONCILIATION)
        found["schedule"] = _child("schedule")
        found["reading alone"] = _reading(platform)
    finally:
        remove(settings)
    _show(voters, found)


def _prepare(platform: Platform, voters: int) -> float:
    create_tables(platform)
    create_topics(platform)
    register(platform, Registration(SCENARIO, SLUG, contests=_contests(voters)))
    return _timed(lambda: (seed_candidates(platform, SLUG), seed_voters(platform, SLUG, lambda _: None)))["seconds"]


def _contests(voters: int) -> list[str]:
    """The first contests of the scenario that have so many voters together."""
    chosen = []
    for contest in scenarios.load(Settings().scenarios, SCENARIO).contests:
        if voters <= 0:
            break
        chosen.append(contest.contest_id)
        voters -= contest.electorate or 0
    return chosen


def _cast(platform: Platform) -> dict[str, float]:
    def publish() -> None:
        publish_candidates(platform, SLUG)
        publish_voters(platform, SLUG, lambda _: None)

    published = _timed(publish)["seconds"]
    open_poll(platform, SLUG)
    voted = _timed(lambda: cast(platform, SLUG, log=lambda _: None))["seconds"]
    close_poll(platform, SLUG)
    return {"publication": published, "casting by one worker": voted}


def _timed(what: Callable[[], object]) -> dict[str, float]:
    began = time.monotonic()
    what()
    return {"seconds": round(time.monotonic() - began, 2)}


def _child(checkpoint: str) -> dict[str, Any]:
    line = [sys.executable, "-m", "bench.quality", "--alone", checkpoint]
    answer = subprocess.run(line, capture_output=True, text=True, check=True, timeout=600)
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def _validated(checkpoint: Any) -> dict[str, Any]:
    began = time.monotonic()
    from election.quality.validating import validate

    imported = time.monotonic()
    found = validate(native(), SLUG, checkpoint, lambda _: None)
    return {
        "seconds": round(found.seconds, 2),
        "with the import": round(found.seconds + imported - began, 2),
        "CPU seconds": round(resource.getrusage(resource.RUSAGE_SELF).ru_utime, 2),
        "MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "expectations": found.expectations,
        "not met": [finding.name for finding in found.findings],
    }


def _reconciled() -> dict[str, Any]:
    from election.reconciliation import reconcile

    began = time.monotonic()
    verdict = reconcile(native(), SLUG)
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": round(time.monotonic() - began, 2),
        "with the import": None,
        "CPU seconds": round(sum(part.ru_utime for part in used), 2),
        "MB": round(max(part.ru_maxrss for part in used) / 1024),
        "expectations": None,
        "not met": [str(difference) for difference in verdict.differences],
    }


def _reading(platform: Platform) -> dict[str, Any]:
    """The least a comparison of votes and ballots can take: every row and every message, looked at no further."""
    began = time.monotonic()
    with platform.connect("reader") as connection, connection.cursor(name="all", binary=True) as cursor:
        cursor.itersize = 50_000
        cursor.execute("SELECT voter_no, contest_no, candidate_no FROM votes")
        rows = sum(1 for _ in cursor)
    messages = sum(1 for _ in read(platform.kafka, topics.VOTES))
    return {"seconds": round(time.monotonic() - began, 2), "rows": rows, "messages": messages}


def _show(voters: int, found: dict[str, dict[str, Any]]) -> None:
    table = Table("checkpoint", *found["schedule"], title=f"Checking {voters:,} voters and their votes")
    for checkpoint, measured in found.items():
        if "MB" in measured:
            table.add_row(checkpoint, *(str(value) for value in measured.values()))
    console.print(table)
    console.print(found["reading alone"], found["other stages"])
    checks = sum(found[name]["seconds"] for name in CHECKS)
    found["ratio"] = {"checks": round(checks, 2), "others": round(sum(found["other stages"].values()), 2)}
    console.print(
        f"Checks {checks:.1f} s, other stages {found['ratio']['others']:.1f} s: "
        f"ratio {checks / found['ratio']['others']:.2f}"
    )
    file = PROJECT / "var" / "bench" / "quality.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"load": os.getloadavg(), "cores": os.cpu_count(), "voters": voters, **found}, indent=2))


if __name__ == "__main__":
    app()
