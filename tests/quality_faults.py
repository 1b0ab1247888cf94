"""Elections with faults planted: a scratch database whose constraints are lifted, and a copy of it for each fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_type_hints

import psycopg
from psycopg import sql

from election.contracts import topics
from election.contracts.aggregates import AGGREGATES
from election.contracts.messages import SCHEMA_VERSION, encode
from election.messaging.clients import SafeProducer
from election.platform import Platform, native
from election.preparation import create_tables
from election.settings import PROJECT
from election.stack import postgres
from election.storage.elections import Election, election
from election.storage.expected import expected_totals

SCENARIO = """name = "A drill"
polling_day = 2019-12-12
licence = "Made up."
[parties]
A = { name = "Alpha", colour = "#0087dc" }
B = { name = "Beta", colour = "#e4003b" }
G = { name = "Gamma", colour = "#faa61a" }
"""
CONTESTS = """contest_id,name,region,country,declared_at,electorate,valid_votes,invalid_votes
D1,Easton,East,Drillshire,,300,180,4
D2,Weston,West,Drillshire,,200,120,2
"""
CANDIDATES = """contest_id,given_name,family_name,gender,party,party_abbreviation,votes
D1,Ada,Able,female,Alpha,A,100
D1,Bob,Baker,male,Beta,B,80
D2,Cid,Clark,male,Alpha,A,70
D2,Dot,Dale,female,Beta,B,50
"""
# Two districts, each with a contest of its own and a common one, all decided by rankings.
SEVERAL = {
    "scenario.toml": SCENARIO.replace("[parties]", '[system]\nsystem = "irv"\n[parties]'),
    "contests.csv": """contest_id,name,region,country
D1,Easton,East,Drillshire
D2,Weston,West,Drillshire
DD,Drillshire,East,Drillshire
""",
    "districts.csv": """district_id,name,region,country,electorate,contests
D1,Easton,East,Drillshire,60,D1;DD
D2,Weston,West,Drillshire,40,D2;DD
""",
    "candidates.csv": """contest_id,given_name,family_name,gender,party,party_abbreviation,candidate_no
D1,Ada,Able,female,Alpha,A,1
D1,Bob,Baker,male,Beta,B,2
D2,Cid,Clark,male,Alpha,A,1
D2,Dot,Dale,female,Beta,B,2
DD,Eve,East,female,Alpha,A,1
DD,Fay,Ford,female,Beta,B,2
DD,Guy,Gray,male,Gamma,G,3
""",
    "results.csv": """district_id,contest_id,choice,votes
D1,D1,invalid,1
D2,D2,invalid,0
D1,DD,invalid,0
D2,DD,invalid,2
""",
    "ballots.csv": """district_id,contest_id,ballots,ranking
D1,D1,20,1>2
D1,D1,9,2
D2,D2,20,2>1
D1,DD,10,1>3
D1,DD,12,2>1>3
D1,DD,8,3
D2,DD,7,1>3
D2,DD,11,3>2>1
""",
}
# Far from the numbers of the tests' own database, with which the topics are shared.
_FIRST_ELECTION = 500_000


def scratch(platform: Platform, root: Path) -> Platform:
    """The platform with a database of its own and, in ``root``, the small scenarios `drill` and `drill-several`."""
    simple = {"scenario.toml": SCENARIO, "contests.csv": CONTESTS, "candidates.csv": CANDIDATES}
    for scenario, files in (("drill", simple), ("drill-several", SEVERAL)):
        folder = root / "scenarios" / scenario
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    (root / "scenarios" / "single-race").symlink_to(PROJECT / "scenarios" / "single-race")
    (root / "expectations").symlink_to(PROJECT / "expectations")
    made = _named(platform, root, "drills")
    postgres.settle(made.settings)
    create_tables(made)
    with made.connect("owner") as connection:
        connection.execute(f"ALTER TABLE elections ALTER election_no RESTART WITH {_FIRST_ELECTION}")
    return made


@contextmanager
def copy(base: Platform, name: str) -> Iterator[Platform]:
    """A copy of the database as it is now, without constraints and guards, for as long as the context lasts."""
    copied = _named(base, base.settings.root, f"drill_{name}")
    identifier, template = sql.Identifier(copied.settings.postgres_database), sql.Identifier("drills")
    with _superuser(base) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER election_owner").format(identifier, template))
    try:
        with copied.connect("owner") as connection:
            lift_constraints(connection)
        yield copied
    finally:
        with _superuser(base) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def lift_constraints(connection: psycopg.Connection) -> None:
    """As their owner may: no keys, no references, no checks, no guards, and every column may be null."""
    tables = (
        "votes", "voters", "candidates", "papers", "official_results", "official_rankings", "contests", "districts",
        "elections",
    )  # fmt: skip
    for table, name in connection.execute(
        """SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s)
           AND contype <> 'n' ORDER BY contype <> 'f'""",
        [list(tables)],
    ).fetchall():
        connection.execute(_alter(table, "DROP CONSTRAINT {} CASCADE", name))
    for table in tables:
        connection.execute(_alter(table, "DISABLE TRIGGER USER"))
        for (column,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attnotnull "
            "AND attidentity = ''",
            [table],
        ).fetchall():
            connection.execute(_alter(table, "ALTER {} DROP NOT NULL", column))


def _alter(table: str, change: str, *names: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} " + change).format(sql.Identifier(table), *map(sql.Identifier, names))


def count(platform: Platform, slug: str, more: int = 0) -> None:
    """Puts totals on the aggregated topics as the stream would, with ``more`` votes for candidate 1 than there are."""
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
        totals = expected_totals(connection, poll)
    producer = SafeProducer(platform.login("tally"))
    for topic, keys in totals.items():
        for key, votes in keys.items():
            ahead = more if (topic, key) == (topics.VOTES_PER_CANDIDATE, f"{poll.election_no}/1/1/1") else 0
            rest = key.split("/")[1:]
            message = {
                "schema_version": SCHEMA_VERSION,
                "generation": 1,
                "election": poll.election_no,
                "votes": votes + ahead,
                **_members(topic, rest),
            }
            producer.produce(topic, encode(message), "/".join([str(poll.election_no), "1", *rest]).encode())
    producer.flush()


def _members(topic: str, rest: list[str]) -> dict[str, object]:
    """What a total's message says besides its votes: its key, and made-up names."""
    aggregate = next(declared for declared in AGGREGATES if declared.topic == topic)
    form = get_type_hints(aggregate.message)
    key = {part.name: form[part.name] is int for part in aggregate.key}
    last = len(key) - 1
    told = zip(key.items(), [*rest[:last], "/".join(rest[last:])], strict=True)
    own: dict[str, object] = {name: int(value) if number else value for (name, number), value in told}
    return own | {part.name: "A" for part in aggregate.names}


def known(platform: Platform, slug: str) -> Election:
    with platform.connect("reader") as connection:
        return election(connection, slug)


def _named(platform: Platform, root: Path, database: str) -> Platform:
    return native(platform.settings.model_copy(update={"postgres_database": database, "root": root}))


def _superuser(platform: Platform) -> psycopg.Connection:
    settings = platform.settings
    return psycopg.connect(
        host=settings.postgres_host, port=settings.postgres_port, dbname="postgres", user="postgres",
        password=settings.secret("postgres_superuser"), autocommit=True,
    )  # fmt: skip
