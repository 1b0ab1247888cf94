"""In the room with the boxes: which papers to read, and what persons read on them. The count is not known here."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from election import spreadsheets
from election.audit.box import refused
from election.errors import BadInput, StageFailed
from election.platform import Connection, Platform
from election.storage.audits import Audit, find
from election.storage.elections import election
from election.storage.races import races
from election.text import folded

COLUMNS = ("box", "position", "paper")
INVALID, MISSING = "invalid", "missing"
_WORDS = {INVALID: 0, MISSING: -1}
_READERS = 9
"""Simulated auditors, so many that two of them agree."""


@dataclass(frozen=True)
class Wanted:
    """A paper of the sample by box and position, the contest's number, and who has entered it."""

    contest: int
    box: int
    position: int
    entered_by: tuple[str, ...]


def papers(platform: Platform, slug: str, by: str = "") -> list[Wanted]:
    """Papers still to be read; with ``by``, those that this person has not entered."""
    with platform.connect("box") as connection:
        return _wanted(connection, _audit(connection, slug), by)


def sheet(wanted: Iterable[Wanted]) -> str:
    """CSV to be filled in: box, position and an empty column for what the paper says."""
    return spreadsheets.table(COLUMNS, ((one.box, one.position, None) for one in wanted))


def take_out(platform: Platform, slug: str, box: int, position: int) -> str:
    """What a drawn paper says, as a person holds it: the candidate's name and number, ``invalid`` or ``missing``."""
    with platform.connect("box") as connection:
        audit = _audit(connection, slug)
        says = _says(connection, audit, box, position)
        return _named(connection, audit).get(says, str(says))


def enter(platform: Platform, slug: str, entries: Iterable[tuple[int, int, str]], by: str) -> int:
    """Records what ``by`` read as (box, position, paper): a candidate's number or name, ``invalid`` or ``missing``.

    All or nothing; returns how many. Raises BadInput for a candidate who does not stand, StageFailed with what the
    database says: a person enters a paper once, and only papers that were drawn.
    """
    if not by.strip():
        raise BadInput("Who read the papers? Give your name with --by.")
    with platform.connect("box") as connection:
        audit, number = _audit(connection, slug), 0
        contest_of: dict[int, int] = dict(connection.execute(
            "SELECT box_no, contest_no FROM boxes WHERE election_no = %s", [audit.election_no]
        ).fetchall())  # fmt: skip
        standing = _standing(connection, audit)
        for box, position, paper in entries:
            if box not in contest_of:
                raise BadInput(f"There is no box {box}. `election audit papers {slug}` lists the papers to read.")
            _enter(connection, audit, box, position, _reading(paper, standing[contest_of[box]], box, position), by)
            number += 1
    return number


