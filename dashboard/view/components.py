"""The pieces of the pages as HTML: leader, figures, tables, seats and rings."""

from collections import Counter

from dashboard.feed.memo import memo
from dashboard.view import changed, wording
from dashboard.view.hemicycle import FEWEST, hemicycle
from dashboard.view.links import Links
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.colours import NEUTRAL
from election.live.result import ContestResult, share
from election.live.snapshots import Snapshot
from election.outcome.change import Change

CLOSEST = 12
RANKED = 20


@memo
def leader(snapshot: Snapshot, contest: ContestResult, reader: Reader) -> str:
    """The leader of the contest, the margin, and whether it can be overturned."""
    standing = contest.leaders[0] if len(contest.leaders) == 1 else None
    return render(
        "leader.html",
        election=snapshot.register.election,
        standing=standing,
        tied=contest.leaders if standing is None else (),
        colours=snapshot.colours,
        colour=snapshot.colours[standing.contender.party] if standing else NEUTRAL,
        kicker=wording.kicker(contest),
        statement=wording.contest_statement(contest, reader),
        polled=not contest.contest.unopposed,
        lead=contest.lead,
        margin_share=contest.margin_share,
        change=changed.in_full(contest, snapshot.register),
        changed=changed.swing_and_turnout(contest, snapshot.register, reader),
        reader=reader,
    )


@memo
def leading_party(snapshot: Snapshot, reader: Reader) -> str:
    """The party with the most seats, with its votes and whether it can still be overtaken."""
    seats, register = snapshot.seats, snapshot.register
    names = {party.party: register.party(party.party).name for party in seats.parties}
    first = seats.leader
    said = (
        wording.seats_statement(seats, names, reader),
        wording.seats_lead(seats, names, reader),
        wording.ballots_left(snapshot.result, reader),
    )
    return render(
        "leading_party.html",
        seats=seats,
        party=register.party(first.party) if first else None,
        votes=next((row for row in snapshot.result.parties if first and row.party == first.party), None),
        second=names[seats.parties[1].party] if len(seats.parties) > 1 else "",
        colour=snapshot.colours[first.party] if first else NEUTRAL,
        kicker=wording.seats_kicker(seats),
        statement=" ".join(said).strip(),
        reader=reader,
    )


@memo
def against(snapshot: Snapshot, reader: Reader) -> str:
    """The election against the one before: seats changing hands, swing, turnout; empty without one before."""
    register, change = snapshot.register, snapshot.result.change
    if register.earlier is None or change is None:
        return ""
    return render(
        "against.html",
        title=register.earlier.title,
        compared=len(change.contests),
        partial=snapshot.result.complete < len(snapshot.result.contests),
        gains=sum(change.gained.values()),
        net=[
            {
                "name": register.party(party).name,
                "colour": snapshot.colours.get(party, NEUTRAL),
                "net": reader.signed(number),
            }
            for party, number in change.net.items()
        ],
        swing=None if change.swing is None else reader.points(float(change.swing.share), signed=False),
        swung="" if change.swing is None else f"points {changed.from_to(change.swing, register)}",
        turnout=reader.points(None if change.turnout is None else float(change.turnout)),
        proviso=changed.proviso(snapshot.result, reader),
        reader=reader,
    )


@memo
def candidates(snapshot: Snapshot, contest: ContestResult, reader: Reader) -> str:
    """Every candidate of the contest, with the official result beside it in a replay.

    Once the contest is complete, the share of each party that has one candidate is compared with the election before.
    """
    earlier, standing = snapshot.register.earlier, Counter(s.contender.party for s in contest.standings)
    shares = Change((contest.change,)).shares if contest.change else {}
    return render(
        "candidates.html",
        caption=f"Candidates of {contest.contest.label}, by votes",
        standings=contest.standings,
        top=contest.standings[0].share if contest.standings else None,
        official=snapshot.register.election.kind == "replay",
        elected=wording.seated(contest.outcome),
        rises={party: float(rise) for party, rise in shares.items() if standing[party] == 1},
        since=earlier.title if earlier else "",
        election=snapshot.register.election,
        colours=snapshot.colours,
        reader=reader,
    )


