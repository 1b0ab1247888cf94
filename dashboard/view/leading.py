"""Who leads, and whether that can change, stated plainly."""

from dashboard.model.lead import Lead
from dashboard.model.result import ContestResult, Result
from dashboard.model.seats import Seats
from dashboard.view.reader import Reader


def kicker(contest: ContestResult) -> str:
    """The line above the leader's name."""
    ended = contest.progress == "complete"
    match contest.lead.verdict:
        case "no votes":
            return "No valid vote" if ended else "No votes yet"
        case "tie":
            return f"Ended in a tie of {len(contest.leaders)}" if ended else f"Tie of {len(contest.leaders)}"
        case "final":
            return "Winner"
        case "unopposed":
            return "The only candidate"
        case "decided":
            return "Ahead, and out of reach"
    return "Leading"


def statement(lead: Lead, turnout: float | None, reader: Reader) -> str:
    """Whether the lead can be overturned, with the figures that say so; ``turnout`` is the expected one, 0 to 1."""
    left = "how many voters have no ballot counted is not known now"
    if lead.most_left is not None:
        left = _many(reader, lead.most_left, "registered voter has", "registered voters have") + " no ballot counted"
    expected = "" if lead.expected_left is None else _expected(lead.expected_left, turnout, reader)
    still = expected and f"{expected}, and "
    this = f"This lead of {reader.number(lead.margin)}"
    if lead.most_left == 0 and lead.verdict == "no votes":
        return "No valid vote was cast."
    if lead.most_left == 0 and lead.verdict == "tie":
        return "The first candidates have equal votes, and no ballot is left; the law of the place decides."
    return {
        "no votes": f"Nothing is decided: {still}{left}.",
        "tie": f"The first candidates have equal votes, and {still}{left}.",
        "final": "The count is over; this lead cannot be overturned.",
        "unopposed": "There is only one candidate: nobody can overturn this lead.",
        "decided": f"{this} cannot be overturned: {left}, fewer than the margin.",
        "likely": f"{this} will probably hold: {expected}, fewer than the margin. It is not certain: {left}.",
        "open": f"{this} can still be overturned: {still}{left}.",
    }[lead.verdict]


def seats_kicker(seats: Seats) -> str:
    """The line above the name of the party with the most seats, or in its place."""
    if seats.winner:
        return "Has won a majority"
    if seats.leader:
        return "Ahead in most seats" if seats.open else "Most seats"
    if seats.parties:
        return "Level in seats"
    return "No votes yet" if seats.open else "No seat is filled"


def seats_lead(seats: Seats, names: dict[str, str], reader: Reader) -> str:
    """Whether the party with the most seats can still lose that place."""
    if seats.leader is None:
        if seats.parties:
            return "No party is ahead of all others." if seats.open else "No party has more seats than all others."
        return "No contest has reported a vote yet." if seats.open else "No contest has a winner."
    name = names[seats.leader.party]
    ahead = _many(reader, seats.margin, "seat", "seats")
    if seats.open == 0:
        return f"{name} has the most seats, {ahead} ahead of the next."
    if seats.overturnable:
        return f"This lead of {ahead} can still be overturned."
    return f"No party can overtake {name} any more."


def seats_statement(seats: Seats, names: dict[str, str], reader: Reader) -> str:
    """Whether a party has its majority, or can still reach it; which seats nobody fills."""
    need = f"A majority is {reader.number(seats.majority)} of {_many(reader, seats.total, 'seat', 'seats')}."
    if seats.winner:
        rest = ", whatever the rest brings" if seats.open else ""
        said = f"{need} {names[seats.winner]} has won it{rest}."
    elif seats.open == 0:
        said = f"{need} No party has it."
    else:
        said = f"{need} No party has won it yet; {_many(reader, seats.open, 'seat is', 'seats are')} open."
    tied = _many(reader, seats.ended_tied, "contest ended in a tie", "contests ended in a tie")
    empty = _many(reader, seats.ended_silent, "contest had no valid vote", "contests had no valid vote")
    reasons = [reason for number, reason in ((seats.ended_tied, tied), (seats.ended_silent, empty)) if number]
    if reasons:
        said += f" {_many(reader, seats.unfilled, 'seat is', 'seats are')} filled by nobody: {' and '.join(reasons)}."
    return said


def ballots_left(result: Result, reader: Reader) -> str:
    """How many ballots are still expected in all contests; nothing where that is not known, or the count is over."""
    if result.expected_left is None or result.complete == len(result.contests):
        return ""
    said = _expected(result.expected_left, result.expected_turnout, reader)
    return f"{said[0].upper()}{said[1:]}, in all contests."


def _expected(ballots: int, turnout: float | None, reader: Reader) -> str:
    number = (
        _many(reader, ballots, "ballot is still", "ballots are still", "about ") if ballots else "no more ballot is"
    )
    return f"{number} expected" + ("" if turnout is None else f" at a turnout of {reader.share(turnout)}")


def _many(reader: Reader, number: int, one: str, more: str, about: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{about}{reader.number(number)} {more}"
