"""The rounds of an audit: papers are drawn, persons read them, and the risk says what follows in each contest."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from election.audit.audits import NOT_THERE, Audited, audited, newest, seed
from election.audit.box import IMPRINT_BYTES, refused
from election.audit.drawing import draw_papers
from election.audit.judging import first_size, judge
from election.audit.record import records
from election.errors import StageFailed
from election.platform import Connection, Platform
from election.storage.audits import Audit, Risk, latest
from election.storage.elections import election

Paper = tuple[int, int]
"""A box and a position in it."""


def draw_round(platform: Platform, slug: str) -> int:
    """Draws the next round for every contest that needs one; returns the number of draws.

    0 when no contest needs a round. Raises StageFailed with what the database says when the seed is not complete or
    the last round not assessed.
    """
    with platform.connect("auditor") as connection:
        audit = newest(connection, election(connection, slug))
        known, digits = latest(connection, audit), seed(connection, audit)
        sizes = [(one, _draws(audit, one, known.get(one.number))) for one in audited(connection, audit)]
        try:
            for one, size in sizes:
                if one.number not in known and size is None:
                    _add_risk(connection, audit, Risk(one.number, 0, 0, 0, 0, 0, 0, 1.0, "hand count", None))
            if not any(size for _, size in sizes):
                return 0
            (round_no,) = connection.execute(
                """INSERT INTO audit_rounds (audit_no, round_no)
                   SELECT %(audit)s, coalesce(max(round_no), 0) + 1 FROM audit_rounds WHERE audit_no = %(audit)s
                   RETURNING round_no""",
                {"audit": audit.audit_no},
            ).fetchone() or (0,)
            for one, size in sizes:
                if size:
                    before = known[one.number].drawn if one.number in known else 0
                    _add_draws(connection, audit, one, round_no, digits, before, size)
        except psycopg.errors.RaiseException as refusal:
            raise refused(refusal) from None
        return sum((size or 0) - (known[one.number].drawn if one.number in known else 0) for one, size in sizes if size)


def assess(platform: Platform, slug: str) -> list[Risk]:
    """The risk of each contest of the last round, recorded; the contests in their order.

    Raises StageFailed while papers of it are not read by two persons who agree.
    """
    with platform.connect("auditor") as connection:
        audit = newest(connection, election(connection, slug))
        round_no = last_round(connection, audit)
        if waiting := open_papers(connection, audit):
            raise StageFailed(
                f"{len(waiting):,} papers are not read by two persons who agree, the first in box {waiting[0][0]} at "
                f"{waiting[0][1]}. `election audit papers {slug}` lists them."
            )
        drawn, read = draws(connection, audit), readings(connection, audit)
        says = record_of(connection, audit, drawn)
        known = latest(connection, audit)
        for one in audited(connection, audit):
            own = drawn.get(one.number, [])
            before = known.get(one.number, _NONE)
            if one.contest and own and before.follows == "another round" and before.round_no < round_no:
                _add_risk(connection, audit, found_risk(audit, one, round_no, own, read, says))
        return list(latest(connection, audit).values())


def found_risk(
    audit: Audit,
    one: Audited,
    round_no: int,
    drawn: Sequence[Paper],
    read: Mapping[Paper, int],
    says: Mapping[Paper, int],
) -> Risk:
    """What the draws of a contest show. ``read`` is what papers say, ``says`` what the count's record of each says."""
    assert one.contest is not None
    records, papers = ([one.choice(of.get(paper, NOT_THERE)) for paper in drawn] for of in (says, read))
    judged = judge(one.contest, audit.method, audit.risk_limit, records, papers)
    return Risk(
        contest_no=one.number,
        round_no=round_no,
        drawn=len(drawn),
        one_over=judged.overstated[1],
        two_over=judged.overstated[2],
        one_under=judged.overstated[-1],
        two_under=judged.overstated[-2],
        risk=judged.risk,
        follows=judged.follows,
        next_size=judged.next_size,
    )


def last_round(connection: Connection, audit: Audit) -> int:
    """The number of the last round; raises StageFailed before the first."""
    (number,) = connection.execute(
        "SELECT max(round_no) FROM audit_rounds WHERE audit_no = %s", [audit.audit_no]
    ).fetchone() or (None,)
    if number is None:
        raise StageFailed("No sample is drawn yet: `election audit draw` draws it.")
    return int(number)


