"""Rejected records: listing and replaying them; republishing stored votes."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.table import Table

from election.cli.application import app, console
from election.cli.stages import Slug
from election.platform import native
from election.text import in_json

if TYPE_CHECKING:
    from election.contracts.messages import RejectedRecord

Json = Annotated[bool, typer.Option("--json", help="every record, its bytes in base64")]


@app.command()
def rejected(
    slug: Slug,
    replay: Annotated[
        bool, typer.Option("--replay", help="after a fix: accept those that are usable now; not after certification")
    ] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="how many to list, without --json")] = 20,
    as_json_: Json = False,
) -> None:
    """Count and list an election's rejected records by reason; --replay accepts those that are usable now.

    Exit status 1 if --replay could use none of them.
    """
    from election.casting import replay as replay_rejected
    from election.messaging.rejected import rejected
    from election.storage.elections import election

    platform = native()
    answer: dict[str, Any] = {"election": slug}
    if replay:
        done = replay_rejected(platform, slug, lambda line: None if as_json_ else console.print(line))
        answer["replayed"] = asdict(done)
    with platform.connect("reader") as connection:
        number = election(connection, slug).election_no
    if as_json_:
        stream(answer, rejected(platform, number))
    else:
        _listed(slug, rejected(platform, number), limit)
    if replay and not done.accepted:
        raise typer.Exit(1)


def _listed(slug: str, records: "Iterable[RejectedRecord]", limit: int) -> None:
    reasons: Counter[str] = Counter()
    listed: list[RejectedRecord] = []
    for record in records:
        reasons[record.reason] += 1
        if len(listed) < limit:
            listed.append(record)
    console.print(f"{reasons.total():,} records of {slug} are rejected.")
    for reason, number in reasons.most_common():
        console.print(f"{number:>12,}  {reason}", highlight=False)
    if listed:
        table = Table("Origin", "Reason", "Detail", "Rejected")
        for record in listed:
            at = datetime.fromtimestamp(record.rejected_at / 1000, UTC)
            table.add_row(
                f"{record.topic}/{record.partition}/{record.offset}",
                record.reason,
                record.detail,
                f"{at:%Y-%m-%d %H:%M:%S} UTC",
            )
        console.print(table)


def stream(answer: dict[str, Any], records: "Iterable[RejectedRecord]") -> None:
    """Prints a JSON object with one record per line; memory holds one. The counts come last."""
    reasons: Counter[str] = Counter()
    typer.echo(in_json(json.dumps(answer, ensure_ascii=False))[:-1] + ', "records": [', nl=False)
    for record in records:
        typer.echo(("," if reasons else "") + "\n" + in_json(msgspec.json.encode(record).decode()), nl=False)
        reasons[record.reason] += 1
    typer.echo(f'\n], "rejected": {reasons.total()}, "reasons": {json.dumps(dict(reasons.most_common()))}}}')


@app.command()
def republish(slug: Slug) -> None:
    """Publish an election's stored votes from the database again; totals do not change.

    Exit status 1 if none are stored.
    """
    from election.casting import republish

    if not republish(native(), slug, console.print):
        raise typer.Exit(1)
