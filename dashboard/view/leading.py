"""Who leads, and whether that can change, stated plainly."""

from dashboard.model.lead import Lead
from dashboard.model.result import ContestResult
from dashboard.model.seats import Seats
from dashboard.view.reader import Reader


def kicker(contest: ContestResult) -> str:
    """The line above the leader's name."""
    match contest.lead.verdict:
        case "no votes":
            return "No votes yet"
        case "tie":
            return f"Tie of {len(contest.leaders)}" if not contest.over else f"Ended in a tie of {len(contest.leaders)}"
        case "final":
            return "Winner"
        case "decided":
            return "Ahead, and out of reach"
    return "Leading"


def statement(lead: Lead, reader: Reader) -> str:
    """Whether the lead can be overturned, with the figures that say so."""
    margin, most, expected = (reader.number(n) for n in (lead.margin, lead.most_left, lead.expected_left))
    left = f"{most} registered voters have no ballot counted"
    if lead.most_left is None:
        left = "how many voters have no ballot counted is not known now"
    still = f"about {expected} ballots are still expected, and " if lead.expected_left is not None else ""
    if lead.verdict == "tie":
        rest = "no ballot is left; the law of the place decides" if lead.most_left == 0 else left
        return f"The first candidates have equal votes, and {rest}."
    return {
        "no votes": f"Nothing is decided: {left}.",
        "final": "The count is over; this lead cannot be overturned.",
        "decided": f"This lead of {margin} cannot be overturned: {left}, fewer than the margin.",
        "likely": f"This lead of {margin} is larger than the {expected} ballots still expected, "
        f"so it will probably hold. It is not certain: {left}.",
        "open": f"This lead of {margin} can still be overturned: {still}{left}.",
    }[lead.verdict]


def seats_lead(seats: Seats, names: dict[str, str], reader: Reader) -> str:
    """Whether the party with the most seats can still lose that place."""
    if seats.leader is None and seats.open:
        return "No party is ahead of all others." if seats.parties else "No contest has reported a vote yet."
    if seats.leader is None or seats.open == 0:
        return ""
    if seats.overturnable:
        return f"This lead of {reader.number(seats.margin)} seats can still be overturned."
    return f"No party can overtake {names[seats.leader.party]} any more."


def seats_statement(seats: Seats, names: dict[str, str], reader: Reader) -> str:
    """Whether a party has its majority, or can still reach it."""
    need = f"A majority is {reader.number(seats.majority)} of {reader.number(seats.total)} seats."
    if seats.winner:
        rest = ", whatever the rest brings" if seats.open else ""
        return f"{need} {names[seats.winner]} has won it{rest}."
    if seats.open == 0:
        return f"{need} No party has it."
    return f"{need} No party has won it yet; {reader.number(seats.open)} seats are open."
