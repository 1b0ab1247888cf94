"""The report of an audit: what was found, for people as Markdown, and as JSON everything to recompute it from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from election.audit.audits import NOT_THERE, newest
from election.audit.box import manifest
from election.audit.contest import Contest
from election.audit.drawing import draw_papers
from election.audit.judging import risk as risk_of
from election.audit.report_text import text
from election.audit.rounds import draws, imprints, readings, record_of
from election.audit.signing import Progress, progress_of
from election.platform import Connection, Platform
from election.storage.audits import Audit, risks, signature
from election.storage.elections import Election, election

FORM = "election audit 1"


def report(platform: Platform, slug: str) -> Path:
    """Writes ``audit-N.json`` and ``audit-N.md`` under ``var/results/SLUG/audit``; returns the latter's path.

    Papers that are not read by two persons yet are left out. Raises StageFailed when there is no audit.
    """
    with platform.connect("auditor") as connection:
        poll = election(connection, slug)
        audit = newest(connection, poll)
        now = progress_of(connection, audit)
        described = _described(connection, poll, audit, now)
    folder = platform.settings.var / "results" / slug / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"audit-{audit.audit_no}.md"
    file.with_suffix(".json").write_text(
        json.dumps(described, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8"
    )
    file.write_text(text(poll, now, described), "utf-8")
    return file


def recomputed(described: Mapping[str, Any]) -> list[str]:
    """What a report says that does not follow from what it says: draws and risks, computed again. Empty if all does."""
    wrong = []
    for contest in described["contests"]:
        if not contest["draws"]:
            continue
        name, seed = contest["name"], described["seed"]
        drawn = draw_papers([(box, papers) for box, papers in contest["boxes"]], seed, 0, len(contest["draws"]))
        if [[one.box, one.position, one.ticket] for one in drawn] != [one[:3] for one in contest["draws"]]:
            wrong.append(f"{name}: the seed draws other papers")
        votes = {int(number): votes for number, votes in contest["votes"].items()}
        counted = Contest(contest["ballots"], votes, tuple(contest["winners"]))
        for risk in contest["risks"]:
            records, papers = zip(*(one[3:] for one in contest["draws"][: risk["drawn"]]), strict=True)
            again = risk_of(counted, described["method"], records, papers)
            if abs(again - risk["risk"]) > 1e-9:
                wrong.append(f"{name}: the risk of round {risk['round']} is {again:.6f}, not {risk['risk']:.6f}")
    return wrong


def _described(connection: Connection, poll: Election, audit: Audit, now: Progress) -> dict[str, Any]:
    drawn, read = draws(connection, audit), readings(connection, audit)
    says = record_of(connection, audit, drawn)
    listed, digest = manifest(connection, poll.election_no)
    tickets = {
        (row["contest_no"], row["draw_no"]): row["ticket"]
        for row in _rows(connection, "SELECT contest_no, draw_no, ticket FROM audit_draws WHERE audit_no = %s", audit)
    }
    by_contest: dict[int, list[dict[str, Any]]] = {}
    for risk in risks(connection, audit):
        by_contest.setdefault(risk.contest_no, []).append(
            {
                "round": risk.round_no, "drawn": risk.drawn, "one_over": risk.one_over, "two_over": risk.two_over,
                "one_under": risk.one_under, "two_under": risk.two_under, "risk": risk.risk, "follows": risk.follows,
                "next_size": risk.next_size,
            }
        )  # fmt: skip
    contests = []
    for stand in now.contests:
        one, contest = stand.one, stand.one.contest
        contests.append(
            {
                "contest": one.number,
                "name": one.name,
                "ballots": contest.ballots if contest else sum(one.counted.values()),
                "votes": dict(contest.votes) if contest else dict(one.counted),
                "winners": list(contest.winners) if contest else [],
                "names": {c.number: c.name for c in one.race.contenders},
                "margin": contest.closest if contest else 0,
                "boxes": [list(box) for box in one.boxes],
                "draws": [
                    [
                        *paper,
                        tickets[one.number, number],
                        one.choice(says.get(paper, NOT_THERE)),
                        one.choice(read.get(paper, NOT_THERE)),
                    ]
                    for number, paper in enumerate(drawn.get(one.number, []), 1)
                ],
                "risks": by_contest.get(one.number, []),
                "hand_count": stand.by_hand,
                "finding": stand.finding,
            }
        )
    papers = sorted({paper for own in drawn.values() for paper in own if paper[0]})
    signed = signature(connection, audit)
    planted = connection.execute("SELECT planted_faults(%s)", [audit.audit_no]).fetchone() or (None,)
    return {
        "form": FORM,
        "election": poll.slug,
        "name": poll.name,
        "audit": audit.audit_no,
        "method": audit.method,
        "risk_limit": audit.risk_limit,
        "log": {"size": audit.log_size, "root": audit.log_root.hex()},
        "manifest": {"sha256": digest, "boxes": listed},
        "committed": {"by": audit.committed_by, "at": audit.committed_at},
        "seed": now.digits,
        "seed_parts": _rows(
            connection,
            "SELECT digits, typed_by, typed_at FROM audit_digits WHERE audit_no = %s ORDER BY part_no",
            audit,
        ),
        "contests": contests,
        "imprints": {
            f"{box}/{at}": imprint.hex() for (box, at), imprint in imprints(connection, audit, papers).items()
        },
        "entries": _rows(
            connection,
            """SELECT box_no, position, entered_by, reading, entered_at FROM audit_readings WHERE audit_no = %s
               ORDER BY box_no, position, entered_at, entered_by""",
            audit,
        ),
        "signed": {"by": signed[0], "reason": signed[1], "at": signed[2]} if signed else None,
        "planted_faults": planted[0],
    }


def _rows(connection: Connection, query: str, audit: Audit) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [audit.audit_no]).fetchall()
