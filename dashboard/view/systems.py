"""What only some electoral systems have: thresholds and ranges of lists, stages of rankings, winners without a seat."""

from decimal import Decimal

from dashboard.feed.memo import memo
from dashboard.view import wording
from dashboard.view.flow import flow
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.colours import NEUTRAL
from election.live.result import ContestResult
from election.live.snapshots import Snapshot
from election.outcome import ListRules, Threshold

FIRST_PARTIES = 15
WAYS = {
    "votes": "reached by votes",
    "constituencies": "reached by constituencies won",
    "minority": "not needed by a national minority",
}


@memo
def thresholds(snapshot: Snapshot, reader: Reader) -> str:
    """Lists against the threshold, with the seats of each if the count ended now.

    Empty where parties need none, or where each contest has its own.
    """
    decided, register = snapshot.result.whole.decided, snapshot.register
    known = sorted(decided.thresholds.values(), key=lambda one: (-one.votes, one.party))
    of_contests = isinstance(decided.rules, ListRules) and decided.rules.threshold_level == "contest"
    if of_contests or not any(one.needed for one in known):
        return ""
    rows = [
        {
            "name": register.party(one.party).name,
            "colour": snapshot.colours.get(one.party, NEUTRAL),
            "votes": one.votes,
            "share": one.votes / one.of if one.of else None,
            "standing": _standing(one, reader),
            "seats": decided.seats.get(one.party, 0),
            "range": _range(snapshot, one.party, reader),
        }
        for one in known[:FIRST_PARTIES]
    ]
    return render("thresholds.html", rows=rows, over=decided.over, reader=reader)


@memo
def stages(snapshot: Snapshot, contest: ContestResult, reader: Reader) -> str:
    """The stages of a count of rankings, as a flow of transfers and as a table; empty before the first vote."""
    given = contest.outcome.given
    if given is None or not given.stages:
        return ""
    last = {number: at for at, stage in enumerate(given.stages) for number in (*stage.elected, *stage.excluded)}
    elected = {number: at for at, stage in enumerate(given.stages) for number in stage.elected}
    order = sorted(
        contest.outcome.race.contenders,
        key=lambda c: (c.number not in elected, elected.get(c.number, -last.get(c.number, len(given.stages)))),
    )
    rows = [
        {
            "name": contender.name,
            "colour": snapshot.colours[contender.party],
            "cells": [
                {
                    "votes": _votes(stage.votes[contender.number], reader),
                    "said": "elected" if contender.number in stage.elected
                    else "excluded" if contender.number in stage.excluded else "",
                }
                for stage in given.stages
            ],
        }
        for contender in order
    ]  # fmt: skip
    drawn = flow(
        given,
        tuple((c.number, c.name, snapshot.colours[c.party]) for c in order),
    )
    names = {c.number: c.name for c in order}
    return render(
        "stages.html",
        caption=f"Stages of {contest.contest.label}",
        rows=rows,
        moved=["first preferences" if s.moved is None else f"from {names[s.moved]}" for s in given.stages],
        lost=[_votes(stage.not_transferable, reader) for stage in given.stages],
        quota=reader.number(given.quota),
        seats=contest.outcome.race.seats,
        provisional=not contest.over,
        picture=drawn,
        reader=reader,
    )


def _votes(votes: Decimal, reader: Reader) -> str:
    """Whole votes, and two decimals of parts of transferred papers."""
    return (
        reader.number(int(votes))
        if votes == int(votes)
        else f"{reader.number(int(votes))}{votes % 1:.2f}".replace("0.", ".", 1)
    )


def _standing(one: Threshold, reader: Reader) -> str:
    if one.way:
        return WAYS[one.way]
    needed = reader.share(one.needed / one.of, 2) if one.of else ""
    return f"{wording.many(reader, one.short, 'vote', 'votes')} short: {needed} needed"


def _range(snapshot: Snapshot, party: str, reader: Reader) -> str:
    """The seats that no ballot still to come can take, and the most that the party can reach."""
    decided = snapshot.result.whole.decided
    known = decided.ranges.get(party)
    if decided.over or known is None:
        return ""
    return (
        reader.number(known.least)
        if known.least == known.most
        else (f"{reader.number(known.least)} to {reader.number(known.most)}")
    )
