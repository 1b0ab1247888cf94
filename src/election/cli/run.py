"""Starts an election run in Airflow and follows it to its result."""

from typing import Annotated, Any

import typer

from election.cli.application import app, as_json, console
from election.platform import Platform, native

Json = Annotated[bool, typer.Option("--json", help="for other programs to read")]


@app.command()
def run(
    scenario: Annotated[str, typer.Option(help="a folder under scenarios/")] = "uk-general-election-2019",
    slug: Annotated[str, typer.Option(help="the election's name; default: scenario and time")] = "",
    contests: Annotated[str, typer.Option(help="ids or names of contests, with commas; default: all")] = "",
    region: Annotated[str, typer.Option(help="only this region or country")] = "",
    source: Annotated[str, typer.Option(help="offline or randomuser")] = "offline",
    nationality: Annotated[str, typer.Option(help="of randomuser people")] = "gb",
    voters: Annotated[int | None, typer.Option(help="registered voters; simulated scenarios only", min=1)] = None,
    turnout: Annotated[float | None, typer.Option(help="share of voters, such as 0.65; simulated only")] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same election")] = 2019,
    ballots: Annotated[str, typer.Option(help="simulated, or external: a feed brings them")] = "simulated",
    night: Annotated[str, typer.Option(help="replay the night of the declarations in this time, such as 10m")] = "",
    rate: Annotated[float, typer.Option(help="votes a second; 0: as fast as it goes", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="casting workers", min=1, max=8)] = 2,
    follow: Annotated[bool, typer.Option(help="follow the stages and show the result")] = True,
    as_json_: Json = False,
) -> None:
    """Run an election through Airflow; exit status 0 only if everything reconciled."""
    from dataclasses import asdict

    from election.cli.follow import follow_run
    from election.orchestration.api import Airflow
    from election.preparation import Registration
    from election.preparation.registration import checked

    registration = Registration(
        scenario,
        slug,
        tuple(part.strip() for part in contests.split(",") if part.strip()),
        region or None,
        source,  # type: ignore[arg-type]
        nationality,
        voters,
        turnout,
        seed,
        ballots,  # type: ignore[arg-type]
        night or None,
    ).named()
    platform = native()
    # The same check as in the run, so that bad input is refused before anything starts.
    checked(platform, registration, rate)
    conf = asdict(registration) | {"contests": list(registration.contests), "rate": rate, "workers": workers}
    airflow = Airflow(platform.settings)
    airflow.trigger("election_run", registration.slug, conf)
    if not follow:
        as_json({"election": registration.slug}) if as_json_ else typer.echo(registration.slug)
        return
    url = f"{platform.settings.airflow_url}/dags/election_run/runs/{registration.slug}"
    console.print(f"Election [bold]{registration.slug}[/] runs: {url}", soft_wrap=True)
    succeeded = follow_run(airflow, platform, registration.slug)
    _report(platform, registration.slug, succeeded)


def _report(platform: Platform, slug: str, succeeded: bool) -> None:
    from election.cli.result_table import show_results
    from election.errors import UnknownElection
    from election.reconciliation import reconcile
    from election.results import results

    try:
        found = results(platform, slug)
    except UnknownElection:
        raise typer.Exit(1) from None
    console.print()
    show_results(found)
    verdict = reconcile(platform, slug)
    for difference in verdict.differences[:10]:
        console.print(f"- {difference}", markup=False, style="red")
    console.print(
        f"Reconciliation: {verdict.stored:,} ballots stored, {verdict.counted:,} counted, {verdict.rejected:,} records "
        f"rejected: {'[bold green]everything agrees[/]' if verdict.ok else '[bold red]it does not agree[/]'}"
    )
    show_pages(platform, slug)
    if not (succeeded and verdict.ok):
        raise typer.Exit(1)


def show_pages(platform: Platform, slug: str) -> None:
    """Prints where to look on, and how to log in."""
    s = platform.settings
    rows: list[tuple[str, Any]] = [
        ("Results", f"{s.dashboard_url}/?election={slug}"),
        ("Airflow", f"{s.airflow_url}/dags/election_run/runs/{slug}"),
        ("  login", f"admin, password in {s.secret_file('airflow_admin')}"),
        ("Spark", f"http://{s.spark_host}:{s.spark_master_ui_port}"),
        ("Streaming job", f"http://{s.spark_host}:{s.spark_driver_ui_port}"),
    ]
    for name, where in rows:
        console.print(f"{name:<15}{where}", soft_wrap=True, highlight=False)