@memo
def parties(snapshot: Snapshot, most: int | None, reader: Reader) -> str:
    """Parties by seats, then votes: the first ``most`` (None: all)."""
    result, register = snapshot.result, snapshot.register
    seats, change = {party.party: party for party in snapshot.seats.parties}, result.change
    compared = change is not None and bool(change.contests)
    rows = [
        {
            "name": register.party(party.party).name,
            "colour": snapshot.colours[party.party],
            "won": seats[party.party].won if party.party in seats else 0,
            "leading": seats[party.party].leading if party.party in seats else 0,
            "votes": party.votes,
            "share": party.share,
            "official": party.official,
            "net": change.net.get(party.party, 0) if change and compared else None,
            "gained": change.gained[party.party] if change else 0,
            "lost": change.lost[party.party] if change else 0,
            "rise": float(change.shares[party.party]) if change and party.party in change.shares else None,
        }
        for party in result.parties
    ]
    rows.sort(key=lambda row: -(row["won"] + row["leading"]))  # type: ignore[operator]  # stable: votes decide the rest
    return render(
        "parties.html",
        caption="Parties by seats and votes in all contests",
        rows=rows[:most],
        top=result.parties[0].share if result.parties else None,
        official=register.election.kind == "replay",
        against=register.earlier.title if register.earlier else "",
        reader=reader,
    )


@memo
def seat_bar(snapshot: Snapshot, reader: Reader, *, stated: bool = True, half_circle: bool = False) -> str:
    """Seats by party against the majority line; ``stated`` adds in words whether a party has it.

    ``half_circle`` draws each seat beside the bar.
    """
    seats, register = snapshot.seats, snapshot.register
    rows = [
        {
            "name": register.party(party.party).name,
            "colour": snapshot.colours[party.party],
            "won": party.won,
            "leading": party.leading,
        }
        for party in seats.parties
    ]
    others = {
        "Tied": seats.tied,
        "Not yet reporting": seats.silent,
        "Ended in a tie": seats.ended_tied,
        "No valid vote": seats.ended_silent,
        "Vacant": seats.vacant,
    }
    rest = [(reader.number(number), what) for what, number in others.items() if number]
    said = ", ".join(f"{row['name']} {row['won']} won and {row['leading']} leading" for row in rows)
    names = {party.party: register.party(party.party).name for party in seats.parties}
    words = (wording.seats_statement(seats, names, reader), wording.ballots_left(snapshot.result, reader))
    circle = None
    if half_circle and seats.total >= FEWEST:
        by_party = tuple((snapshot.colours[party.party], party.won, party.leading) for party in seats.parties)
        circle = hemicycle(by_party, seats.total, seats.majority)
    return render(
        "seats.html",
        rows=rows,
        circle=circle,
        total=seats.total,
        majority=seats.majority,
        rest=rest,
        label=f"{seats.total} seats: {said or 'none won yet'}; a majority is {seats.majority}",
        statement=" ".join(words).strip() if stated else "",
        reader=reader,
    )


@memo
def map_legend(snapshot: Snapshot, *, gains: bool = False) -> str:
    """How to read the map: the parties that lead somewhere, the strength of a colour, and who is still silent."""
    seats, register = snapshot.seats, snapshot.register
    parties = [(register.party(party.party).name, snapshot.colours[party.party]) for party in seats.parties]
    ramp = snapshot.colours[seats.parties[0].party] if seats.parties else NEUTRAL
    waiting = any(contest.seat_before is None for contest in snapshot.result.contests)
    return render("map_legend.html", parties=parties, ramp=ramp, seats=seats, gains=gains, waiting=waiting)


@memo
def ranked_contests(snapshot: Snapshot, reader: Reader, links: Links) -> str:
    """In place of a map: contests by the margin of their leader, in the leading party's colour."""
    led = [
        contest for contest in snapshot.result.contests if contest.leading_party and contest.margin_share is not None
    ]
    led.sort(key=lambda contest: -(contest.margin_share or 0))
    slug, party = snapshot.register.election.slug, snapshot.register.party
    rows = [
        {
            "name": contest.contest.label,
            "party": party(contest.leading_party or "").name,
            "colour": snapshot.colours[contest.leading_party or ""],
            "part": contest.margin_share,
            "value": reader.points(contest.margin_share),
            "link": links.to("contests", election=slug, contest=contest.contest.id),
        }
        for contest in led[:RANKED]
    ]
    caption = f"Contests by the lead of their first party: {reader.number(len(rows))} of {reader.number(len(led))}"
    return render("ranking.html", caption=caption, what="Contest", measure="Points", rows=rows)


@memo
def ranked_places(snapshot: Snapshot, reader: Reader) -> str:
    """In place of a map of one contest: its places by turnout. How a place voted is not counted, only how many did."""
    places = sorted(snapshot.locations, key=lambda place: (-(place.share or 0), place.name))
    rows = [
        {"name": place.name, "party": "", "colour": "#2b7fc4", "part": place.share, "value": reader.share(place.share),
         "link": ""}
        for place in places[:RANKED]
    ]  # fmt: skip
    caption = f"Places by turnout: {reader.number(len(rows))} of {reader.number(len(places))}"
    return render("ranking.html", caption=caption, what="Place", measure="Turnout", rows=rows)


