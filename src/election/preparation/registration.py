"""Registers an election: its row, ballot key, parties and contests, out of a scenario and the run's parameters."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from election import nights, scenarios, sources
from election.contracts import topics
from election.errors import BadInput, UnknownElection
from election.messaging.reading import Offsets, bounds
from election.platform import Connection, Platform
from election.scenarios import Scenario
from election.storage.elections import Ballots, Election, election

# Up to this many candidates the count keeps votes per minute for each, beyond it for each party.
MINUTES_BY_CANDIDATE = 20
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class Registration:
    """What makes an election what it is. ``voters`` and ``turnout`` (0 to 1) are for simulated scenarios only.

    ``ballots`` are simulated by the casting workers, or external: they come in on ``ballots_topic``. ``night`` is the
    duration, such as 10m, to which the night of the declarations is compressed.
    """

    scenario: str
    slug: str = ""
    contests: tuple[str, ...] = ()
    region: str | None = None
    source: Literal["offline", "randomuser"] = "offline"
    nationality: str = "gb"
    voters: int | None = None
    turnout: float | None = None
    seed: int = 2019
    ballots: Ballots = "simulated"
    night: str | None = None

    def named(self) -> "Registration":
        """With the default slug, scenario and time (UTC), when none was given."""
        return self if self.slug else replace(self, slug=f"{self.scenario[:46]}-{datetime.now(UTC):%Y%m%d-%H%M%S}")


def checked(platform: Platform, registration: Registration, rate: float = 0) -> Scenario:
    """The scenario with the registration's filter and size applied. Raises BadInput; writes nothing.

    ``rate`` is the one that casting is to keep.
    """
    if not SLUG.fullmatch(registration.slug):
        raise BadInput(
            f"The slug {registration.slug!r} cannot be used: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or "
            "digit."
        )
    scenario = scenarios.load(platform.settings.scenarios, registration.scenario)
    scenario = scenarios.select(scenario, list(registration.contests), registration.region)
    if registration.turnout is not None:
        if scenario.kind == "replay":
            raise BadInput(f"{scenario.name} is a replay: its turnout is the official one. Leave `turnout` out.")
        if not 0 < registration.turnout <= 1:
            raise BadInput(
                f"A turnout of {registration.turnout} cannot be: give a share above 0 and up to 1, such as 0.65."
            )
    if registration.voters is not None:
        scenario = scenarios.with_voters(scenario, registration.voters)
    _check_pace(registration, rate)
    sources.check(registration.source, registration.nationality, scenario.registered)
    return scenario


def _check_pace(registration: Registration, rate: float) -> None:
    if registration.ballots not in get_args(Ballots):
        raise BadInput(f"Ballots cannot be {registration.ballots!r}: use {' or '.join(get_args(Ballots))}.")
    if registration.night is not None:
        nights.seconds(registration.night)
    paces = {"rate": rate, "night": registration.night, "ballots=external": registration.ballots == "external"}
    given = [name for name, value in paces.items() if value]
    if len(given) > 1:
        raise BadInput(f"{' and '.join(given)} exclude each other: each of them says when ballots come. Keep one.")


def register(platform: Platform, registration: Registration) -> Election:
    """Registers the election, or finds it registered with the same parameters.

    Raises BadInput when the parameters cannot be used, or when the slug is another election's.
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
        return known


def _parameters(registration: Registration, scenario: Scenario) -> dict[str, Any]:
    kept = asdict(registration)
    for elsewhere in ("scenario", "slug", "source", "seed"):
        del kept[elsewhere]
    if scenario.kind == "simulated":
        # The behaviour reads it here: the folder may change between registration and casting.
        kept["simulation"] = asdict(scenario.simulation)
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
                                  ballots_from)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING election_no""",
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
        rows, first = [], 1
        for number, contest in enumerate(scenario.contests, 1):
            rows.append(
                (
                    election_no,
                    number,
                    contest.contest_id,
                    contest.name,
                    contest.region,
                    contest.country,
                    contest.declared_at,
                    contest.electorate,
                    first,
                    contest.valid_votes,
                    contest.invalid_votes,
                )
            )
            first += contest.electorate or 0
        cursor.executemany(
            """INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, declared_at,
                                     registered, first_voter_no, official_valid, official_invalid)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            rows,
        )
