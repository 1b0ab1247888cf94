"""The behaviour of an election that is registered in Postgres."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from psycopg.rows import class_row

from election.behaviour.deciding import Behaviour, Roll
from election.behaviour.replay import Replay
from election.behaviour.simulation import Simulated
from election.contracts.public import LINE_SQL
from election.errors import StageFailed
from election.outcome import Line
from election.platform import Connection
from election.scenarios import Simulation


def load(connection: Connection, election_no: int) -> Behaviour:
    """The behaviour of the election's voters. Raises StageFailed when its candidates are not seeded yet."""
    row = connection.execute(
        "SELECT slug, seed, kind, parameters FROM elections WHERE election_no = %s", [election_no]
    ).fetchone()
    if row is None:
        raise LookupError(f"there is no election {election_no}")
    slug, seed, kind, parameters = row
    rolls = _rolls(connection, election_no)
    if not rolls or not all(roll.candidates for roll in rolls):
        raise StageFailed(f"{slug} has contests without candidates: `election seed {slug}` comes before casting.")
    if kind == "replay":
        return Behaviour(rolls, Replay(seed, rolls))
    return Behaviour(rolls, Simulated(seed, rolls, simulation_of(parameters)))


def simulation_of(parameters: dict[str, Any]) -> Simulation:
    """What a registered election is simulated with: its scenario's [simulation], a turnout of the run before it."""
    given = dict(parameters.get("simulation") or {})
    support = tuple((party, low, high) for party, low, high in given.pop("support", ()))
    simulation = Simulation(**given, support=support)
    turnout = parameters.get("turnout")
    return simulation if turnout is None else replace(simulation, turnout=turnout)


def _rolls(connection: Connection, election_no: int) -> list[Roll]:
    lines: dict[int, list[Line]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        for line in cursor.execute(
            f"SELECT {LINE_SQL} FROM candidates WHERE election_no = %s ORDER BY candidate_no", [election_no]
        ):
            lines[line.contest].append(line)
    contests = connection.execute(
        """SELECT contest_no, contest_id, region, first_voter_no, registered, official_invalid, unopposed FROM contests
           WHERE election_no = %s ORDER BY first_voter_no""",
        [election_no],
    )
    return [
        Roll(no, contest_id, region, first, registered, invalid, tuple(lines[no]), unopposed)
        for no, contest_id, region, first, registered, invalid, unopposed in contests
    ]
