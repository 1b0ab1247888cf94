"""Registers an election: its row, ballot key, parties and contests, out of a scenario and the run's parameters."""

import json
import re
import secrets
from dataclasses import asdict
from typing import Any

from psycopg import Cursor

from election import scenarios, sources
from election.contracts import topics
from election.errors import BadInput, UnknownElection
from election.messaging.reading import Offsets, bounds
from election.outcome import Rules
from election.parameters import SLUG, Registration
from election.platform import Connection, Platform
from election.preparation.room import require_room
from election.scenarios import Scenario
from election.storage.elections import Election, election
from election.storage.scenario import candidates_digest, require_unchanged, scenario_digest

# Up to this many candidates the count keeps votes per minute for each, beyond it for each party.
MINUTES_BY_CANDIDATE = 20


def checked(platform: Platform, registration: Registration) -> Scenario:
    """The scenario with the registration's filter and size applied. Raises BadInput; writes nothing."""
    scenario = scenarios.load(platform.settings.scenarios, registration.scenario)
    scenario = scenarios.select(scenario, list(registration.contests), registration.region)
    if not re.search(SLUG, registration.slug):  # the default takes its beginning from the scenario's folder
        raise BadInput(
            f"The slug {registration.slug!r} cannot be used: give one of 1 to 63 of a-z, 0-9 and '-', beginning with a "
            "letter or digit."
        )
    if registration.turnout is not None and scenario.kind == "replay":
        raise BadInput(f"{scenario.name} is a replay: its turnout is the official one. Leave `turnout` out.")
    if registration.voters is not None:
        scenario = scenarios.with_voters(scenario, registration.voters)
    sources.check(registration.source, registration.nationality, scenario.registered)
    return scenario


def register(platform: Platform, registration: Registration) -> Election:
    """Registers the election, or finds it registered with the same parameters.

    Raises BadInput when the parameters cannot be used, when the disk is too small for the electorate, or when the
    slug is another election's.
    """
    registration = registration.named()
    scenario = checked(platform, registration)
    parameters = _parameters(registration, scenario)
    _, votes_end = bounds(platform.kafka, topics.VOTES)
    _, ballots_end = bounds(platform.kafka, topics.BALLOTS)
    with platform.connect("app") as connection:
        # Two runs may register the same slug at once; the second waits here and finds the first's.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [registration.slug])
        try:
            known = election(connection, registration.slug)
        except UnknownElection:
            require_room(platform.settings, scenario)
            _insert(connection, registration, scenario, parameters, votes_end, ballots_end)
            return election(connection, registration.slug)
        if (known.scenario, known.source, known.seed, known.parameters) != (
            registration.scenario,
            registration.source,
            registration.seed,
            parameters,
        ):
            raise BadInput(
                f"The election {registration.slug!r} exists with other parameters "
                f"({known.scenario}, {known.source}, seed {known.seed}, {json.dumps(known.parameters)}). "
                "Choose another slug."
            )
        require_unchanged(connection, known, scenario)
        return known


def _parameters(registration: Registration, scenario: Scenario) -> dict[str, Any]:
    elsewhere = {"scenario", "slug", "source", "seed"}
    kept = registration.model_dump(mode="json", include=Registration.model_fields.keys() - elsewhere)
    if scenario.kind == "simulated":
        # The behaviour reads it here: the folder may change between registration and casting.
        kept["simulation"] = asdict(scenario.simulation)
    if scenario.system != Rules():
        kept["system"] = asdict(scenario.system)
    return json.loads(json.dumps(kept))


def _insert(
    connection: Connection,
    registration: Registration,
    scenario: Scenario,
    parameters: dict[str, Any],
    votes_from: Offsets,
    ballots_from: Offsets,
) -> None:
    candidates = sum(len(contest.candidates) for contest in scenario.contests)
    (election_no,) = connection.execute(
        """INSERT INTO elections (slug, scenario, name, polling_day, kind, source, seed, series, parameters, votes_from,
                                  ballots_from, scenario_digest)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING election_no""",
        [
            registration.slug,
            registration.scenario,
            scenario.title,
            scenario.polling_day,
            scenario.kind,
            registration.source,
            registration.seed,
            "candidate" if candidates <= MINUTES_BY_CANDIDATE else "party",
            json.dumps(parameters),
            json.dumps(votes_from),
            json.dumps(ballots_from),
            scenario_digest(scenario),
        ],
    ).fetchone() or (0,)
    connection.execute(
        "INSERT INTO ballot_keys (election_no, key) VALUES (%s, %s)", [election_no, secrets.token_bytes(32)]
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO parties (election_no, abbreviation, name, colour) VALUES (%s, %s, %s, %s)",
            [(election_no, party.abbreviation, party.name, party.colour) for party in scenario.parties],
        )
        cursor.executemany(
            """INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, declared_at,
                                     registered, official_valid, official_invalid, polling_day,
                                     candidates_digest, unopposed, kind, seats)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (
                    election_no,
                    number,
                    contest.contest_id,
                    contest.name,
                    contest.region,
                    contest.country,
                    contest.declared_at,
                    contest.electorate,
                    contest.valid_votes,
                    contest.invalid_votes,
                    contest.polling_day,
                    candidates_digest(contest),
                    contest.unopposed,
                    contest.kind,
                    contest.seats,
                )
                for number, contest in enumerate(scenario.contests, 1)
            ],
        )
        _insert_districts(cursor, election_no, scenario)


def _insert_districts(cursor: Cursor, election_no: int, scenario: Scenario) -> None:
    """Districts and their ballot papers; voters are numbered in the order of the districts."""
    contest_no = {contest.contest_id: number for number, contest in enumerate(scenario.contests, 1)}
    districts, papers, first = [], [], 1
    for number, district in enumerate(scenario.districts, 1):
        where = (district.district_id, district.name, district.region, district.country)
        districts.append((election_no, number, *where, district.electorate, first))
        papers += [
            (election_no, number, position, contest_no[contest_id])
            for position, contest_id in enumerate(district.contests, 1)
        ]
        first += district.electorate
    cursor.executemany(
        """INSERT INTO districts (election_no, district_no, district_id, name, region, country, registered,
                                  first_voter_no)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
        districts,
    )
    cursor.executemany(
        "INSERT INTO papers (election_no, district_no, position, contest_no) VALUES (%s, %s, %s, %s)", papers
    )
