"""Reads contests.csv and candidates.csv, whatever else a scenario's folder has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

from election.outcome import AnyRules, Kind
from election.outcome.race import RaceKind
from election.scenarios import standing
from election.scenarios.description import Description
from election.scenarios.model import Candidate, Contest
from election.scenarios.tables import Row, refused, rows

Contests = dict[str, tuple[Row, Contest]]
Lines = Mapping[str, list[tuple[Row, Candidate]]]

# Other years may know other genders, spelt the same way.
_GENDER = re.compile(r"[a-z]+(-[a-z]+)*")
# From polling day to the last declaration; a date beyond is a slip of the pen, or another poll.
_COUNT_TAKES = timedelta(days=3)


@dataclass(frozen=True)
class Form:
    """Which columns a form of scenario has beyond those of every form. ``figures``: valid and invalid votes."""

    contest_columns: tuple[str, ...] = ("electorate", "valid_votes", "invalid_votes")
    candidate_columns: tuple[str, ...] = ("votes",)
    figures: tuple[str, str] = ("valid_votes", "invalid_votes")


def contests_of(home: Path, description: Description, form: Form) -> Contests:
    """contests.csv by id, without candidates. ``electorate`` and votes are 0 where another file gives them."""
    file = home / "contests.csv"
    contests: Contests = {}
    columns = ("contest_id", "name", "region", "country", *form.contest_columns)
    for row in rows(file, columns, optional=["declared_at", "polling_day", "seats", "kind"]):
        contest_id = row.text("contest_id")
        if contest_id in contests:
            what = f"contest {contest_id} is there already, in line {contests[contest_id][0].line}"
            raise row.refused(what, "Give each contest one line and an id of its own.")
        polling_day, declared_at = _times(row, description.polling_day)
        valid, invalid = (row.count(name) if name in form.contest_columns else 0 for name in form.figures)
        electorate = electorate_of(row, description) if "electorate" in form.contest_columns else 0
        contests[contest_id] = (
            row,
            Contest(
                contest_id=contest_id,
                name=row.text("name"),
                region=row.text("region"),
                country=row.text("country"),
                declared_at=declared_at,
                electorate=electorate,
                valid_votes=valid,
                invalid_votes=invalid,
                candidates=(),
                polling_day=polling_day,
                kind=_race_kind(row, description.system),
                seats=_seats(row, description.system),
            ),
        )
    if not contests:
        raise refused(file, None, "there is no contest", "Add a line for each contest.")
    return contests


def electorate_of(row: Row, description: Description) -> int:
    """The registered voters; in a simulation that gives none, what scenario.toml says."""
    electorate = row.count("electorate")
    if electorate == 0:
        raise row.refused("`electorate` is 0", "A contest needs at least one registered voter.")
    return description.voters_per_contest if electorate is None else electorate


def _race_kind(row: Row, system: AnyRules) -> RaceKind:
    usual: dict[str, RaceKind] = {"list": "lists", "stv": "ranking", "irv": "ranking"}
    given = row.values.get("kind") or usual.get(system.system, "candidates")
    kinds: tuple[RaceKind, ...] = (
        ("candidates", "lists") if system.system == "mixed" else (usual.get(system.system, "candidates"),)
    )
    for kind in kinds:
        if kind == given:
            return kind
    raise row.refused(
        f"`kind` is {given!r}", f"Contests of the system {system.system} are of kind {' or '.join(kinds)}."
    )


def _seats(row: Row, system: AnyRules) -> int:
    given = row.values.get("seats")
    seats = row.count("seats") if given else 1
    if not seats:
        raise row.refused("`seats` is 0", "A contest fills at least one seat.")
    if seats > 1 and system.system in ("irv", "mixed"):
        raise row.refused(f"`seats` is {seats}", f"A contest of the system {system.system} fills one seat.")
    return seats


def _times(row: Row, polling_day: date) -> tuple[date | None, datetime | None]:
    """The contest's own polling day, if it polls later than the others, and when its result was declared."""
    own, declared_at = row.day("polling_day"), row.time("declared_at") if "declared_at" in row.values else None
    if own is not None and own < polling_day:
        what = f"`polling_day` is {own}, before the scenario's polling day {polling_day}"
        raise row.refused(what, "Correct it, or polling_day in scenario.toml: that is the first one.")
    day = own or polling_day
    if declared_at is not None and declared_at.date() < day:
        what = f"declared {declared_at:%Y-%m-%d}, before polling day {day}"
        raise row.refused(what, "Correct `declared_at`, or polling_day in scenario.toml.")
    if declared_at is not None and declared_at.date() > day + _COUNT_TAKES:
        what = f"declared {declared_at:%Y-%m-%d}, more than {_COUNT_TAKES.days} days after polling day {day}"
        raise row.refused(
            what, "Correct the date; if the contest polled later than the others, give its day in a column polling_day."
        )
    return (None if own == polling_day else own), declared_at


def candidates_of(home: Path, contests: Contests, form: Form) -> Lines:
    """candidates.csv by contest, in its order. Votes are None where another file gives them."""
    file = home / "candidates.csv"
    found: Lines = {contest_id: [] for contest_id in contests}
    columns = ("contest_id", "given_name", "family_name", "party", "party_abbreviation", *form.candidate_columns)
    for row in rows(file, columns, optional=["gender", "candidate_id", "kind"]):
        contest_id = row.text("contest_id")
        if contest_id not in found:
            near = get_close_matches(contest_id, found, n=1)
            what = f"contest {contest_id!r} is not in contests.csv" + (f" (is it {near[0]}?)" if near else "")
            raise row.refused(what, "Correct the id, or add the contest there.")
        kind = _kind(row, contests[contest_id][1].kind)
        names = (row.values["given_name"], row.values["family_name"])
        if kind == "list" and not any(names):
            names = ("", row.text("party"))
        if not any(names):
            raise row.refused("the candidate has no name", "Fill in `given_name` or `family_name`.")
        if kind != "person":
            # Such a line has no gender, and may be of no party; its votes are then kept by its name.
            row.values["gender"] = "unknown"
            row.values["party"] = row.values["party"] or " ".join(names).strip()
            row.values["party_abbreviation"] = row.values["party_abbreviation"] or row.values["party"]
        gender = row.values.get("gender") or "unknown"
        if not _GENDER.fullmatch(gender):
            raise row.refused(
                f"`gender` is {gender!r}", "Write female, male, non-binary or another word in lower case."
            )
        candidate = Candidate(
            *names,
            gender,
            row.text("party"),
            row.text("party_abbreviation"),
            row.count("votes") if "votes" in form.candidate_columns else None,
            row.values.get("candidate_id") or None,
            kind,
        )
        found[contest_id].append((row, candidate))
    for lines in found.values():
        standing.check(lines)
    return found


def _kind(row: Row, race: RaceKind) -> Kind:
    usual = "list" if race == "lists" else "person"
    known = [kind for kind in get_args(Kind) if kind != ("person" if race == "lists" else "list")]
    given = row.values.get("kind") or usual
    for kind in known:
        if kind == given:
            return kind
    raise row.refused(f"`kind` is {given!r}", f"Write {', '.join(known)}, or leave it empty for a {usual}.")
