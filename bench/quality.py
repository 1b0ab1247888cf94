"""Measures validations of a million voters and votes, on a platform of its own (Postgres, Kafka; removed afterwards).

    python -m bench.quality [--voters 1000000]

Each checkpoint runs in a process of its own, as under Airflow. Prints seconds without and with the import of the
library, and the most memory the process held; beside them what reading the same rows and ballots takes; and writes
var/bench/quality.json. Totals come from a GROUP BY instead of the stream: the count is not what is measured.
"""

import json
import os
import resource
import subprocess
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

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


@app.command()
def main(
    voters: Annotated[int, typer.Option(help="all of whom vote")] = 1_000_000,
    alone: Annotated[str, typer.Option(help="a checkpoint: only its validation, on the platform there is")] = "",
) -> None:
    if alone:
        print(json.dumps(_validated(alone)))  # noqa: T201 - the parent reads it
        return
    names = {name: field.default + PORTS for name, field in Settings.model_fields.items() if name.endswith("_port")}
    settings = Settings.model_validate({"var": PROJECT / "var" / "bench-quality", **names})
    os.environ.update(settings.environment)
    unprivileged(Settings.model_validate({"var": PROJECT / "var"}))
    found: dict[str, Any] = {}
    try:
        start(settings, services.STORAGE)
        platform = native(settings)
        _prepare(platform, voters)
        found["electorate"] = _child("electorate")
        _cast(platform)
        found["casting"] = _child("casting")
        count(platform, SLUG)
        wait_until_counted(platform, SLUG, lambda _: None)
        found["count"] = _child("count")
        found["schedule"] = _child("schedule")
        found["reading alone"] = _reading(platform)
    finally:
        remove(settings)
    _show(voters, found)


def _prepare(platform: Platform, voters: int) -> None:
    create_tables(platform)
    create_topics(platform)
    register(platform, Registration("single-race", SLUG, voters=voters, turnout=1.0))
    seed_candidates(platform, SLUG)
    seed_voters(platform, SLUG, lambda _: None)
    check_electorate(platform, SLUG)


def _cast(platform: Platform) -> None:
    publish_candidates(platform, SLUG)
    publish_voters(platform, SLUG, lambda _: None)
    open_poll(platform, SLUG)
    cast(platform, SLUG, log=lambda _: None)
    close_poll(platform, SLUG)


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
    table = Table("checkpoint", *found["schedule"], title=f"Validating {voters:,} voters and votes")
    for checkpoint, measured in found.items():
        if checkpoint != "reading alone":
            table.add_row(checkpoint, *(str(value) for value in measured.values()))
    console.print(table)
    console.print(found["reading alone"])
    file = PROJECT / "var" / "bench" / "quality.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"load": os.getloadavg(), "cores": os.cpu_count(), "voters": voters, **found}, indent=2))


if __name__ == "__main__":
    app()
