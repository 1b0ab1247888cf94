"""The behaviour of an election that is registered in Postgres."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from psycopg.rows import class_row

from election.behaviour.deciding import INVALID, Behaviour, Contest, Roll
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
    if not rolls or not all(contest.lines for roll in rolls for contest in roll.paper):
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
    """The districts in the order of their voters' numbers, each with the contests on its ballot paper."""
    lines: dict[int, list[Line]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        for line in cursor.execute(
            f"SELECT {LINE_SQL} FROM candidates WHERE election_no = %s ORDER BY candidate_no", [election_no]
        ):
            lines[line.contest].append(line)
    official: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for district, contest, candidate, votes in connection.execute(
        "SELECT district_no, contest_no, candidate_no, votes FROM official_results WHERE election_no = %s",
        [election_no],
    ):
        official[district, contest][INVALID if candidate is None else candidate] = votes
    rankings: dict[tuple[int, int], list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    for district, contest, ranking, votes in connection.execute(
        """SELECT district_no, contest_no, ranking, votes FROM official_rankings WHERE election_no = %s
           ORDER BY district_no, contest_no, ranking""",
        [election_no],
    ):
        rankings[district, contest].append((tuple(ranking), votes))
    papers: dict[int, list[Contest]] = defaultdict(list)
    for district, contest, contest_id, kind in connection.execute(
        """SELECT district_no, contest_no, contest_id, kind FROM papers JOIN contests USING (election_no, contest_no)
           WHERE election_no = %s ORDER BY district_no, position""",
        [election_no],
    ):
        own = district, contest
        papers[district].append(
            Contest(contest, contest_id, tuple(lines[contest]), kind, official[own], tuple(rankings[own]))
        )
    districts = connection.execute(
        """SELECT district_no, district_id, region, first_voter_no, registered FROM districts
           WHERE election_no = %s ORDER BY first_voter_no""",
        [election_no],
    )
    return [
        Roll(no, district_id, region, first, registered, tuple(papers[no]))
        for no, district_id, region, first, registered in districts
    ]
