"""An audit as it is stored, and its first steps: the count is committed, then the seed is made in public."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg

from election.audit.box import manifest, refused
from election.audit.comparison import INVALID
from election.audit.contest import Contest
from election.audit.drawing import SEED_DIGITS
from election.audit.record import totals
from election.errors import BadInput, StageFailed
from election.outcome import Race, Rules, decide, rules_of
from election.platform import Connection, Platform
from election.storage.audits import Audit, Method, find
from election.storage.elections import Election, election
from election.storage.races import races
from election.text import folded

LIMIT = 0.05
"""The risk limit unless another one is given: the chance that a wrong outcome is confirmed."""


NOT_THERE = -1
"""A reading: the box has no such paper."""


@dataclass(frozen=True)
class Audited:
    """A contest of an audit. ``counted`` is the committed count by line, and 0 for invalid ballots.

    ``line_of`` takes each line of a candidate to that candidate's number. ``contest`` is None where no sample can
    confirm the outcome: a tie, or a seat that stays empty. ``boxes`` are (number, papers); box 0 stands for papers that
    the count has and the manifest does not.
    """

    race: Race
    name: str
    rules: Rules
    contest: Contest | None
    boxes: tuple[tuple[int, int], ...]
    counted: Mapping[int, int]

    @property
    def number(self) -> int:
        return self.race.number

    @cached_property
    def line_of(self) -> dict[int, int]:
        return {line.number: contender.number for contender in self.race.contenders for line in contender.lines}

    def choice(self, line: int) -> int | None:
        """The candidate of a line, INVALID, or None for a paper or a record that is not there."""
        return None if line == NOT_THERE else self.line_of.get(line, INVALID)

    def elected(self, by_line: Mapping[int, int]) -> list[int]:
        """Whom these votes elect: the numbers of candidates, empty in a tie."""
        return [one.contender.number for one in decide(self.race, by_line, self.rules, over=True).elected]


def commit(platform: Platform, slug: str, by: str, *, method: Method = "comparison", limit: float = LIMIT) -> Audit:
    """Begins an audit of what the log holds now: later entries are not part of it.

    Raises StageFailed with what the database says when the election is not counted, has no log or no box, and when its
    system is not plurality.
    """
    if not 0 < limit < 1:
        raise BadInput(f"A risk limit is between 0 and 1, such as {LIMIT}; {limit} is not.")
    with platform.connect("auditor") as connection:
        poll = election(connection, slug)
        if (poll.parameters.get("system") or {}).get("system", "plurality") != "plurality":
            raise StageFailed(f"{slug} is not decided by plurality; an audit knows no other system yet.")
        _, digest = manifest(connection, poll.election_no)
        try:
            connection.execute(
                """INSERT INTO audits (election_no, method, risk_limit, manifest, committed_by)
                   VALUES (%s, %s, %s, %s, %s)""",
                [poll.election_no, method, limit, digest, by],
            )
        except psycopg.errors.RaiseException as refusal:
            raise refused(refusal) from None
        return newest(connection, poll)


def newest(connection: Connection, poll: Election) -> Audit:
    """The election's last audit. Raises StageFailed when there is none."""
    found = find(connection, poll.election_no)
    if found is None:
        raise StageFailed(f"There is no audit of {poll.slug} yet: `election audit commit {poll.slug}` begins one.")
    return found


def type_digits(platform: Platform, slug: str, digits: str, by: str) -> int:
    """Adds digits to the seed, in the order in which they were thrown; returns how many there are of 20.

    Raises StageFailed with what the database says: one person gives ten of them at most.
    """
    with platform.connect("auditor") as connection:
        audit = newest(connection, election(connection, slug))
        try:
            row = connection.execute("SELECT type_digits(%s, %s, %s)", [audit.audit_no, digits, by]).fetchone()
        except (psycopg.errors.RaiseException, psycopg.errors.CheckViolation) as refusal:
            raise refused(refusal) from None
    assert row is not None
    return int(row[0])


def seed(connection: Connection, audit: Audit) -> str:
    """The digits so far, in their order; complete with SEED_DIGITS of them."""
    rows = connection.execute("SELECT digits FROM audit_digits WHERE audit_no = %s ORDER BY part_no", [audit.audit_no])
    return "".join(digits for (digits,) in rows)


def complete(digits: str) -> bool:
    return len(digits) == SEED_DIGITS


def audited(connection: Connection, audit: Audit) -> list[Audited]:
    """Every contest with a poll: the count as it was committed, and the papers of the manifest."""
    counted = totals(connection, audit.election_no, audit.log_size)
    listed, digest = manifest(connection, audit.election_no)
    if digest != audit.manifest:
        raise StageFailed("The boxes are not those that the audit was committed to. Something changed the database.")
    names: dict[int, str] = dict(
        connection.execute(
            "SELECT contest_no, name FROM contests WHERE election_no = %s", [audit.election_no]
        ).fetchall()
    )
    rules = _rules(connection, audit)
    return [
        _audited(race, names[race.number], rules, counted.get(race.number, {}), listed)
        for race in races(connection, audit.election_no)
        if not race.unopposed
    ]


def contest_number(connection: Connection, election_no: int, wanted: str) -> int:
    """The number of the contest with that id or name. Raises BadInput unless there is exactly one."""
    known: list[tuple[int, str, str]] = connection.execute(
        "SELECT contest_no, contest_id, name FROM contests WHERE election_no = %s", [election_no]
    ).fetchall()
    found = [number for number, *labels in known if folded(wanted) in map(folded, labels)]
    if len(found) != 1:
        what = f"{len(found)} contests are called" if found else "There is no contest"
        raise BadInput(f"{what} {wanted!r}. Give its id, as `election results` shows it.")
    return found[0]


def _audited(race: Race, name: str, rules: Rules, by_line: Mapping[int, int], listed: list[dict[str, Any]]) -> Audited:
    boxes = [(box["box"], box["papers"]) for box in listed if box["contest"] == race.number]
    ballots, papers = sum(by_line.values()), sum(papers for _, papers in boxes)
    if ballots > papers:
        boxes.append((0, ballots - papers))
    outcome = decide(race, by_line, rules, over=True)
    contest = None
    if len(outcome.elected) == 1 and outcome.standings[0].contender == outcome.elected[0].contender:
        votes = {standing.contender.number: standing.votes for standing in outcome.standings}
        contest = Contest(max(ballots, papers), votes, (outcome.elected[0].contender.number,))
    return Audited(race, name, rules, contest, tuple(boxes), by_line)


def _rules(connection: Connection, audit: Audit) -> Rules:
    row = connection.execute("SELECT parameters FROM elections WHERE election_no = %s", [audit.election_no]).fetchone()
    rules = rules_of(row[0] if row else {})
    if not isinstance(rules, Rules):
        raise BadInput(f"An audit is rehearsed for the system plurality; this election has {rules.system}.")
    return rules