@memo
def closest(snapshot: Snapshot, reader: Reader, links: Links) -> str:
    """The contests with the smallest margins."""
    led = [contest for contest in snapshot.result.contests if contest.leaders]
    rows = sorted(led, key=lambda contest: contest.margin_share or 0)[:CLOSEST]
    return render(
        "closest.html",
        rows=rows,
        over=all(contest.over for contest in snapshot.result.contests),
        election=snapshot.register.election,
        colours=snapshot.colours,
        party=snapshot.register.party,
        links=links,
        reader=reader,
    )


@memo
def figures(snapshot: Snapshot, reader: Reader) -> str:
    """The election in figures."""
    result = snapshot.result
    expected = share(result.counted, result.expected)
    of = "of the official ballots" if result.register.election.kind == "replay" else "of the ballots expected"
    invalid = reader.share(share(result.invalid, result.counted), 2)
    over = result.register.election.state in ("counted", "certified", "refused")
    shown = [
        ("Registered voters", reader.number(result.registered), ""),
        ("Ballots counted", reader.number(result.counted), f"{reader.share(expected)} {of}" if expected else ""),
        ("Turnout" if over else "Turnout so far", reader.share(result.turnout), "counted of registered"),
        ("Valid votes", reader.number(result.valid), ""),
        ("Invalid ballots", reader.number(result.invalid), f"{invalid} of ballots" if result.counted else ""),
        ("Candidates", reader.number(sum(c.is_person for race in result.register.races for c in race.contenders)), ""),
    ]
    if second := sum(contest.valid for contest in result.contests if contest.contest.position == 2):
        shown.insert(4, ("Valid second votes", reader.number(second), ""))
    if len(result.contests) > 1:
        contests = f"of {reader.number(len(result.contests))}, {reader.number(result.complete)} complete"
        shown.append(("Contests reporting", reader.number(result.reported), contests))
    return _figures(shown)


def contest_figures(contest: ContestResult, reader: Reader) -> str:
    official = contest.contest.official_ballots
    return _figures(
        [
            ("Registered voters", reader.number(contest.contest.registered), ""),
            ("Turnout" if contest.over else "Turnout so far", reader.share(contest.turnout), _moved(contest, reader)),
            ("Valid votes", reader.number(contest.valid), ""),
            ("Invalid ballots", reader.number(contest.invalid), ""),
            ("Official ballots", reader.number(official), "")
            if official
            else ("Counted", reader.number(contest.counted), ""),
        ]
    )


def _moved(contest: ContestResult, reader: Reader) -> str:
    """The change of the turnout, if there was an election before and the contest is complete."""
    turnout = contest.change.turnout if contest.change else None
    return "" if turnout is None else f"{reader.points(float(turnout))} points"


def _figures(shown: list[tuple[str, str, str]]) -> str:
    return render(
        "figures.html", figures=[{"label": label, "value": value, "note": note} for label, value, note in shown]
    )


@memo
def candidate_ring(snapshot: Snapshot, contest: ContestResult, reader: Reader) -> str:
    parts = [(s.contender.name, s.share, snapshot.colours[s.contender.party]) for s in contest.standings]
    return _ring(parts, reader.number(contest.valid), reader)


@memo
def party_ring(snapshot: Snapshot, reader: Reader) -> str:
    register = snapshot.register
    parts = [(register.party(p.party).name, p.share, snapshot.colours[p.party]) for p in snapshot.result.parties]
    return _ring(parts, reader.number(sum(party.votes for party in snapshot.result.parties)), reader)


def _ring(parts: list[tuple[str, float | None, str]], valid: str, reader: Reader) -> str:
    """Shares around a ring of valid votes; what is below 2 % is drawn together as others."""
    shown = [(name, part, colour) for name, part, colour in parts if part and part >= 0.02]
    rest = sum(part or 0 for _, part, _ in parts) - sum(part or 0 for _, part, _ in shown)
    if rest > 1e-9:
        shown.append(("Others", rest, NEUTRAL))
    stops, angle = [], 0.0
    for _, part, colour in shown:
        stops.append(f"{colour} {angle:.2f}% {angle + 100 * (part or 0):.2f}%")
        angle += 100 * (part or 0)
    said = ", ".join(f"{name} {reader.share(part)}" for name, part, _ in shown)
    return render(
        "donut.html",
        stops=", ".join(stops) or f"{NEUTRAL}40 0% 100%",
        label=f"Ring of shares: {said or 'no votes'}",
        centre=valid,
        under="valid votes",
        parts=[{"name": name, "share": reader.share(part), "colour": colour} for name, part, colour in shown],
    )
