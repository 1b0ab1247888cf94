"""The result as a terminal shows it."""

from typing import Any

from rich.table import Table
from rich.text import Text

from election.cli.application import console, styled

# A whole country does not fit a terminal; the command says how to see all contests.
_CONTESTS_SHOWN = 3


def show_results(found: dict[str, Any]) -> None:
    """Prints the totals, and the candidates of the first contests with the official figures where there are any."""
    ballots = found["valid"] + found["invalid"]
    turnout = ballots / found["entitled"] if found["entitled"] else 0
    console.print(styled((found["name"], "bold"), f" · {found['election']} · {found['status']}"))
    console.print(
        f"{found['registered']:,} registered, {ballots:,} ballots (turnout {turnout:.2%}): "
        f"{found['valid']:,} valid, {found['invalid']:,} invalid; {found['abstained']:,} abstained"
    )
    if made := found["decision"]:
        console.print(
            f"{made['decision'].capitalize()} by {made['decided_by']} at {made['decided_at'][:19]}: {made['reason']}"
        )
    for form, digest in found["documents"].items():
        console.print(f"SHA-256 of {form}: {digest}", soft_wrap=True, highlight=False)
    if found["seats"]:
        seats = ", ".join(f"{party} {number}" for party, number in found["seats"].items())
        console.print(f"Seats: {seats}")
    if before := found.get("before"):
        console.print(_against(before), soft_wrap=True, highlight=False, markup=False)
    for contest in found["contests"][:_CONTESTS_SHOWN]:
        console.print(_contest(contest))
        console.print(_elected(contest))
    hidden = len(found["contests"]) - _CONTESTS_SHOWN
    if hidden > 0:
        console.print(f"… and {hidden} more contests: `election results {found['election']} --json`")


def _against(before: dict[str, Any]) -> str:
    """A line: seats more and fewer by party, swing and turnout against the election before."""
    seats = ", ".join(f"{party} {number:+}" for party, number in before["net"].items()) or "no seat has changed"
    swing, turnout = before["swing"], before["turnout"]
    said = [f"Against {before['title']}: {seats}"]
    if swing is not None:
        said.append(f"swing of {swing['points']:.2f} points from {swing['of']} to {swing['to']}")
    if turnout is not None:
        said.append(f"turnout {turnout:+.2f} points")
    return "; ".join(said)


def _contest(contest: dict[str, Any]) -> Table:
    replay = contest["official_valid"] is not None
    table = Table(title=Text(f"{contest['name']} ({contest['contest']})"), title_justify="left")
    table.add_column("Candidate")
    table.add_column("Party")
    for heading in ("Votes", "Share", *(("Official",) if replay else ())):
        table.add_column(heading, justify="right")
    for candidate in contest["standings"]:
        share = candidate["votes"] / contest["valid"] if contest["valid"] else 0
        row: list[Text | str] = [Text(candidate["name"]), Text(", ".join(candidate["parties"]))]
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


def _elected(contest: dict[str, Any]) -> str:
    """A sentence: who is elected and how, or why the seat is vacant."""
    if seats := contest.get("seats_of"):
        return f"Seats: {', '.join(f'{name} {number}' for name, number in seats.items())}"
    if contest.get("unseated"):
        return f"Won by {', '.join(contest['unseated'])}, without a seat: the party's seats do not cover it."
    if contest["elected"]:
        how = {"votes": "Elected", "unopposed": "Elected unopposed", "lot": "Elected by lot"}[contest["how"]]
        return f"{how}: {', '.join(contest['elected'])}"
    if contest["tied"]:
        return f"Tie of {' and '.join(contest['tied'])}: the seat is vacant until a lot is drawn and recorded."
    return "No list has a seat." if contest["kind"] == "lists" else "The seat is vacant."


def _official(counted: int, official: int) -> Text:
    return Text(
        f"{official:,} {'✓' if counted == official else '✗'}", style="green" if counted == official else "bold red"
    )
