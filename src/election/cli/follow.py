"""The live display of an election run: its stages, their state and seconds."""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from election.cli.application import console, styled
from election.clients.airflow import Airflow
from election.errors import ElectionError, NotReachable
from election.orchestration.questions import CERTIFY, TASK, answer

STAGES = ("prepare", "electorate", "publication", "casting", "count", "reconciliation", "certification", "result")
_ENDED = {"success", "failed"}
_POLL_SECONDS = 1.0
# A run outlives the API server, which restarts.
_patiently = Retrying(
    retry=retry_if_exception_type(NotReachable), stop=stop_after_delay(300), wait=wait_fixed(2), reraise=True
)
_SIGNS = {
    "asks": Text("?", "yellow"),
    "success": Text("✓", "green"),
    "failed": Text("✗", "red"),
    "running": Text("●", "yellow"),
    "waiting": Text("·", "dim"),
}


def follow_run(airflow: Airflow, slug: str, certifies: str | None = None) -> bool:
    """Shows the run named by the slug until it ends and the log of a task that failed. Returns whether it succeeded.

    ``certifies`` is the reason with which it answers the run's question after the gates. Without one it prints once
    how to answer, and waits. Raises NotReachable when Airflow is away for five minutes.
    """
    run_id, asked = slug, False
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        while True:
            run = _patiently(airflow.run, "election_run", run_id)
            tasks = _patiently(airflow.tasks, "election_run", run_id)
            live.update(_stages(tasks))
            if run["state"] in _ENDED:
                break
            if not asked and any(t["task_id"] == TASK and t["state"] == "awaiting_input" for t in tasks):
                asked = True
                live.console.print(_decide(airflow, slug, certifies))
            time.sleep(_POLL_SECONDS)  # Airflow's API has no event to wait for that carries the tasks
    for task in tasks:
        if task["state"] == "failed":
            console.print(styled((f"\n{task['task_id']} failed.", "bold red"), " The end of its log:"))
            for line in airflow.log_tail("election_run", run_id, task):
                console.print(line, highlight=False, soft_wrap=True)
    return bool(run["state"] == "success")


def _decide(airflow: Airflow, slug: str, certifies: str | None) -> str:
    """Answers the run's question if there is a reason. Returns what was answered, or how to answer."""
    if certifies is None:
        return f"It waits for a person: `election certify {slug} --reason …` or `election refuse {slug} --reason …`."
    try:
        answer(airflow, slug, CERTIFY, certifies)
    except ElectionError as error:
        return f"The question was not answered here: {error}"  # another person answered first, or still can
    return f"Answered: certify {slug}, because: {certifies}"


def _stages(tasks: Iterable[dict[str, Any]]) -> Table:
    table = Table("", "Stage", "State", "Seconds", title_justify="left")
    table.columns[3].justify = "right"
    by_stage: dict[str, list[dict[str, Any]]] = {stage: [] for stage in STAGES}
    for task in tasks:
        by_stage.setdefault(task["task_id"].split(".")[0], []).append(task)
    for stage, own in by_stage.items():
        state = _state(own)
        running = ", ".join(t["task_id"].split(".")[-1] for t in own if t["state"] in ("running", "failed"))
        table.add_row(_SIGNS[state], stage, Text(running if state in ("running", "failed") else state), _seconds(own))
    return table


def _state(tasks: list[dict[str, Any]]) -> str:
    states = {task["state"] for task in tasks}
    if states & {"failed", "upstream_failed"}:
        return "failed"
    if "awaiting_input" in states:
        return "asks"
    if tasks and states <= {"success", "skipped"}:
        return "success"
    return "running" if states & {"running", "queued", "up_for_retry", "success", "deferred"} else "waiting"


def _seconds(tasks: list[dict[str, Any]]) -> str:
    starts = [datetime.fromisoformat(task["start_date"]) for task in tasks if task["start_date"]]
    if not starts:
        return ""
    ends = [datetime.fromisoformat(task["end_date"]) for task in tasks if task["end_date"]]
    last = max(ends) if len(ends) == len(tasks) else datetime.now(starts[0].tzinfo)
    return f"{(last - min(starts)).total_seconds():.1f}"
