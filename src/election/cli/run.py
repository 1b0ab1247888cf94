"""Starts an election run in Airflow and follows it to its result."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from election.cli import options
from election.cli.application import app, as_json, console, styled, warn
from election.parameters import Run
from election.platform import Platform, native

if TYPE_CHECKING:
    from election.clients.airflow import Airflow

Json = Annotated[bool, typer.Option("--json", help="print JSON, for other programs")]

_DAG, _PATIENCE = "election_run", 150
_CERTIFIES = "Every gate passed, and this run was started to certify then."


@app.command()
@options.describing(Run)
def run(
    described: Run,
    certify: Annotated[bool, typer.Option(help="certify after the gates; otherwise a person decides")] = True,
    follow: Annotated[bool, typer.Option(help="follow the stages and show the result")] = True,
    as_json_: Json = False,
) -> None:
    """Run an election through Airflow; exit status 0 only if everything reconciled and the result is certified."""
    from election.cli.follow import follow_run
    from election.clients.airflow import Airflow
    from election.preparation.registration import checked
    from election.preparation.room import require_room

    wanted, platform = described.named(), native()
    airflow = Airflow(platform.settings)
    # As in the run: bad input is refused before anything starts.
    scenario = checked(platform, wanted)
    require_room(platform.settings, scenario)
    warn(scenario.warnings)
    _require_unused(platform, wanted.slug)
    if wanted.auto_certify:
        _require_decider(platform, airflow.user)
    _wait_until_offered(airflow, wanted.scenario)
    airflow.trigger(_DAG, wanted.slug, wanted.model_dump(mode="json"))
    if not follow:
        as_json({"election": wanted.slug}) if as_json_ else typer.echo(wanted.slug)
        return
    url = f"{platform.settings.airflow_page}/dags/election_run/runs/{wanted.slug}"
    console.print(styled("Election ", (wanted.slug, "bold"), f" runs: {url}"), soft_wrap=True)
    succeeded = follow_run(airflow, wanted.slug, _CERTIFIES if certify else None)
    _report(platform, wanted.slug, succeeded)


def _require_unused(platform: Platform, slug: str) -> None:
    """Raises BadInput if the slug belongs to another run: this one would only report that run's result."""
    from psycopg.errors import UndefinedTable

    from election.errors import BadInput, UnknownElection
    from election.storage.elections import election

    try:
        with platform.connect("reader") as connection:
            poll = election(connection, slug)
    except (UnknownElection, UndefinedTable):  # a new platform has no tables yet
        return
    raise BadInput(
        f"There is an election {slug!r} already ({poll.state}). Choose another slug; to run that one again, clear its "
        "run in Airflow."
    )


def _require_decider(platform: Platform, user: str) -> None:
    from election.storage.deciders import deciders, require_decider

    with platform.connect("reader") as connection:
        # The first run of a new platform makes the table, from the setting.
        require_decider(user, deciders(connection) or platform.settings.certifier_names)


def _wait_until_offered(airflow: "Airflow", scenario: str) -> None:
    """Waits until Airflow's form offers a scenario whose folder was just added."""
    from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

    from election.errors import ElectionError

    if scenario in airflow.offered(_DAG, "scenario"):
        return
    warn([f"Airflow does not offer the scenario {scenario} yet. Waiting until it has read the folder."])
    airflow.read_again(_DAG)
    try:
        Retrying(retry=retry_if_result(lambda there: not there), stop=stop_after_delay(_PATIENCE), wait=wait_fixed(1))(
            lambda: scenario in airflow.offered(_DAG, "scenario")
        )
    except RetryError:
        raise ElectionError(
            f"Airflow does not offer the scenario {scenario} after {_PATIENCE} seconds. "
            "`election logs airflow-dag-processor` says why; then start the run again."
        ) from None


def _report(platform: Platform, slug: str, succeeded: bool) -> None:
    from election.cli.result_table import show_results
    from election.errors import UnknownElection
    from election.reconciliation import reconcile
    from election.results import compared

    try:
        found = compared(platform, slug, lambda text: warn([text]))
    except UnknownElection:
        raise typer.Exit(1) from None
    console.print()
    show_results(found)
    verdict = reconcile(platform, slug)
    for difference in verdict.differences[:10]:
        console.print(f"- {difference}", style="red")
    console.print(
        styled(
            f"Reconciliation: {verdict.votes} stored, {verdict.counted:,} counted, {verdict.rejected:,} "
            "records rejected: ",
            ("everything agrees", "bold green") if verdict.ok else ("it does not agree", "bold red"),
        )
    )
    show_pages(platform, slug)
    if not (succeeded and verdict.ok):
        raise typer.Exit(1)


def show_pages(platform: Platform, slug: str) -> None:
    """Prints the addresses of the pages and the logins."""
    s = platform.settings
    rows: list[tuple[str, Any]] = [
        ("Results", f"{s.dashboard_page}/?election={slug}"),
        ("Airflow", f"{s.airflow_page}/dags/election_run/runs/{slug}"),
        ("  login", f"operator, password in {s.shown_secret_file('airflow_operator')}"),
        ("Spark", s.spark_page),
        ("Streaming job", s.spark_driver_page),
    ]
    for name, where in rows:
        console.print(f"{name:<15}{where}", soft_wrap=True, highlight=False)
