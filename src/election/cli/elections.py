"""Commands about elections: scenarios, results, reconciliation, validation, schemas."""

import hashlib
import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from election.cli.application import app, as_json, console, print_or_write, styled, warn
from election.cli.stages import Slug
from election.errors import StageFailed
from election.platform import native

Json = Annotated[bool, typer.Option("--json", help="print JSON, for other programs")]


@app.command()
def scenarios(as_json_: Json = False) -> None:
    """List the scenarios."""
    from election import scenarios
    from election.settings import Settings

    folder = Settings().scenarios
    found = [scenarios.load(folder, name) for name in scenarios.names(folder)]
    if as_json_:
        as_json(
            [
                {
                    "scenario": s.name,
                    "title": s.title,
                    "kind": s.kind,
                    "polling_day": s.polling_day,
                    "contests": len(s.contests),
                    "candidates": sum(len(c.candidates) for c in s.contests),
                    "registered": sum(c.electorate or 0 for c in s.contests),
                }
                for s in found
            ]
        )
        return
    for s in found:
        figures = f"{len(s.contests):,} contests, {s.registered:,} registered"
        console.print(styled((s.name, "bold")), soft_wrap=True)
        console.print(f"  {s.title}", soft_wrap=True, highlight=False)
        console.print(f"  {s.kind}, polling day {s.polling_day}, {figures}", soft_wrap=True)
    warn(warning for s in found for warning in s.warnings)


@app.command()
def results(slug: Slug, as_json_: Json = False) -> None:
    """Show the certified result, or before that the counted one, contest by contest."""
    from election.cli.result_table import show_results
    from election.results import compared

    found = compared(native(), slug, lambda text: warn([text]))
    if as_json_:
        as_json(found)
    else:
        show_results(found)


class ExportFormat(StrEnum):
    """Forms of ``election export``."""

    NIST_JSON = "nist-json"
    NIST_XML = "nist-xml"


@app.command()
def export(
    slug: Slug,
    export_format: Annotated[ExportFormat, typer.Option("--format", help="NIST SP 1500-100, as JSON or as XML")],
    output: Annotated[Path | None, typer.Option(help="the file to write; otherwise it is printed")] = None,
) -> None:
    """Write the result for other programs. Once certified, the bytes are the same every time.

    Exit status 1 if its SHA-256 is not the one that was recorded after the certification.
    """
    from election.nist import written
    from election.results import checked, nist_report

    report = nist_report(native(), slug)
    made = written(report, "json" if export_format is ExportFormat.NIST_JSON else "xml")
    as_recorded = checked(native(), slug, export_format.value, made) if report.state == "certified" else None
    print_or_write(made, output)
    if output is not None:
        said = ", as recorded" if as_recorded else ""
        console.print(f"{report.status}, SHA-256: {hashlib.sha256(made).hexdigest()}{said}", soft_wrap=True)
    if as_recorded is False:
        raise StageFailed(
            f"The document of {slug} is not the one that was recorded after its certification: see `election results`. "
            "Either its frozen rows were changed: compare them with a backup and with the package. "
            "Or another version of this project writes the document in another way."
        )


@app.command()
def reconcile(slug: Slug, as_json_: Json = False) -> None:
    """Compare tables, ballots, totals and official figures; exit status 1 if they differ."""
    from election.reconciliation import reconcile

    verdict = reconcile(native(), slug)
    if as_json_:
        as_json(asdict(verdict))
    else:
        console.print(
            f"{verdict.registered:,} registered, {verdict.votes} stored, {verdict.published:,} published, "
            f"{verdict.counted:,} counted, {verdict.rejected:,} rejected"
        )
        if verdict.quarantined:
            console.print(f"{verdict.quarantined:,} forged message(s) on votes_topic are quarantined, by a decision.")
        for difference in (*verdict.unasked, *verdict.differences):
            console.print(f"- {difference}")
        if verdict.ok:
            console.print("Everything agrees.", style="green")
        else:
            console.print("It does not reconcile.", style="bold red")
    if not verdict.ok:
        raise typer.Exit(1)


@app.command()
def validate(
    slug: Slug,
    checkpoint: Annotated[
        str,
        typer.Option(help="electorate, casting, count or schedule; default: the last one that the election reached"),
    ] = "",
    as_json_: Json = False,
) -> None:
    """Check the expectations of an election's data; exit status 1 if a critical one fails."""
    from election.quality.validating import reached, validate

    platform = native()
    found = validate(platform, slug, reached(platform, slug, checkpoint), lambda _: None)
    report = platform.settings.data_docs / found.report
    if as_json_:
        as_json(asdict(found) | {"ok": found.ok, "failed": found.failed, "warnings": found.warnings, "path": report})
    else:
        console.print(f"{found} ({found.seconds:.1f} s)", highlight=False)
        for finding in found.findings:
            console.print(f"- {finding}", highlight=False)
        console.print(f"Report: {report}", soft_wrap=True, highlight=False)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def schemas() -> None:
    """Print the JSON Schema of every topic's message."""
    from election.contracts.schemas import json_schemas

    typer.echo(json.dumps(json_schemas(), indent=2, ensure_ascii=False))
