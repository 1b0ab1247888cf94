"""Result: who leads, by how much, and whether that can change; turnout; every candidate or party."""

import streamlit as st

from dashboard.feed.snapshots import Snapshot
from dashboard.model.result import Result, share
from dashboard.model.seats import seats
from dashboard.view import leading
from dashboard.view.colours import NOBODY, colours
from dashboard.view.reader import Reader
from dashboard.view.templates import render


def draw(snapshot: Snapshot, reader: Reader) -> None:
    result = snapshot.result
    if len(result.contests) == 1:
        _one_contest(snapshot, reader)
    else:
        _seats(snapshot, reader)


def _one_contest(snapshot: Snapshot, reader: Reader) -> None:
    result, register = snapshot.result, snapshot.register
    contest, colour = result.contests[0], colours(register)
    standing = contest.leaders[0] if len(contest.leaders) == 1 else None
    st.html(
        render(
            "leader.html",
            election=register.election,
            standing=standing,
            colour=colour[standing.candidate.party] if standing else NOBODY,
            kicker=leading.kicker(contest),
            statement=leading.statement(contest.lead, reader),
            lead=contest.lead,
            margin_share=contest.margin_share,
            reader=reader,
        )
    )
    st.html(render("figures.html", figures=_figures(result, reader)))
    rows, side = st.columns([3, 1], gap="large")
    with rows:
        st.html(
            render(
                "candidates.html",
                caption=f"Candidates of {contest.contest.name}, by votes",
                standings=contest.standings,
                top=contest.standings[0].share if contest.standings else None,
                official=register.election.kind == "replay",
                election=register.election,
                colours=colour,
                reader=reader,
            )
        )
    with side:
        parts = [(s.candidate.name, s.share, colour[s.candidate.party]) for s in contest.standings]
        _donut(parts, "valid votes", reader.number(contest.valid), reader)


def _seats(snapshot: Snapshot, reader: Reader) -> None:
    result, register = snapshot.result, snapshot.register
    counted, colour = seats(result), colours(register)
    names = {party: register.party(party).name for party in colour}
    st.html(render("figures.html", figures=_figures(result, reader)))
    st.html(render("statement.html", text=leading.seats_statement(counted, names, reader)))
    won = {party.party: party for party in counted.parties}
    rows = [
        {
            "name": names[party.party],
            "colour": colour[party.party],
            "won": won[party.party].won if party.party in won else 0,
            "leading": won[party.party].leading if party.party in won else 0,
            "votes": party.votes,
            "share": party.share,
            "official": party.official,
        }
        for party in result.parties
    ]
    table, side = st.columns([3, 1], gap="large")
    with table:
        st.html(
            render(
                "parties.html",
                caption="Parties by votes in all contests",
                rows=rows,
                top=result.parties[0].share if result.parties else None,
                official=register.election.kind == "replay",
                reader=reader,
            )
        )
    with side:
        _donut([(names[p.party], p.share, colour[p.party]) for p in result.parties], "valid votes",
               reader.number(result.valid), reader)  # fmt: skip


def _figures(result: Result, reader: Reader) -> list[dict[str, str]]:
    expected = share(result.counted, result.expected)
    official = result.register.election.kind == "replay"
    of = "of the official ballots" if official else "of the ballots expected"
    figures = [
        ("Registered voters", reader.number(result.registered), ""),
        (
            "Ballots counted",
            reader.number(result.counted),
            f"{reader.share(expected)} {of}" if expected is not None else "",
        ),
        ("Turnout so far", reader.share(result.turnout), "ballots counted of registered"),
        ("Valid votes", reader.number(result.valid), ""),
        (
            "Invalid ballots",
            reader.number(result.invalid),
            f"{reader.share(share(result.invalid, result.counted), 2)} of ballots",
        ),
        ("Candidates", reader.number(len(result.register.candidates)), ""),
    ]
    if len(result.contests) > 1:
        contests = f"of {reader.number(len(result.contests))}, {reader.number(result.complete)} complete"
        figures.append(("Contests reporting", reader.number(result.reported), contests))
    return [{"label": label, "value": value, "note": note} for label, value, note in figures]


def _donut(parts: list[tuple[str, float | None, str]], under: str, centre: str, reader: Reader) -> None:
    """Shares around a ring; what is below 2 % is drawn together as others."""
    large = [(name, part, colour) for name, part, colour in parts if part and part >= 0.02]
    rest = sum(part or 0 for _, part, _ in parts) - sum(part or 0 for _, part, _ in large)
    shown = large + ([("Others", rest, NOBODY)] if rest > 1e-9 else [])
    stops, angle = [], 0.0
    for _, part, colour in shown:
        stops.append(f"{colour} {angle:.2f}% {angle + 100 * (part or 0):.2f}%")
        angle += 100 * (part or 0)
    st.html(
        render(
            "donut.html",
            stops=", ".join(stops) or f"{NOBODY}40 0% 100%",
            label="Ring of shares: "
            + (", ".join(f"{name} {reader.share(part)}" for name, part, _ in shown) or "no votes"),
            centre=centre,
            under=under,
            parts=[{"name": name, "share": reader.share(part), "colour": colour} for name, part, colour in shown],
        )
    )
