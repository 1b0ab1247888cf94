"""Certification: the answer to the run that asks, and the correction run."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from election.cli.application import app, as_json, console
from election.cli.elections import Json
from election.cli.stages import Slug
from election.platform import native

if TYPE_CHECKING:
    from election.orchestration.api import Airflow

Reason = Annotated[str, typer.Option(help="what the decision rests on; kept with it")]
User = Annotated[str, typer.Option("--user", help="the Airflow user who answers, one of ELECTION_CERTIFIERS")]
_PATIENCE, _LOOK = 120, 0.5  # seconds: until a run that was answered has carried it out


@app.command()
def certify(slug: Slug, reason: Reason, user: User = "admin") -> None:
    """Certify an election whose run asks for it; the result is frozen."""
    from election.orchestration.questions import CERTIFY

    _decide(slug, CERTIFY, reason, user)


@app.command()
def refuse(slug: Slug, reason: Reason, user: User = "admin") -> None:
    """Refuse to certify an election whose run asks for it; its run ends without a result."""
    from election.orchestration.questions import REFUSE

    _decide(slug, REFUSE, reason, user)


@app.command()
def recount(slug: Slug, as_json_: Json = False) -> None:
    """Count a certified election's ballots again and keep the verdict; exit status 1 if the result does not stand."""
    from election.reconciliation import record, recount

    platform = native()
    verdict = recount(platform, slug)
    record(platform, slug, verdict)
    if as_json_:
        as_json(asdict(verdict))
    else:
        console.print(f"{verdict.stored:,} ballots stored and {verdict.counted:,} published, counted again.")
        for difference in verdict.differences:
            console.print(f"- {difference}", markup=False)
        stands = "[green]The certified result stands.[/]"
        console.print(stands if verdict.ok else "[bold red]The certified result does not stand.[/]")
    if not verdict.ok:
        raise typer.Exit(1)


def _decide(slug: str, option: str, reason: str, user: str) -> None:
    from election.certification import decision
    from election.orchestration.api import Airflow
    from election.orchestration.questions import answer

    platform = native()
    before = decision(platform, slug)  # also says when there is no such election
    airflow = Airflow(platform.settings, user)
    run_id = answer(airflow, slug, option, reason)
    deadline = time.monotonic() + _PATIENCE
    while (made := decision(platform, slug)) == before:
        _carried_out(airflow, run_id)
        if time.monotonic() > deadline:
            console.print(f"The answer is recorded; the run {run_id} has not carried it out yet. `election status`")
            raise typer.Exit(1)
        time.sleep(_LOOK)  # Airflow has no event to wait for
    console.print(f"{slug} is {made}", markup=False)


def _carried_out(airflow: "Airflow", run_id: str) -> None:
    """Raises ElectionError with the end of its log when the task that was answered has failed."""
    from election.errors import ElectionError
    from election.orchestration.questions import DAG, TASK

    (task,) = [task for task in airflow.tasks(DAG, run_id) if task["task_id"] == TASK]
    if task["state"] == "failed":
        raise ElectionError("\n".join(airflow.log_tail(DAG, run_id, task, 5)))
