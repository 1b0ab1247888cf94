"""Digests of the scenario with which an election was registered, and the changes in the scenario's folder since."""

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass, replace
from hashlib import sha256
from typing import Any, TypeVar

from psycopg.rows import dict_row

from election.errors import BadInput
from election.platform import Connection
from election.scenarios import Contest, District, Scenario, part
from election.storage.elections import Election

Sized = TypeVar("Sized", Contest, District)


def scenario_digest(scenario: Scenario) -> str:
    """SHA-256 of all that decides the result: title, polling days, parties, contests, candidates, official figures,
    districts and their papers.

    It leaves out the licence, the map, [simulation], and the size of a simulated electorate, which a run may set.
    """
    contests = [_sized(scenario, contest) for contest in scenario.contests]
    content = [scenario.title, scenario.polling_day, scenario.kind, scenario.parties, contests]
    if not scenario.simple:
        content += [[_sized(scenario, district) for district in scenario.districts], scenario.results]
    return _digest(content)


def candidates_digest(contest: Contest) -> str:
    """SHA-256 of the candidates of a contest and their official votes."""
    return _digest(contest.candidates)


def require_unchanged(connection: Connection, poll: Election, scenario: Scenario) -> None:
    """Raises BadInput, naming the changes, if the scenario has changed since the election was registered.

    It compares only the election's own contests. An election of an older version has no digest and is not compared.
    """
    (registered_with,) = connection.execute(
        "SELECT scenario_digest FROM elections WHERE election_no = %s", [poll.election_no]
    ).fetchone() or (None,)
    if registered_with is None:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """SELECT contest_id, name, region, country, declared_at, polling_day, registered AS electorate,
                      official_valid AS valid_votes, official_invalid AS invalid_votes, candidates_digest
               FROM contests WHERE election_no = %s ORDER BY contest_no""",
            [poll.election_no],
        ).fetchall()
    registered = connection.execute("SELECT district_id FROM districts WHERE election_no = %s", [poll.election_no])
    own = part(scenario, {district_id for (district_id,) in registered})
    if scenario_digest(own) == registered_with:
        return
    by_id = {contest.contest_id: contest for contest in own.contests}
    changes = [*_election_changes(poll, scenario), *_contest_changes(rows, by_id, scenario.kind)]
    some = "; ".join(changes[:10]) or "its parties, districts or results"
    raise BadInput(
        f"The scenario {scenario.name} has changed since the election {poll.slug} was registered: "
        f"{some}{f'; and {len(changes) - 10} more' if len(changes) > 10 else ''}. "
        "Put its folder back as it was, or register another election under another slug."
    )


def _election_changes(poll: Election, scenario: Scenario) -> Iterator[str]:
    pairs = {
        "name": (poll.name, scenario.title),
        "polling_day": (poll.polling_day, scenario.polling_day),
        "the kind": (poll.kind, scenario.kind),
    }
    yield from (f"{what} was {then}, is {now}" for what, (then, now) in pairs.items() if then != now)


def _contest_changes(rows: list[dict[str, Any]], by_id: dict[str, Contest], kind: str) -> Iterator[str]:
    for row in rows:
        contest = by_id.get(row["contest_id"])
        label = f"{row['name']} ({row['contest_id']})"
        if contest is None:
            yield f"the contest {label} is gone"
            continue
        compared = [name for name in row if name not in ("contest_id", "candidates_digest")]
        if kind == "simulated":
            compared.remove("electorate")
        for name in compared:
            if row[name] != getattr(contest, name):
                yield f"{name} of {label} was {row[name]}, is {getattr(contest, name)}"
        if row["candidates_digest"] != candidates_digest(contest):
            yield f"the candidates of {label} or their votes"


def _sized(scenario: Scenario, one: Sized) -> Sized:
    return replace(one, electorate=0) if scenario.kind == "simulated" else one


def _digest(content: Any) -> str:
    return sha256(json.dumps(_plain(content), ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The value as JSON. Fields at their default are left out, so that a field added later changes no digest."""
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) is not None
            and (field.default is MISSING or getattr(value, field.name) != field.default)
        }
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
