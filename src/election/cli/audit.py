"""``election audit``: a risk-limiting audit, rehearsed from the box with the papers to the signed report."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from election.cli.application import app, as_json, console, print_or_write
from election.cli.elections import Json
from election.cli.stages import Slug
from election.platform import Platform, native

if TYPE_CHECKING:
    from election.audit import Progress

audit = typer.Typer(
    no_args_is_help=True,
    help="Rehearse an audit: box, commit, seed, draw, enter, risk, sign-off, report. `status` says what comes next.",
)
app.add_typer(audit, name="audit")

By = Annotated[str, typer.Option("--by", help="the name of the person who does this; it is kept")]
Output = Annotated[Path | None, typer.Option(help="the file to write; otherwise it is printed")]
ContestName = Annotated[str, typer.Option("--contest", help="a contest: its id or name")]


@audit.command()
def box(
    slug: Slug,
    by: By = "the keeper of the boxes",
    flip: Annotated[int, typer.Option(min=0, help="papers for another candidate that are counted for the winner")] = 0,
    swap: Annotated[int, typer.Option(min=0, help="pairs of boxes that stand in each other's place")] = 0,
    lose: Annotated[int, typer.Option(min=0, help="papers that are lost")] = 0,
    contest: ContestName = "",
) -> None:
    """Lay down the papers in boxes, while the poll is open or closed and before the count is over; perhaps with faults.

    Faults are planted in the first contest unless --contest names another one. They are shown after the signature.
    """
    from election.audit import Faults, lay_down

    platform = native()
    faults = Faults(flip, swap, lose, _contest(platform, slug, contest) if contest else None)
    laid = lay_down(platform, slug, by, faults)
    console.print(f"{laid['papers']:,} papers of {slug} lie in {laid['boxes']:,} boxes, and the boxes are closed.")


@audit.command()
def manifest(slug: Slug, output: Output = None) -> None:
    """List the boxes: contest, location and number of papers, as CSV."""
    from election import spreadsheets
    from election.audit.box import manifest as listed
    from election.storage.elections import election

    with native().connect("auditor") as connection:
        boxes, _ = listed(connection, election(connection, slug).election_no)
    columns = ("box", "contest", "location", "papers")
    table = spreadsheets.table(columns, ([one[name] for name in columns] for one in boxes))
    print_or_write(table.encode(), output)


@audit.command()
def commit(
    slug: Slug,
    by: By,
    method: Annotated[str, typer.Option(help="comparison (of each paper with its record) or polling")] = "comparison",
    risk_limit: Annotated[
        float, typer.Option(help="the chance that a wrong outcome is confirmed, such as 0.05")
    ] = 0.05,
) -> None:
    """Begin an audit: commit to the count, the newest head of the log, before the seed is known."""
    from election.audit import commit as begin
    from election.errors import BadInput

    if method not in ("comparison", "polling"):
        raise BadInput(f"The method is comparison or polling, not {method}.")
    made = begin(native(), slug, by, method=method, limit=risk_limit)  # type: ignore[arg-type]
    console.print(
        f"Audit {made.audit_no} of {slug}: committed to {made.log_size:,} entries, root {made.log_root.hex()}.",
        soft_wrap=True,
    )
    console.print(f"Now throw 20 digits in public: `election audit seed {slug} DIGITS --by NAME`.", soft_wrap=True)


@audit.command()
def seed(
    slug: Slug,
    digits: Annotated[str, typer.Argument(help="digits of a ten-sided die, ten from one person at most")],
    by: By,
) -> None:
    """Add digits to the seed, which has 20; two persons at least throw them."""
    from election.audit import type_digits
    from election.audit.drawing import SEED_DIGITS

    there = type_digits(native(), slug, digits, by)
    left = SEED_DIGITS - there
    console.print(f"{there} of {SEED_DIGITS} digits." + ("" if left else f" Now `election audit draw {slug}`."))


@audit.command()
def draw(slug: Slug) -> None:
    """Draw the next round for every contest that needs one."""
    from election.audit import draw_round, progress

    platform = native()
    number = draw_round(platform, slug)
    if number:
        console.print(f"{number:,} draws. `election audit papers {slug}` lists the papers by box and position.")
    else:
        console.print("No contest needs another round.")
        _next(slug, progress(platform, slug))


@audit.command()
def papers(
    slug: Slug,
    by: Annotated[str, typer.Option("--by", help="only papers that this person has not entered")] = "",
    output: Output = None,
) -> None:
    """List the drawn papers that are still to be read, as CSV to fill in: box and position, nothing else."""
    from election.audit import entering

    print_or_write(entering.sheet(entering.papers(native(), slug, by)).encode(), output)


@audit.command()
def look(
    slug: Slug,
    box: Annotated[int, typer.Argument(help="the box")],
    position: Annotated[int, typer.Argument(help="the position in it, from 1")],
) -> None:
    """Take a drawn paper out of its box and read it."""
    from election.audit import entering

    console.print(entering.take_out(native(), slug, box, position))


@audit.command()
def enter(
    slug: Slug,
    by: By,
    file: Annotated[Path | None, typer.Option(help="a filled-in sheet of `election audit papers`")] = None,
    box: Annotated[int, typer.Option(help="the box, for one paper")] = 0,
    position: Annotated[int, typer.Option(help="the position, for one paper")] = 0,
    paper: Annotated[str, typer.Option(help="what it says: a candidate's number or name, invalid or missing")] = "",
) -> None:
    """Enter what you read on papers: a whole sheet (--file) or one (--box, --position, --paper)."""
    from election.audit import entering
    from election.errors import BadInput

    if (file is None) == (not paper):
        raise BadInput("Give a sheet with --file, or one paper with --box, --position and --paper.")
    entries = entering.read_sheet(file) if file else [(box, position, paper)]
    number = entering.enter(native(), slug, entries, by)
    console.print(f"{number:,} papers entered by {by}. Each paper needs two persons who agree.")


@audit.command()
def simulate(
    slug: Slug,
    misread: Annotated[float, typer.Option(help="the share of papers that each reads wrongly, such as 0.01")] = 0.0,
) -> None:
    """Let simulated auditors read every drawn paper: two a paper, and others where they disagree."""
    from election.audit import entering

    console.print(f"{entering.simulate(native(), slug, misread):,} entries by simulated auditors.")


@audit.command()
def risk(slug: Slug) -> None:
    """Compare the papers of the round with the count and show what follows for each contest."""
    from election.audit import assess, progress

    platform = native()
    assess(platform, slug)
    _show(slug, progress(platform, slug))


@audit.command(name="hand-count")
def hand_count(
    slug: Slug,
    contest: ContestName,
    by: By,
    witness: Annotated[str, typer.Option(help="the second person who counts")],
) -> None:
    """Count all papers of a contest by hand, where the audit asks for it."""
    from election.audit import entering, progress

    platform = native()
    entering.count_by_hand(platform, slug, _contest(platform, slug, contest), by, witness)
    _show(slug, progress(platform, slug))


@audit.command()
def status(slug: Slug, as_json_: Json = False) -> None:
    """Show the newest audit, contest by contest, and what comes next."""
    from election.audit import progress

    now = progress(native(), slug)
    if not as_json_:
        _show(slug, now)
        return
    contests = [
        {"contest": one.one.number, "name": one.one.name, "finding": one.finding, "by_hand": one.by_hand}
        | ({"risk": asdict(one.risk)} if one.risk else {})
        for one in now.contests
    ]
    described = asdict(now.audit) | {"log_root": now.audit.log_root.hex()}
    as_json(
        {
            "audit": described, "seed": now.digits, "papers_to_read": now.waiting, "contests": contests,
            "signed_by": now.signed_by, "next": now.follows,
        }
    )  # fmt: skip


@audit.command(name="sign-off")
def sign_off(
    slug: Slug,
    reason: Annotated[str, typer.Option(help="what the audit found, in a sentence; kept with the signature")],
    user: Annotated[str, typer.Option("--user", help="the user who signs, one of ELECTION_CERTIFIERS")] = "admin",
) -> None:
    """Sign an audit that is over; exit status 1 if it found a wrong outcome."""
    from election.audit import sign_off as sign

    platform = native()
    platform.settings.airflow_password(user)  # who signs must hold the login, as for `election certify`
    now = sign(platform, slug, user, reason)
    _show(slug, now)
    if now.wrong:
        raise typer.Exit(1)


@audit.command()
def report(slug: Slug) -> None:
    """Write the report as Markdown, and as JSON everything to compute it again from; prints the file."""
    from election.audit.report import report as write

    typer.echo(write(native(), slug))


@audit.command()
def check(file: Annotated[Path, typer.Argument(help="a report's JSON")]) -> None:
    """Draw again from the seed, take papers from the entries, compute the risks again; exit status 1 if they differ."""
    from election.audit.report import recomputed
    from election.errors import BadInput

    try:
        wrong = recomputed(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{file} is not the JSON of an audit's report: {error!r}") from error
    for one in wrong:
        console.print(one, style="bold red", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    console.print(
        "Every draw follows from the seed, every paper from the entries, and every risk from the papers.",
        style="green",
        soft_wrap=True,
    )


def _contest(platform: Platform, slug: str, wanted: str) -> int:
    from election.audit.audits import contest_number
    from election.storage.elections import election

    with platform.connect("reader") as connection:
        return contest_number(connection, election(connection, slug).election_no, wanted)


def _show(slug: str, now: "Progress") -> None:
    from rich.table import Table

    table = Table("contest", "drawn", "round", "1 over", "2 over", "risk", "finding")
    for one in now.contests:
        found = one.risk
        figures = (
            (f"{found.drawn:,}", str(found.round_no), str(found.one_over), str(found.two_over), f"{found.risk:.2%}")
            if found
            else ("0", "", "", "", "")
        )
        table.add_row(one.one.name, *figures, one.finding)
    console.print(table)
    _next(slug, now)


def _next(slug: str, now: "Progress") -> None:
    if now.signed_by is not None:
        console.print(f"Signed by {now.signed_by}: {now.reason}")
    elif now.follows == "papers":
        console.print(f"{now.waiting:,} papers are to be read: `election audit papers {slug}`, then `enter`.")
    else:
        console.print(f"Next: `election audit {now.follows} {slug}`.")
