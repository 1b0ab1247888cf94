"""Results as files: each says which election it is of, when, in what state, and proves itself by a checksum."""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

from election import spreadsheets
from election.live.result import Result, share
from election.live.turnout import GroupTurnout

Table = Literal["candidates", "contests", "locations"]
Format = Literal["csv", "json"]
Row = dict[str, Any]


def export(result: Result, locations: Iterable[GroupTurnout], table: Table, form: Format, at: datetime) -> bytes:
    """The table as it is ``at`` that moment, in UTF-8.

    CSV begins with lines of ``# key: value`` (the last is the SHA-256 of all that follows it); JSON is an object
    whose ``sha256`` is that of its ``rows`` written without spaces. Text that a spreadsheet would compute
    has an apostrophe in front in CSV (``election.spreadsheets``) and is as written in JSON.
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
    body = spreadsheets.table(list(rows[0]) if rows else [], [list(row.values()) for row in rows])
    about["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    head = "".join(spreadsheets.comment(key, value) for key, value in about.items())
    return (head + body).encode()


def _candidates(result: Result, _locations: Iterable[GroupTurnout]) -> Iterable[Row]:
    for contest in result.contests:
        elected = {elected.contender.number: elected.how for elected in contest.outcome.elected}
        for standing in contest.standings:
            for line, votes in zip(standing.contender.lines, standing.by_line, strict=True):
                yield {
                    "contest_id": contest.contest.id,
                    "contest": contest.contest.name,
                    "place": standing.place,
                    "candidate": line.name,
                    "party": line.party_name,
                    "party_abbreviation": line.party,
                    "votes": votes,
                    "share": _rounded(share(votes, contest.valid)),
                    "official_votes": line.official,
                    "candidate_id": line.candidate_id,
                    "kind": line.kind,
                    "candidate_votes": standing.votes,
                    "elected": elected.get(standing.contender.number),
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
            "leading": "; ".join(standing.contender.name for standing in contest.leaders),
            "leading_party": contest.leading_party,
            "margin": contest.lead.margin,
            "progress": contest.progress,
            "overturnable": contest.lead.overturnable,
            "official_valid": contest.contest.official_valid,
            "official_invalid": contest.contest.official_invalid,
            "elected": "; ".join(elected.contender.name for elected in contest.outcome.elected),
            "elected_how": next((elected.how for elected in contest.outcome.elected), None),
            "tied": "; ".join(standing.contender.name for standing in contest.outcome.tie),
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


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
