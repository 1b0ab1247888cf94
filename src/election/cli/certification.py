"""Certification: answering the run that waits for a decision, and the recount."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from election.cli.application import app, as_json, console
from election.cli.elections import Json
from election.cli.stages import Slug
from election.platform import native

if TYPE_CHECKING:
    from election.clients.airflow import Airflow

Reason = Annotated[str, typer.Option(help="the reason, kept with the decision")]
User = Annotated[str, typer.Option("--user", help="the Airflow user who answers, one of ELECTION_CERTIFIERS")]
_PATIENCE, _LOOK = 120, 0.5  # seconds: how long to wait until the run has carried out the answer, and between checks


@app.command()
def certify(slug: Slug, reason: Reason, user: User = "admin") -> None:
    """Certify an election whose run waits for a decision; freezes the result."""
    from election.orchestration.questions import CERTIFY

    _decide(slug, CERTIFY, reason, user)


@app.command()
def refuse(slug: Slug, reason: Reason, user: User = "admin") -> None:
    """Refuse to certify an election whose run waits for a decision; the run ends without a result."""
    from election.orchestration.questions import REFUSE

    _decide(slug, REFUSE, reason, user)


@app.command()
def lot(
    slug: Slug,
    elected: Annotated[list[str], typer.Option(help="who was drawn: a candidate's name or number; may be repeated")],
    reason: Reason,
    contest: Annotated[
        str, typer.Option(help="the contest that ended in a tie: its id or name; without it: parties")
    ] = "",
    user: User = "admin",
) -> None:
    """Record the lot that settled a tie. Reconcile again before you certify."""
    from election.certification import record_lot

    platform = native()
    platform.settings.airflow_password(user)  # who decides must hold the login, as for `election certify`
    record_lot(platform, slug, contest, elected, user, reason)
    console.print(
        f"The lot is recorded. Now clear reconciliation.reconcile in the run of {slug}: "
        "the next verdict says who is elected.",
        markup=False,
    )


@app.command()
def recount(slug: Slug, as_json_: Json = False) -> None:
    """Count a certified election's ballots again and keep the verdict; exit status 1 if the result does not stand."""
    from election.evidence import seal
    from election.reconciliation import record, recount
    from election.results import record_documents

    platform = native()
    verdict = recount(platform, slug)
    record(platform, slug, verdict)
    record_documents(platform, slug)
    seal(platform, slug)
    if as_json_:
        as_json(asdict(verdict))
    else:
        console.print(f"{verdict.votes} stored and {verdict.counted:,} published, counted again.")
        for difference in verdict.differences:
            console.print(f"- {difference}")
        if verdict.ok:
            console.print("The certified result stands.", style="green")
        else:
            console.print("The certified result does not stand.", style="bold red")
    if not verdict.ok:
        raise typer.Exit(1)


def _decide(slug: str, option: str, reason: str, user: str) -> None:
    """Answers; exit status 0 only if this very answer is the newest decision on the election."""
    from election.certification import decision
    from election.clients.airflow import Airflow
    from election.errors import ElectionError
    from election.orchestration.questions import DECIDES, answer

    platform = native()
    before = decision(platform, slug)  # raises UnknownElection
    if before is not None and before.decision == "certified":
        raise ElectionError(f"{slug} was {before}. Nothing was decided now.")
    airflow = Airflow(platform.settings, user)
    run_id = answer(airflow, slug, option, reason)
    deadline = time.monotonic() + _PATIENCE
    while (made := decision(platform, slug)) in (before, None):
        _carried_out(airflow, run_id)
        if time.monotonic() > deadline:
            console.print(f"The answer is recorded; the run {run_id} has not carried it out yet. `election status`")
            raise typer.Exit(1)
        time.sleep(_LOOK)  # Airflow has no event to wait for
    assert made is not None
    if (made.decision, made.decided_by, made.reason) != (DECIDES[option], user, reason.strip()):
        raise ElectionError(f"{slug} was {made}. Another answer came at the same moment; this one decided nothing.")
    console.print(f"{slug} is {made}")


def _carried_out(airflow: "Airflow", run_id: str) -> None:
    """Raises ElectionError with the end of its log when the task that was answered has failed."""
    from election.errors import ElectionError
    from election.orchestration.questions import DAG, TASK

    (task,) = [task for task in airflow.tasks(DAG, run_id) if task["task_id"] == TASK]
    if task["state"] == "failed":
        raise ElectionError("\n".join(airflow.log_tail(DAG, run_id, task, 5)))
