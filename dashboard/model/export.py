"""Results as files: each says which election it is of, when, in what state, and proves itself by a checksum."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

from dashboard.model.result import Result
from dashboard.model.turnout import GroupTurnout

Table = Literal["candidates", "contests", "locations"]
Format = Literal["csv", "json"]
Row = dict[str, Any]


def export(result: Result, locations: Iterable[GroupTurnout], table: Table, form: Format, at: datetime) -> bytes:
    """The table as it is ``at`` that moment, in UTF-8.

    CSV begins with lines of ``# key: value`` (the last is the SHA-256 of all that follows it); JSON is an object
    whose ``sha256`` is that of its ``rows`` written without spaces. Text that a spreadsheet would take for a formula
    is preceded by an apostrophe in CSV (OWASP, "CSV Injection").
    """
    rows = list(_ROWS[table](result, locations))
    election = result.register.election
    about = {
        "election": election.slug,
        "name": election.name,
        "table": table,
        "state": election.state,
        "state_since": election.state_since.isoformat(timespec="seconds") if election.state_since else "unknown",
        "at": at.isoformat(timespec="milliseconds"),
        "ballots_counted": result.counted,
        "licence": result.register.licence,
    }
    if form == "json":
        body = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        about["sha256"] = hashlib.sha256(body.encode()).hexdigest()
        return (json.dumps(about, ensure_ascii=False)[:-1] + f', "rows": {body}}}\n').encode()
    body = _csv(rows)
    about["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    head = "".join(f"# {key}: {_one_line(value)}\n" for key, value in about.items())
    return (head + body).encode()


def _candidates(result: Result, _locations: Iterable[GroupTurnout]) -> Iterable[Row]:
    for contest in result.contests:
        for standing in contest.standings:
            yield {
                "contest_id": contest.contest.id,
                "contest": contest.contest.name,
                "place": standing.place,
                "candidate": standing.candidate.name,
                "party": standing.candidate.party_name,
                "party_abbreviation": standing.candidate.party,
                "votes": standing.votes,
                "share": _rounded(standing.share),
                "official_votes": standing.candidate.official,
            }


def _contests(result: Result, _locations: Iterable[GroupTurnout]) -> Iterable[Row]:
    for contest in result.contests:
        yield {
            "contest_id": contest.contest.id,
            "contest": contest.contest.name,
            "region": contest.contest.region,
            "country": contest.contest.country,
            "registered": contest.contest.registered,
            "valid": contest.valid,
            "invalid": contest.invalid,
            "turnout": _rounded(contest.turnout),
            "leading": "; ".join(standing.candidate.name for standing in contest.leaders),
            "leading_party": contest.leading_party,
            "margin": contest.lead.margin,
            "progress": contest.progress,
            "overturnable": contest.lead.overturnable,
            "official_valid": contest.contest.official_valid,
            "official_invalid": contest.contest.official_invalid,
        }


def _locations(_result: Result, locations: Iterable[GroupTurnout]) -> Iterable[Row]:
    for place in locations:
        yield {
            "country": place.country,
            "region": place.region,
            "city": place.name,
            "registered": place.registered,
            "ballots": place.ballots,
            "turnout": _rounded(place.share),
        }


_ROWS: dict[str, Callable[[Result, Iterable[GroupTurnout]], Iterable[Row]]] = {
    "candidates": _candidates,
    "contests": _contests,
    "locations": _locations,
}


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
