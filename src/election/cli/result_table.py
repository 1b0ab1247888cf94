"""The result as a terminal shows it."""

from typing import Any

from rich.table import Table
from rich.text import Text

from election.cli.application import console

# A whole country's contests do not fit a terminal; the command names where to read them.
_CONTESTS_SHOWN = 3


def show_results(found: dict[str, Any]) -> None:
    """Prints the totals, and the candidates of the first contests with the official figures where there are any."""
    ballots = found["valid"] + found["invalid"]
    turnout = ballots / found["registered"] if found["registered"] else 0
    console.print(
        f"[bold]{found['name']}[/] · {found['election']} · {found['status']}\n"
        f"{found['registered']:,} registered, {ballots:,} ballots (turnout {turnout:.2%}): "
        f"{found['valid']:,} valid, {found['invalid']:,} invalid; {found['abstained']:,} abstained"
    )
    if made := found["decision"]:
        console.print(
            f"{made['decision'].capitalize()} by {made['decided_by']} at {made['decided_at'][:19]}: {made['reason']}",
            markup=False,
        )
    for contest in found["contests"][:_CONTESTS_SHOWN]:
        console.print(_contest(contest))
    hidden = len(found["contests"]) - _CONTESTS_SHOWN
    if hidden > 0:
        console.print(f"… and {hidden} more contests: `election results {found['election']} --json`")


def _contest(contest: dict[str, Any]) -> Table:
    replay = contest["official_valid"] is not None
    table = Table(title=Text(f"{contest['name']} ({contest['contest']})"), title_justify="left")
    table.add_column("Candidate")
    table.add_column("Party")
    for heading in ("Votes", "Share", *(("Official",) if replay else ())):
        table.add_column(heading, justify="right")
    for candidate in contest["candidates"]:
        share = candidate["votes"] / contest["valid"] if contest["valid"] else 0
        row: list[Text | str] = [Text(candidate["name"]), Text(candidate["party"])]
        row += [f"{candidate['votes']:,}", f"{share:.1%}"]
        table.add_row(*row, *([_official(candidate["votes"], candidate["official"])] if replay else []))
    table.add_section()
    table.add_row(
        "Invalid",
        "",
        f"{contest['invalid']:,}",
        "",
        *([_official(contest["invalid"], contest["official_invalid"])] if replay else []),
    )
    return table


def _official(counted: int, official: int) -> Text:
    return Text(
        f"{official:,} {'✓' if counted == official else '✗'}", style="green" if counted == official else "bold red"
    )
