"""The report of an audit: what was found, for people as Markdown, and as JSON everything to recompute it from."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from election.audit.audits import NOT_THERE, newest
from election.audit.box import manifest
from election.audit.comparison import INVALID
from election.audit.contest import Contest
from election.audit.drawing import draw_papers
from election.audit.judging import judge
from election.audit.report_text import text
from election.audit.rounds import draws, imprints, readings, record_of
from election.audit.signing import Progress, progress_of
from election.platform import Connection, Platform
from election.storage.audits import Audit, Method, before, risks, signature
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
    """What a report says that does not follow from what it says, as sentences; empty if all does.

    Draws follow from the seed, papers from the entries, risks and what follows from both, and findings from these.
    """
    wrong = []
    entered = _entered(described["entries"])
    for contest in described["contests"]:
        name, draws = contest["name"], contest["draws"]
        if draws:
            drawn = draw_papers([(box, papers) for box, papers in contest["boxes"]], described["seed"], 0, len(draws))
            if [[one.box, one.position, one.ticket] for one in drawn] != [one[:3] for one in draws]:
                wrong.append(f"{name}: the seed draws other papers")
        lines = {int(line): candidate for line, candidate in contest["lines"].items()}
        for box, position, _, _, paper in draws:
            if paper != _choice(lines, entered.get((box, position))):
                wrong.append(f"{name}: paper {position} of box {box} is another than in the entries")
        wrong += [f"{name}: {one}" for one in _unfounded(contest, described["method"], described["risk_limit"])]
    return wrong


def _entered(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], int]:
    """The reading on which at least two persons agree, by box and position. Names are compared as in the database."""
    read: dict[tuple[int, int], dict[str, int]] = {}
    for one in entries:
        by = read.setdefault((one["box_no"], one["position"]), {})
        by.setdefault(one["entered_by"].strip().lower(), one["reading"])
    most = {paper: Counter(by.values()).most_common(1)[0] for paper, by in read.items()}
    return {paper: reading for paper, (reading, number) in most.items() if number > 1}


def _choice(lines: Mapping[int, int], line: int | None) -> int | None:
    return None if line is None or line == NOT_THERE else lines.get(line, INVALID)


def _unfounded(contest: Mapping[str, Any], method: Method, limit: float) -> Iterator[str]:
    """What a contest's risks and its finding say that its draws do not."""
    draws, follows = contest["draws"], None
    for risk in contest["risks"]:
        number, drawn = risk["round"], risk["drawn"]
        if follows in ("confirmed", "hand count"):
            yield f"round {number} comes after the end, {follows}"
        follows = risk["follows"]
        if number == 0 and drawn == 0:
            if follows != "hand count":
                yield f"{follows} without a draw"
            continue
        if not 0 < drawn <= len(draws):
            yield f"round {number} has {drawn} draws of {len(draws)}"
            continue
        votes = {int(candidate): votes for candidate, votes in contest["votes"].items()}
        counted = Contest(contest["ballots"], votes, tuple(contest["winners"]))
        records, papers = zip(*(one[3:] for one in draws[:drawn]), strict=True)
        again = judge(counted, method, limit, records, papers)
        if abs(again.risk - risk["risk"]) > 1e-9:
            yield f"the risk of round {number} is {again.risk:.6f}, not {risk['risk']:.6f}"
        if again.follows != follows:
            yield f"after round {number} follows {again.follows}, not {follows}"
    if contest["hand_count"]:
        if follows != "hand count" or contest["finding"] not in ("confirmed by hand count", "wrong"):
            yield f"the finding is {contest['finding']}, with a hand count after {follows or 'no round'}"
    elif contest["finding"] != (follows or "not drawn"):
        yield f"the finding is {contest['finding']}, and the last round says {follows or 'nothing'}"


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
                "lines": one.line_of,
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
        "before": [asdict(one) for one in before(connection, audit)],
        "planted_faults": planted[0],
    }


def _rows(connection: Connection, query: str, audit: Audit) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, [audit.audit_no]).fetchall()
