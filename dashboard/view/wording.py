"""Sentences: who leads, and whether that can change."""

from dashboard.view.reader import Reader
from election.live.result import ContestResult, Result
from election.outcome import Lead, Outcome, Seats

HOWS = {"votes": "elected", "unopposed": "elected unopposed", "lot": "elected by lot"}


def seated(outcome: Outcome) -> dict[int, str]:
    """How each elected contender got their seats, and who won without one; by the number of the first line."""
    found = {
        one.contender.number: many_seats(one.seats) if one.seats > 1 or outcome.race.kind == "lists" else HOWS[one.how]
        for one in outcome.elected
    }
    if outcome.given is not None and outcome.over:
        found |= {one.contender.number: "won, without a seat" for one in outcome.given.unseated}
    return found


def many_seats(seats: int) -> str:
    return "1 seat" if seats == 1 else f"{seats} seats"


def kicker(contest: ContestResult) -> str:
    """The line above the leader's name."""
    ended, outcome = contest.progress == "complete", contest.outcome
    if outcome.given is not None:
        what = "first preferences" if outcome.race.kind == "ranking" else "votes"
        return (f"Most {what}" if ended else f"Most {what} so far") if outcome.first else "No votes yet"
    if outcome.elected:
        how = outcome.elected[0].how
        return "Winner" if how == "votes" else HOWS[how].capitalize()
    if ended:
        return _ended(contest)
    match contest.lead.verdict:
        case "tie":
            return f"Tie of {len(contest.leaders)}"
        case state:
            return {
                "no votes": "No votes yet",
                "only": "The only candidate",
                "decided": "Ahead, and out of reach",
            }.get(state, "Leading")


def _ended(contest: ContestResult) -> str:
    if contest.outcome.kept_vacant:
        return "The seat stays vacant"
    return f"Ended in a tie of {len(contest.leaders)}" if contest.leaders else "No valid vote"


def contest_statement(contest: ContestResult, reader: Reader) -> str:
    """How the contest stands or ended, in words."""
    outcome = contest.outcome
    if outcome.race.unopposed:
        return "Elected unopposed: there is no other candidate, so no poll is held."
    if outcome.given is not None:
        return _by_the_rules(outcome, reader)
    if outcome.tie:
        return _tied(outcome, reader)
    if outcome.over and outcome.kept_vacant:
        return "This line has the most votes and is not a candidate: the seat stays vacant."
    return statement(contest.lead, contest.expected_turnout, reader)


def _by_the_rules(outcome: Outcome, reader: Reader) -> str:
    """Who has the seats of a contest whose rules are not those of one seat for the most votes."""
    given = outcome.given
    assert given is not None
    if given.ties:
        return "A tie awaits its lot: the seat is empty until it is drawn and recorded." if outcome.over else ""
    if given.unseated:
        party = given.unseated[0].contender.party
        said = f"Won the constituency, and gets no seat: the seats of {party} in {outcome.race.region} do not cover it."
    elif not given.elected:
        said = "No list gets a seat here." if outcome.race.kind == "lists" else "No vote decides a seat yet."
    elif outcome.race.kind == "lists" or any(one.seats > 1 for one in given.elected):
        seats = (
            f"{one.contender.name} {reader.number(one.seats)}{one.district and f' in {one.district}'}"
            for one in given.elected
        )
        said = f"Seats: {', '.join(seats)}."
    else:
        said = f"Elected: {', '.join(one.contender.name for one in given.elected)}."
    return said if outcome.over else f"If the count ended now: {said}"


def _tied(outcome: Outcome, reader: Reader) -> str:
    votes = many(reader, outcome.tie[0].votes, "vote", "votes")
    equal = f"{len(outcome.tie)} candidates have {votes} each, and no ballot is left"
    if not outcome.elected:
        return f"{equal}: the seat is empty until a lot is drawn and recorded."
    names = " and ".join(standing.contender.name for standing in outcome.tie)
    return f"{equal}. The lot between {names} fell on {outcome.elected[0].contender.name}."


def statement(lead: Lead, turnout: float | None, reader: Reader) -> str:
    """Whether the lead can be overturned, with the figures that say so; ``turnout`` is the expected one, 0 to 1."""
    left = "the number of voters without a counted ballot is unknown"
    if lead.most_left is not None:
        left = many(reader, lead.most_left, "registered voter has", "registered voters have") + " no ballot counted"
    expected = "" if lead.expected_left is None else _expected(lead.expected_left, turnout, reader)
    still = expected and f"{expected}, and "
    this = f"This lead of {reader.number(lead.margin)}"
    if lead.most_left == 0 and lead.verdict == "no votes":
        return "No valid vote was cast."
    return {
        "no votes": f"Nothing is decided: {still}{left}.",
        "tie": f"The first candidates have equal votes, and {still}{left}.",
        "final": "The count is over; this lead cannot be overturned.",
        "only": "There is only one candidate: this lead cannot be overturned.",
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
    ahead = many(reader, seats.margin, "seat", "seats")
    if seats.open == 0:
        return f"{name} has the most seats, {ahead} ahead of the next."
    if seats.overturnable:
        return f"This lead of {ahead} can still be overturned."
    return f"No party can overtake {name} any more."


def seats_statement(seats: Seats, names: dict[str, str], reader: Reader) -> str:
    """Whether a party has its majority, or can still reach it; which seats stay vacant."""
    need = f"A majority is {reader.number(seats.majority)} of {many(reader, seats.total, 'seat', 'seats')}."
    if seats.winner:
        rest = ", whatever the rest brings" if seats.open else ""
        said = f"{need} {names[seats.winner]} has won it{rest}."
    elif seats.open == 0:
        said = f"{need} No party has it."
    else:
        said = f"{need} No party has won it yet; {many(reader, seats.open, 'seat is', 'seats are')} open."
    tied = many(reader, seats.ended_tied, "contest ended in a tie", "contests ended in a tie")
    empty = many(reader, seats.ended_silent, "contest had no valid vote", "contests had no valid vote")
    vacant = many(
        reader, seats.vacant, "was won by a line that is not a candidate", "were won by lines that are not candidates"
    )
    said_of = ((seats.ended_tied, tied), (seats.ended_silent, empty), (seats.vacant, vacant))
    reasons = [reason for number, reason in said_of if number]
    if reasons:
        said += f" {many(reader, seats.unfilled, 'seat stays', 'seats stay')} vacant: {' and '.join(reasons)}."
    return said


def ballots_left(result: Result, reader: Reader) -> str:
    """How many ballots are still expected in all contests; nothing where that is not known, or the count is over."""
    if result.expected_left is None or result.complete == len(result.contests):
        return ""
    said = _expected(result.expected_left, result.expected_turnout, reader)
    return f"{said[0].upper()}{said[1:]}, in all contests."


def _expected(ballots: int, turnout: float | None, reader: Reader) -> str:
    number = many(reader, ballots, "ballot is still", "ballots are still", "about ") if ballots else "no more ballot is"
    return f"{number} expected" + ("" if turnout is None else f" at a turnout of {reader.share(turnout)}")


def many(reader: Reader, number: int, one: str, more: str, about: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{about}{reader.number(number)} {more}"
