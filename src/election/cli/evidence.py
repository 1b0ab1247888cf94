"""Evidence: sealing the log of published ballots, its heads, and proofs from it."""

import signal
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from election.cli.application import app, as_json, console, print_or_write
from election.cli.elections import Json
from election.cli.stages import STAGES, Slug
from election.platform import native


@app.command(rich_help_panel=STAGES)
def seal(
    slug: Slug,
    follow: Annotated[bool, typer.Option("--follow", help="a round each second until the poll is closed")] = False,
) -> None:
    """Append published ballots to the election's log and sign its head; a run does so before it reconciles."""
    from election.evidence import seal as seal_what_is_new

    stop = Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    head = seal_what_is_new(native(), slug, follow=follow, stop=stop, log=console.print)
    if head is None:
        console.print(f"No ballot of {slug} is published yet: its log is empty.")
    else:
        console.print(f"The log of {slug} has {head.size:,} entries. Root: {head.root.hex()}")


@app.command()
def heads(
    slug: Slug,
    as_json_: Json = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="compare log and journal with topics and tables; exit status 1 if they differ"),
    ] = False,
) -> None:
    """List the signed heads of the election's log, the oldest first, and the key that verifies them."""
    from election.evidence.log import heads as every
    from election.storage.elections import election

    platform = native()
    with platform.connect("reader") as connection:
        known = every(connection, election(connection, slug).election_no)
    if check:
        _check(slug)
        return
    if as_json_:
        as_json([asdict(head) | {"root": head.root.hex()} for head in known])
        return
    for head in known:
        console.print(f"{head.sealed_at:%Y-%m-%d %H:%M:%S %Z}  {head.size:>12,}  {head.root.hex()}", soft_wrap=True)
    for key in sorted({head.verifier_key for head in known}):
        console.print(f"Key: {key}", soft_wrap=True)
    if not known:
        console.print(f"{slug} has no log yet. `election seal {slug}` seals what was published.")


def _check(slug: str) -> None:
    from election.evidence.comparing import check_records, compare

    found, records = compare(native(), slug), check_records(native(), slug)
    named = (("is in the log and no longer", found.gone), ("has another content in the log than", found.changed))
    for what, ballots in named:
        for ballot in ballots:
            console.print(f"Ballot {ballot} {what} on votes_topic.", soft_wrap=True)
    for fault in records.found:
        console.print(fault, soft_wrap=True, markup=False)
    if found.differing:
        console.print(f"{found.differing:,} of {found.sealed:,} sealed ballots differ.", style="bold red")
    else:
        console.print(f"All {found.sealed:,} sealed ballots are on votes_topic as they were.", style="green")
    if records.found:
        console.print(
            f"The journal of {records.entries:,} entries has {len(records.found):,} faults.", style="bold red"
        )
    else:
        console.print(f"All {records.entries:,} entries of the journal are as they were.", style="green")
    if found.differing or records.found:
        raise typer.Exit(1)


@app.command()
def cosign(
    slug: Slug,
    key: Annotated[Path, typer.Option(help="the file of your private key; only you may read it")],
    name: Annotated[str, typer.Option(help="the name under which you sign")] = "election/auditor",
    new: Annotated[bool, typer.Option("--new", help="make the key first, in a file that does not exist")] = False,
) -> None:
    """Sign the newest head with a second key, an auditor's, unless the log was rewritten since that key signed."""
    from election.evidence.cosigning import cosign as sign_head
    from election.evidence.cosigning import new_key

    if new:
        new_key(key)
    made = sign_head(native(), slug, key, name)
    console.print(f"Cosigned: the head of {made.head.size:,} entries, root {made.head.root.hex()}", soft_wrap=True)
    console.print(f"Others verify it with: {made.verifier_key}", soft_wrap=True)


@app.command()
def proof(
    slug: Slug,
    ballot: Annotated[str, typer.Option(help="the ballot's id: prove that it is in the log")] = "",
    older: Annotated[int, typer.Option("--from", min=0, help="a head's size: prove that the log only grew")] = 0,
    newer: Annotated[int, typer.Option("--to", min=0, help="the newer head's size; 0 is the last one")] = 0,
    output: Annotated[Path | None, typer.Option(help="the file to write; otherwise it is printed")] = None,
) -> None:
    """Prove that a ballot is in the election's log (--ballot), or that the log only grew since a head (--from)."""
    from election.errors import BadInput
    from election.evidence.proving import prove_ballot, prove_growth

    if bool(ballot) == bool(older):
        raise BadInput("Use one of --ballot ID and --from SIZE.")
    made = prove_ballot(native(), slug, ballot) if ballot else prove_growth(native(), slug, older, newer or None)
    print_or_write(made.encode(), output)


@app.command(name="package")
def make_package(
    slug: Slug,
    output: Annotated[Path | None, typer.Option(help="a folder that does not exist yet")] = None,
) -> None:
    """Write what an outsider needs to check the result, and verify.py, which checks it; prints the folder."""
    from election.evidence.package import package

    typer.echo(package(native(), slug, output))
