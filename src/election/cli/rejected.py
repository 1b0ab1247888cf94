"""Records that casting or the count could not use, and ballots put back on their way."""

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

if TYPE_CHECKING:
    from election.contracts.messages import RejectedRecord

Json = Annotated[bool, typer.Option("--json", help="every record, its bytes in base64")]


@app.command()
def rejected(
    slug: Slug,
    replay: Annotated[
        bool, typer.Option("--replay", help="after a fix: take in those that can be used now; not once certified")
    ] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="how many to list, without --json")] = 20,
    as_json_: Json = False,
) -> None:
    """Count and list an election's rejected records by reason; --replay puts usable ones back."""
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
        return
    reasons: Counter[str] = Counter()
    listed: list[RejectedRecord] = []
    for record in rejected(platform, number):
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
        console.print(table, markup=False)


def stream(answer: dict[str, Any], records: "Iterable[RejectedRecord]") -> None:
    """Prints a JSON object with a record a line, as they come: memory holds one. What counts them comes last."""
    reasons: Counter[str] = Counter()
    typer.echo(json.dumps(answer, ensure_ascii=False)[:-1] + ', "records": [', nl=False)
    for record in records:
        typer.echo(("," if reasons else "") + "\n" + msgspec.json.encode(record).decode(), nl=False)
        reasons[record.reason] += 1
    typer.echo(f'\n], "rejected": {reasons.total()}, "reasons": {json.dumps(dict(reasons.most_common()))}}}')


@app.command()
def republish(slug: Slug) -> None:
    """Publish an election's stored votes from the database again; the count does not change."""
    from election.casting import republish

    republish(native(), slug, console.print)
