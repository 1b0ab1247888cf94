"""Commands about the native stack: up, down, status, logs, doctor."""

import subprocess
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from election.cli.application import app, as_json, console, styled
from election.errors import StackError
from election.settings import Settings
from election.text import visible

if TYPE_CHECKING:
    from election.casting import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for other programs.")]


@app.command()
def up(
    services: Annotated[list[str] | None, typer.Argument(help="Only these services (default: all).")] = None,
    wait_for_pages: Annotated[bool, typer.Option(help="Also wait for the dashboard and the results feed.")] = True,
    as_json_: AsJson = False,
) -> None:
    """Start the stack and wait until every service answers. Running services are left alone."""
    from election.stack.service import Service
    from election.stack.starting import start
    from election.stack.status import status

    settings = Settings()
    begun = time.monotonic()

    def report(service: Service, seconds: float) -> None:
        if not as_json_:
            console.print(
                styled(("✓", "green"), f" {service.name:<22}{service.purpose:<32}", (f"{seconds:5.1f} s", "dim"))
            )

    started = start(settings, tuple(services or ()), report, wait_for_pages=wait_for_pages)
    if as_json_:
        as_json(status(settings))
    elif started:
        what = "The stack is up" if wait_for_pages else "A run can begin"
        console.print(f"{what} after {time.monotonic() - begun:.0f} s. `election status` shows where everything is.")
    else:
        console.print("The stack was up already.")


@app.command()
def down(
    remove_state: Annotated[
        bool, typer.Option("--remove-state", help="Also remove databases, topics, reports and secrets.")
    ] = False,
) -> None:
    """Stop the stack cleanly, the tally first. Databases, topics and checkpoints stay."""
    from election.stack.stopping import remove, stop

    settings = Settings()
    begun = time.monotonic()
    for line in stop(settings):
        console.print(line)
    if remove_state:
        remove(settings)
    kept = f"{settings.var} is removed" if remove_state else "its state is kept"
    console.print(f"The stack is down after {time.monotonic() - begun:.0f} s; {kept}.", soft_wrap=True)


@app.command()
def status(as_json_: AsJson = False) -> None:
    """Show what runs, what answers, and the addresses."""
    from election.count.summary import lines, summary
    from election.stack.status import status

    settings = Settings()
    answer = status(settings)
    count, polls = summary(settings), _open_polls(settings, answer)
    if as_json_:
        as_json(answer | {"count": count, "polls": [asdict(poll) for poll in polls]})
        return
    table = Table("service", "state", "answers", "process", "address", box=None, header_style="bold")
    for service in answer["services"]:
        answers = Text("yes", "green") if service["ready"] else Text("no", "red")
        table.add_row(service["name"], service["state"], answers, str(service["pid"] or ""), service["url"] or "")
    console.print(table)
    airflow = answer["airflow"]
    for line in (
        "",
        *lines(count),
        f"Dashboard: {answer['dashboard']['url']}",
        f"Results feed, for programs: {answer['results_feed']['url']}",
        f"Airflow: {airflow['url']}, for",
        *(
            f"  {login['username']:<9} may {login['may']}; password in {login['password_file']}"
            for login in airflow["logins"]
        ),
    ):
        console.print(line, soft_wrap=True, highlight=False)
    for poll in polls:
        left = "" if poll.remaining_s is None else f", {timedelta(seconds=round(poll.remaining_s))} left"
        console.print(
            f"Poll of {poll.election}: {poll.done:,} of {poll.total:,} records cast, {poll.rate:,.0f} a second{left}",
            soft_wrap=True,
            highlight=False,
        )


def _open_polls(settings: Settings, answer: dict[str, Any]) -> "list[Progress]":
    from election.casting import open_polls
    from election.platform import native

    ready = {service["name"] for service in answer["services"] if service["ready"]}
    return open_polls(native(settings)) if ready >= {"postgres", "kafka"} else []


@app.command()
def doctor(as_json_: AsJson = False) -> None:
    """Check what the stack needs and say how to fix what is wrong; exit status 1 if something is."""
    from election.stack.doctor import examine

    findings = list(examine(Settings()))
    if as_json_:
        as_json([asdict(finding) for finding in findings])
    else:
        signs = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", "red")}
        for finding in findings:
            line = styled(signs[finding.ok], " ", (finding.subject, "bold"), f"  {finding.detail}")
            console.print(line, soft_wrap=True)
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(1)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="A service; without it, lists the logs.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Follow the log as it grows.")] = False,
) -> None:
    """Show a service's log."""
    folder = Settings().var / "logs"
    known = sorted(path.stem for path in folder.glob("*.log"))
    if service is None:
        for name in known:
            console.print(styled(f"{name}  ", (f"{folder / name}.log", "dim")), soft_wrap=True)
        return
    if service not in known:
        raise StackError(f"There is no log of {service!r}. There are: {', '.join(known) or 'none yet'}.")
    arguments = ["tail", "-n", str(lines), *(["-F"] if follow else []), str(Path(folder, f"{service}.log"))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, errors="backslashreplace") as tail:
        try:
            for line in tail.stdout or ():
                typer.echo(visible(line), nl=False)
        except KeyboardInterrupt:  # how --follow ends
            tail.terminate()
