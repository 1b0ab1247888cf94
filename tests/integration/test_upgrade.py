"""A database that an older version made becomes the present one where it is: same rules, nothing lost."""

from pathlib import Path

import psycopg
import pytest

from election.certification import certify
from election.errors import StageFailed
from election.platform import Platform, native
from election.preparation import create_tables
from election.stack import postgres
from election.storage.ballots import stored_ballots
from election.storage.elections import election
from tests.certifying import verdict

OLDER = Path(__file__).parent / "older"
VERSIONS = ("first", "0.1")
SLUG = "counted-before"
# An election that was counted then, with one verdict about its two votes.
COUNTED = f"""
INSERT INTO elections (slug, scenario, name, polling_day, kind, source, seed, series, state, opened_at, closed_at,
                       counted_at, votes_from, voters_from, voters_to)
VALUES ('{SLUG}', 'drill', 'A drill', '2019-12-12', 'simulated', 'offline', 1, 'candidate', 'counted', now(), now(),
        now(), '{{"0": 0}}', '{{"0": 0}}', '{{"0": 3}}');
INSERT INTO ballot_keys VALUES (1, sha256('key'));
INSERT INTO parties VALUES (1, 'A', 'Alpha', '#0087dc'), (1, 'B', 'Beta', NULL);
INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered, first_voter_no)
VALUES (1, 1, 'D1', 'Easton', 'East', 'Drillshire', 3, 1);
INSERT INTO candidates (election_no, contest_no, candidate_no, given_name, family_name, gender, party,
                        party_abbreviation)
VALUES (1, 1, 1, 'Ada', 'Able', 'female', 'Alpha', 'A'), (1, 1, 2, 'Bob', 'Baker', 'male', 'Beta', 'B');
INSERT INTO locations VALUES (1, 1, 'Drillshire', 'East', 'Easton');
INSERT INTO voters SELECT 1, number, 1, 1, 'female', '1970-01-01', 'Ms', 'Eve', 'Elector', 'eve@example.org', '1',
                          'High Street', 'D1 1AA', 'GB' FROM generate_series(1, 3) AS number;
INSERT INTO votes VALUES (1, 1, 1, 1, now()), (1, 2, 1, NULL, now());
INSERT INTO registered_counts VALUES (1, 'contest', '1', 3);
INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences)
VALUES (1, true, 3, 2, 2, 0, '[]');
"""

TABLES = ("elections", "parties", "contests", "candidates", "locations", "voters", "votes", "registered_counts",
          "certified_contests", "certified_results")  # fmt: skip
# Version 0.1 alone knew certified elections. A copy of the counted one is certified, another one's poll is open.
CERTIFIED_AND_OPEN = f"""
INSERT INTO elections (slug, scenario, name, polling_day, kind, source, seed, series, state, opened_at, votes_from,
                       voters_from, voters_to)
SELECT slug || '-' || state, scenario, name, polling_day, kind, source, seed, series, state, now(), votes_from,
       voters_from, voters_to
FROM (SELECT slug, scenario, name, polling_day, kind, source, seed, series, votes_from, voters_from, voters_to
      FROM elections WHERE slug = '{SLUG}') AS made, (VALUES ('open'), ('certified')) AS known (state);
INSERT INTO parties SELECT e.election_no, abbreviation, p.name, colour FROM parties p, elections e
    WHERE p.election_no = 1 AND e.election_no > 1;
INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered, first_voter_no)
    SELECT election_no, 1, 'D1', 'Easton', 'East', 'Drillshire', 3, 1 FROM elections WHERE election_no > 1;
INSERT INTO candidates (election_no, contest_no, candidate_no, given_name, family_name, gender, party,
                        party_abbreviation)
    SELECT election_no, 1, 1, 'Ada', 'Able', 'female', 'Alpha', 'A' FROM elections WHERE election_no > 1;
INSERT INTO locations SELECT election_no, 1, 'Drillshire', 'East', 'Easton' FROM elections WHERE election_no > 1;
INSERT INTO voters SELECT e.election_no, voter_no, contest_no, location_no, gender, date_of_birth, title, given_name,
                          family_name, email, phone, street, postcode, nationality
    FROM voters v, elections e WHERE v.election_no = 1 AND e.election_no > 1;
INSERT INTO votes SELECT election_no, 1, 1, 1, now() FROM elections WHERE election_no > 1;
INSERT INTO registered_counts SELECT election_no, 'contest', '1', 3 FROM elections WHERE election_no > 1;
INSERT INTO certified_contests SELECT election_no, 1, 'D1', 'Easton', 3, 1, 0 FROM elections
    WHERE slug = '{SLUG}-certified';
INSERT INTO certified_results SELECT election_no, 1, 1, 'Ada Able', 'A', 1 FROM elections
    WHERE slug = '{SLUG}-certified';
"""