def read_sheet(file: Path) -> list[tuple[int, int, str]]:
    """The lines of a filled-in sheet. Raises BadInput with the line that cannot be used."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise BadInput(f"{file}: the first line must name the columns {', '.join(COLUMNS)}.")
            return [_line(file, reader.line_num, line) for line in reader if any(line.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file} cannot be read as CSV in UTF-8: {error}") from error


def simulate(platform: Platform, slug: str, misread: float = 0.0, seed: int = 0) -> int:
    """Simulated auditors read every paper of the round, two a paper and others where they disagree.

    Each misreads a paper with the chance ``misread``, as another candidate, independently of the other. Returns the
    number of entries.
    """
    if not 0 <= misread < 1:
        raise BadInput(f"The share of papers that are misread is from 0 to below 1; {misread} is not.")
    with platform.connect("box") as connection:
        audit, made = _audit(connection, slug), 0
        standing, chance = _standing(connection, audit), Random(f"{seed}/{audit.audit_no}")
        for reader in (f"simulated auditor {number}" for number in range(1, _READERS + 1)):
            for one in _wanted(connection, audit, reader):  # after two, those on which no two agree
                says = _says(connection, audit, one.box, one.position)
                if chance.random() < misread:
                    says = chance.choice([0, *(other for other in standing[one.contest].values() if other != says)])
                _enter(connection, audit, one.box, one.position, says, reader)
                made += 1
        return made


def count_by_hand(platform: Platform, slug: str, contest: int, by: str, witness: str) -> None:
    """Counts every paper of a contest. Raises StageFailed with what the database says unless the audit asks for it."""
    with platform.connect("box") as connection:
        audit = _audit(connection, slug)
        try:
            connection.execute("SELECT count_by_hand(%s, %s, %s, %s)", [audit.audit_no, contest, by, witness])
        except psycopg.errors.RaiseException as refusal:
            raise refused(refusal) from None
        except psycopg.errors.UniqueViolation:
            raise StageFailed(f"Contest {contest} of {slug} is counted by hand already.") from None


def _audit(connection: Connection, slug: str) -> Audit:
    poll = election(connection, slug)
    audit = find(connection, poll.election_no)
    if audit is None:
        raise StageFailed(f"There is no audit of {slug} yet: `election audit commit {slug}` begins one.")
    return audit


def _wanted(connection: Connection, audit: Audit, by: str) -> list[Wanted]:
    rows = connection.execute(
        """SELECT contest_no, box_no, position, entered_by FROM audit_papers
           WHERE audit_no = %s AND NOT agreed ORDER BY box_no, position""",
        [audit.audit_no],
    )
    wanted = [Wanted(contest, box, position, tuple(entered)) for contest, box, position, entered in rows]
    return [one for one in wanted if by.strip().casefold() not in map(str.casefold, one.entered_by)]


def _says(connection: Connection, audit: Audit, box: int, position: int) -> int:
    try:
        row = connection.execute("SELECT take_out(%s, %s, %s)", [audit.audit_no, box, position]).fetchone()
    except psycopg.errors.RaiseException as refusal:
        raise refused(refusal) from None
    assert row is not None
    return int(row[0])


def _enter(connection: Connection, audit: Audit, box: int, position: int, reading: int, by: str) -> None:
    try:
        connection.execute("SELECT enter_paper(%s, %s, %s, %s, %s)", [audit.audit_no, box, position, reading, by])
    except psycopg.errors.RaiseException as refusal:
        raise refused(refusal) from None


def _standing(connection: Connection, audit: Audit) -> dict[int, dict[str, int]]:
    """Names of the lines of each contest, as people type them, with their numbers."""
    return {
        race.number: {
            folded(f"{contender.name}, {line.party}"): line.number for contender in race.contenders
            for line in contender.lines
        }
        for race in races(connection, audit.election_no)
    }  # fmt: skip


def _named(connection: Connection, audit: Audit) -> dict[int, str]:
    names = {
        line.number: f"{contender.name}, {line.party} ({line.number})"
        for race in races(connection, audit.election_no)
        for contender in race.contenders
        for line in contender.lines
    }
    return names | {number: word for word, number in _WORDS.items()}


def _reading(paper: str, standing: Mapping[str, int], box: int, position: int) -> int:
    given = folded(paper)
    if given in _WORDS:
        return _WORDS[given]
    found = [number for name, number in standing.items() if given in (str(number), name, name.rpartition(", ")[0])]
    if len(found) != 1:
        raise BadInput(
            f"Box {box}, paper {position}: {paper!r} names {'several candidates' if found else 'no candidate'} of the "
            f"contest. Give a number, a name with the party, {INVALID} or {MISSING}: {'; '.join(standing)}."
        )
    return found[0]


def _line(file: Path, number: int, line: Mapping[str, Any]) -> tuple[int, int, str]:
    try:
        if not (line["paper"] or "").strip():
            raise ValueError("the column paper is empty")
        return int(line["box"]), int(line["position"]), line["paper"]
    except (TypeError, ValueError) as error:
        raise BadInput(f"{file}, line {number}: {error}. Give a box, a position and what the paper says.") from None