def draws(connection: Connection, audit: Audit) -> dict[int, list[Paper]]:
    """Every draw by contest, in their order; a paper that was drawn twice is there twice."""
    found: dict[int, list[Paper]] = {}
    for contest, box, position in connection.execute(
        "SELECT contest_no, box_no, position FROM audit_draws WHERE audit_no = %s ORDER BY contest_no, draw_no",
        [audit.audit_no],
    ):
        found.setdefault(contest, []).append((box, position))
    return found


def open_papers(connection: Connection, audit: Audit) -> list[Paper]:
    """Drawn papers of which no two persons have entered the same."""
    return connection.execute(
        "SELECT box_no, position FROM audit_papers WHERE audit_no = %s AND NOT agreed ORDER BY box_no, position",
        [audit.audit_no],
    ).fetchall()


def is_unassessed(connection: Connection, audit: Audit) -> bool:
    """Whether draws of the last round wait for their assessment."""
    row = connection.execute(
        """SELECT EXISTS (
               SELECT FROM audit_draws AS d LEFT JOIN audit_risks AS r USING (audit_no, contest_no, round_no)
               WHERE d.audit_no = %s AND r.audit_no IS NULL)""",
        [audit.audit_no],
    ).fetchone()
    return bool(row and row[0])


def readings(connection: Connection, audit: Audit) -> dict[Paper, int]:
    """What two persons or more read on each paper, of those they agree on."""
    rows = connection.execute(
        """SELECT DISTINCT ON (box_no, position) box_no, position, reading FROM audit_readings WHERE audit_no = %s
           GROUP BY box_no, position, reading HAVING count(*) > 1 ORDER BY box_no, position, count(*) DESC""",
        [audit.audit_no],
    )
    return {(box, position): reading for box, position, reading in rows}


def imprints(connection: Connection, audit: Audit, papers: Sequence[Paper]) -> dict[Paper, bytes]:
    """The ballot id that the manifest has for each paper."""
    rows = connection.execute(
        """SELECT box_no, position, substring(imprints FROM 16 * position - 15 FOR 16)
           FROM boxes JOIN unnest(%s::int[], %s::int[]) AS paper (box_no, position) USING (box_no)
           WHERE election_no = %s""",
        [[box for box, _ in papers], [position for _, position in papers], audit.election_no],
    )
    found = {(box, position): bytes(imprint) for box, position, imprint in rows}
    assert all(len(imprint) == IMPRINT_BYTES for imprint in found.values())
    return found


def record_of(connection: Connection, audit: Audit, drawn: Mapping[int, Sequence[Paper]]) -> dict[Paper, int]:
    papers = sorted({paper for own in drawn.values() for paper in own if paper[0]})
    of = imprints(connection, audit, papers)
    counted = records(connection, audit.election_no, audit.log_size, set(of.values()))
    return {paper: counted[imprint] for paper, imprint in of.items() if imprint in counted}


def _draws(audit: Audit, one: Audited, known: Risk | None) -> int | None:
    """Draws of the contest in all after the next round; 0 when it needs none, None for a hand count at once."""
    if known is not None:
        return known.next_size or 0
    if one.contest is None:
        return None
    return first_size(one.contest, audit.method, audit.risk_limit)


def _add_draws(
    connection: Connection, audit: Audit, one: Audited, round_no: int, digits: str, before: int, size: int
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit_draws VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (audit.audit_no, one.number, number, round_no, drawn.box, drawn.position, drawn.ticket)
                for number, drawn in enumerate(draw_papers(one.boxes, digits, before, size), before + 1)
            ],
        )


def _add_risk(connection: Connection, audit: Audit, risk: Risk) -> None:
    values: list[Any] = [
        audit.audit_no, risk.round_no, risk.contest_no, risk.drawn, risk.one_over, risk.two_over, risk.one_under,
        risk.two_under, risk.risk, risk.follows, risk.next_size,
    ]  # fmt: skip
    connection.execute(
        """INSERT INTO audit_risks (audit_no, round_no, contest_no, drawn, one_over, two_over, one_under, two_under,
                                    risk, follows, next_size)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        values,
    )


_NONE = Risk(0, 0, 0, 0, 0, 0, 0, 1.0, "another round", None)
"""A contest before its first assessment."""