# What there is and what holds, one text a thing; where a column stands in its table says nothing.
CATALOGUE = {
    "columns": """SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity,
                      generation_expression) FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                      WHERE connamespace = 'public'::regnamespace AND conrelid <> 0""",
    "views": "SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public'",
    "triggers": """SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
                   WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal""",
    "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "rights to call them": """SELECT concat_ws(' ', proname, a) FROM pg_proc, unnest(proacl) AS a
                              WHERE pronamespace = 'public'::regnamespace""",
    "grants": """SELECT concat_ws(' ', relname, a) FROM pg_class, unnest(relacl) AS a
                 WHERE relnamespace = 'public'::regnamespace""",
}


@pytest.fixture(scope="module", params=VERSIONS)
def older(platform: Platform, request: pytest.FixtureRequest) -> Platform:
    """The platform with a database as that version left it, with a counted election."""
    made = database(platform, f"older-{request.param}")
    with made.connect("owner") as connection:
        connection.execute((OLDER / f"{request.param}.sql").read_bytes())
        connection.execute(IN_ONE_STEP[request.param])
        connection.execute(COUNTED.encode())
        if request.param == "0.1":
            # What took several steps is put there at once.
            for switch in ("DISABLE", "ENABLE"):
                for table in TABLES:
                    connection.execute(f"ALTER TABLE {table} {switch} TRIGGER USER".encode())
                if switch == "DISABLE":
                    connection.execute(CERTIFIED_AND_OPEN.encode())
    return made


# Version 0.1 lets no election begin as counted; what the statements below make in one step took several there.
IN_ONE_STEP = {"first": b"SELECT", "0.1": b"ALTER TABLE elections DISABLE TRIGGER goes_its_way"}


@pytest.fixture(scope="module")
def upgraded(older: Platform) -> Platform:
    """The same after this version has prepared it, twice, as every run does."""
    with older.connect("owner") as connection:
        connection.execute("ALTER TABLE elections ENABLE TRIGGER USER")
    for _ in range(2):
        create_tables(older)
    return older


def database(platform: Platform, name: str) -> Platform:
    made = native(platform.settings.model_copy(update={"postgres_database": name}))
    postgres.settle(made.settings)
    return made


def test_it_ends_as_a_new_one_begins(tables, upgraded):
    for kind, query in CATALOGUE.items():
        assert found(upgraded, query) == found(tables, query), kind


def test_tables_between_two_versions_are_refused_and_stay_as_they_are(platform):
    made = database(platform, "older-between")
    with made.connect("owner") as connection:
        connection.execute((OLDER / "first.sql").read_bytes())
        connection.execute("ALTER TABLE elections ADD ballots_to jsonb")
    before = found(made, CATALOGUE["columns"])
    with pytest.raises(StageFailed, match=r"between two versions: certifications, .* of v2 are not there\. Restore"):
        create_tables(made)
    assert found(made, CATALOGUE["columns"]) == before


def test_tables_of_a_newer_version_are_refused_with_what_to_do(platform):
    made = database(platform, "older-newer")
    create_tables(made)
    with made.connect("owner") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v99'")
    with pytest.raises(StageFailed, match=r"a version that this project does not know: .*'v99'\. Upgrade the project"):
        create_tables(made)


def test_its_election_is_there_and_can_be_certified_and_no_longer_changed(upgraded):
    with upgraded.connect("reader") as connection:
        poll = election(connection, SLUG)
        assert (poll.state, poll.ballots, poll.ballots_to) == ("counted", "simulated", None)
        assert connection.execute("SELECT kind, published FROM verdicts").fetchall() == [("reconciliation", None)]
    certify(upgraded, SLUG, "admin", "It agreed then and agrees now.", verdict(upgraded, SLUG))
    with upgraded.connect("dashboard") as connection:
        known = connection.execute(
            "SELECT candidate, votes FROM public_certified_results WHERE election_no = 1 ORDER BY 1"
        ).fetchall()
    assert known == [("Ada Able", 1), ("Bob Baker", 0)]
    for role in ("owner", "app"):
        with (
            upgraded.connect(role) as connection,
            pytest.raises((psycopg.errors.RaiseException, psycopg.errors.InsufficientPrivilege)),
        ):
            connection.execute("UPDATE votes SET candidate_no = 2")


def test_its_contests_are_districts_with_that_one_contest_on_their_paper(upgraded):
    with upgraded.connect("reader") as connection:
        papers = connection.execute(
            """SELECT DISTINCT district_id, district_no, position, contest_no, first_voter_no
               FROM districts JOIN papers USING (election_no, district_no)"""
        ).fetchall()
        dimensions = connection.execute("SELECT DISTINCT dimension FROM registered_counts").fetchall()
    assert (papers, dimensions) == ([("D1", 1, 1, 1, 1)], [("district",)])


@pytest.mark.parametrize("older", ["0.1"], indirect=True)
def test_a_poll_that_was_open_goes_on_and_what_was_certified_stays(older, upgraded):
    with upgraded.connect("app") as connection:
        poll = election(connection, f"{SLUG}-open")
        vote = "INSERT INTO votes VALUES (%s, %s, 1, 1, now(), 1)"
        connection.execute(vote, [poll.election_no, 2])
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(vote, [poll.election_no, 1])
        connection.rollback()
        done = election(connection, f"{SLUG}-certified")
        with pytest.raises(psycopg.errors.RaiseException, match="is certified"):
            connection.execute(vote, [done.election_no, 2])
        connection.rollback()
        assert [one.candidate for one in stored_ballots(connection, poll.election_no)] == [1, 1]
    with upgraded.connect("dashboard") as connection:
        figures, district = (
            connection.execute(query, [done.election_no]).fetchall()
            for query in (
                """SELECT district_no, position, contest_no, candidate_no, votes
                   FROM public_certified_district_results WHERE election_no = %s ORDER BY candidate_no""",
                "SELECT district_id, registered, voted FROM public_certified_districts WHERE election_no = %s",
            )
        )
    assert (figures, district) == ([(1, 1, 1, 1, 1), (1, 1, 1, None, 0)], [("D1", 3, 1)])


def found(platform: Platform, query: str) -> list[str]:
    with platform.connect("owner") as connection:
        return sorted(text for (text,) in connection.execute(query.encode()))
