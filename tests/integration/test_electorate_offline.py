"""The offline electorate in a real Postgres: complete, repeatable, resumable, and checked before publication."""

from datetime import date, timedelta

import pytest

from election import behaviour
from election.contracts.ages import AGE_GROUP_SQL, OF_AGE, age_group, age_on, age_sql
from election.contracts.messages import SCHEMA_VERSION, VoterRecord
from election.electorate import check_electorate, generated, seed_candidates, seed_voters
from election.errors import StageFailed
from election.platform import Platform
from election.preparation import Registration, register
from election.storage.voters import COLUMNS, TEXTS

YNYS_MON = "W07000041"


@pytest.fixture
def registered(tables: Platform):
    """Registers an election of the single race, of 12,000 voters, under the test's name."""

    def make(slug, scenario="single-race", **parameters):
        if scenario == "single-race":
            parameters = {"voters": 12_000} | parameters
        return register(tables, Registration(scenario, slug, **parameters)).election_no

    return make


def voters(platform, election_no):
    """Every voter without the election's number, by voter number."""
    with platform.connect("reader") as connection:
        return connection.execute(
            """SELECT voter_no, district_no, location_no, gender, date_of_birth, title, given_name, family_name, email,
                      phone, street, postcode, nationality
               FROM voters WHERE election_no = %s ORDER BY voter_no""",
            [election_no],
        ).fetchall()


def test_every_registered_voter_is_stored_and_counted(tables, registered):
    no = registered("offline-complete", "uk-general-election-2019", contests=(YNYS_MON,))
    assert seed_candidates(tables, "offline-complete") == 4
    assert seed_voters(tables, "offline-complete") == 51_925
    assert check_electorate(tables, "offline-complete") == {
        "contests": 1,
        "candidates": 4,
        "voters": 51_925,
        "locations": 14,
    }
    with tables.connect("reader") as connection:
        counted = connection.execute(
            "SELECT dimension, count(*), sum(registered) FROM registered_counts WHERE election_no = %s GROUP BY 1", [no]
        ).fetchall()
        groups = connection.execute(
            """SELECT member, registered FROM registered_counts
               WHERE election_no = %s AND dimension = 'age_group' ORDER BY 1""",
            [no],
        ).fetchall()
        ages = connection.execute(
            """SELECT count(*) FILTER (WHERE age BETWEEN 18 AND 24), count(*) FILTER (WHERE age >= 75), min(age)
               FROM (SELECT extract(year FROM age(date '2019-12-12', date_of_birth)) AS age
                     FROM voters WHERE election_no = %s) AS ages""",
            [no],
        ).fetchone()
    everybody = 51_925
    assert {dimension: (members, registered) for dimension, members, registered in counted} == {
        "district": (1, everybody),
        "location": (14, everybody),
        "gender": (3, everybody),
        "age_group": (7, everybody),
    }
    assert (dict(groups)["18-24"], dict(groups)["75+"], 18) == ages


def test_the_same_seed_registers_the_same_people_and_another_seed_others(tables, registered):
    people = {}
    for slug, seed in (("offline-seed-a", 7), ("offline-seed-b", 7), ("offline-seed-c", 8)):
        no = registered(slug, seed=seed)
        seed_candidates(tables, slug)
        seed_voters(tables, slug)
        people[slug] = voters(tables, no)
    assert people["offline-seed-a"] == people["offline-seed-b"]
    assert people["offline-seed-a"] != people["offline-seed-c"]


def test_a_seeding_that_is_killed_goes_on_with_the_parts_that_miss_and_leaves_the_same_rows(
    tables, registered, monkeypatch
):
    whole = registered("offline-whole")
    seed_voters(tables, "offline-whole")

    monkeypatch.setattr(generated, "_PART", 5_000)
    stopped = registered("offline-stopped")
    real = generated.text

    def dies_in_the_second_part(people, first, last):
        if 5_000 < first <= 10_000:
            raise KeyboardInterrupt
        return real(people, first, last)

    monkeypatch.setattr(generated, "text", dies_in_the_second_part)
    with pytest.raises(KeyboardInterrupt):
        seed_voters(tables, "offline-stopped")
    kept = len(voters(tables, stopped))
    assert kept in (0, 5_000, 7_000)  # whole parts, those that the other loader had begun

    monkeypatch.setattr(generated, "text", real)
    told: list[str] = []
    assert seed_voters(tables, "offline-stopped", told.append) == 12_000
    assert f"{kept:,} of 12,000 voters of offline-stopped are stored already." in told or not kept
    assert voters(tables, stopped) == voters(tables, whole)


def test_repeating_the_stage_changes_nothing(tables, registered):
    no = registered("offline-repeated")
    for _ in range(2):
        assert seed_candidates(tables, "offline-repeated") == 3
        assert seed_voters(tables, "offline-repeated") == 12_000
        figures = check_electorate(tables, "offline-repeated")
    assert figures["voters"] == 12_000 == len(voters(tables, no))


def test_an_electorate_with_a_voter_missing_is_refused_with_the_figures(tables, registered):
    no = registered("offline-missing")
    seed_candidates(tables, "offline-missing")
    seed_voters(tables, "offline-missing")
    with tables.connect("owner") as connection:
        connection.execute("DELETE FROM voters WHERE election_no = %s AND voter_no = 77", [no])
    with pytest.raises(StageFailed, match=r"district SR1 has 11,999 of 12,000 registered voters.*Nothing is published"):
        check_electorate(tables, "offline-missing")
    with tables.connect("reader") as connection:
        assert connection.execute("SELECT count(*) FROM registered_counts WHERE election_no = %s", [no]).fetchone() == (
            0,
        )


def test_an_electorate_without_candidates_or_with_a_minor_is_refused(tables, registered):
    no = registered("offline-minor")
    seed_voters(tables, "offline-minor")
    with tables.connect("owner") as connection:
        # One day short of 18 on the polling day, 2026-05-07.
        connection.execute(
            "UPDATE voters SET date_of_birth = '2008-05-08' WHERE election_no = %s AND voter_no = 1", [no]
        )
    with pytest.raises(StageFailed, match=r"contest SR1 has 0 candidates; 1 voters are younger than 18"):
        check_electorate(tables, "offline-minor")
    with tables.connect("owner") as connection:
        connection.execute(
            "UPDATE voters SET date_of_birth = '2008-05-07' WHERE election_no = %s AND voter_no = 1", [no]
        )
    seed_candidates(tables, "offline-minor")
    assert check_electorate(tables, "offline-minor")["voters"] == 12_000


def test_a_replay_whose_candidates_lost_a_vote_is_refused(tables, registered):
    no = registered("offline-lost-vote", "uk-general-election-2019", contests=("S14000027",))
    seed_candidates(tables, "offline-lost-vote")
    seed_voters(tables, "offline-lost-vote")
    with tables.connect("owner") as connection:
        connection.execute(
            "UPDATE candidates SET official_votes = official_votes - 1 WHERE election_no = %s AND candidate_no = 1",
            [no],
        )
    with pytest.raises(StageFailed, match=r"S14000027 has \d candidates with [\d,]+ official votes instead of"):
        check_electorate(tables, "offline-lost-vote")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE official_results SET votes = votes - 1 WHERE candidate_no = 1",
         r"contest S14000027 has [\d,]+ official ballots, its districts [\d,]+"),
        ("UPDATE districts SET registered = registered - 1",
         r"contest S14000027 has 21,106 registered voters, its districts 21,105"),
        ("UPDATE official_results SET votes = votes + 1 WHERE contest_no = 2",
         "district S14000027 has from .* official ballots in its contests"),
    ],
)  # fmt: skip
def test_districts_that_do_not_add_up_are_refused(tables, registered, change, why, request):
    slug = f"offline-sums-{abs(hash(request.node.name)) % 10**9}"
    no = registered(slug, "uk-general-election-2019", contests=("S14000027",))
    seed_candidates(tables, slug)
    with tables.connect("owner") as connection:
        # A second contest on the same paper, whose official votes are those of the first.
        connection.execute(
            """INSERT INTO contests SELECT (jsonb_populate_record(c, '{"contest_no": 2, "contest_id": "L"}')).*
               FROM contests c WHERE election_no = %s""",
            [no],
        )
        connection.execute("INSERT INTO papers VALUES (%s, 1, 2, 2)", [no])
        connection.execute(
            """INSERT INTO official_results
               SELECT election_no, district_no, 2, NULL, sum(votes) FROM official_results
               WHERE election_no = %s GROUP BY 1, 2""",
            [no],
        )
        connection.execute(change + (" AND" if "WHERE" in change else " WHERE") + " election_no = %s", [no])
    with pytest.raises(StageFailed, match=why):
        check_electorate(tables, slug)


def decisions(platform, election_no):
    """What everybody registered decides, as the casting workers would ask them."""
    with platform.connect("app") as connection:
        people = connection.execute(
            f"""SELECT voter_no, district_no, location_no, gender, {AGE_GROUP_SQL}
                FROM voters JOIN elections USING (election_no) WHERE election_no = %s""",
            [election_no],
        ).fetchall()
        records = [VoterRecord(SCHEMA_VERSION, election_no, *person) for person in people]
        (choices,) = behaviour.load(connection, election_no).decide(records)
        return choices.candidate.tolist()


def test_a_registered_replay_is_decided_exactly(tables, registered):
    no = registered("decided-replay", "uk-general-election-2019", contests=("S14000027", YNYS_MON), seed=5)
    seed_candidates(tables, "decided-replay")
    seed_voters(tables, "decided-replay")
    with tables.connect("reader") as connection:
        official = dict(
            connection.execute(
                """SELECT candidate_no, official_votes FROM candidates WHERE election_no = %(no)s
                   UNION ALL SELECT 0, sum(official_invalid) FROM contests WHERE election_no = %(no)s""",
                {"no": no},
            ).fetchall()
        )
    decided = decisions(tables, no)
    assert {choice: decided.count(choice) for choice in official} == official


def test_a_registered_simulation_has_the_turnout_of_the_run_and_the_rest_of_its_scenario(tables, registered):
    no = registered("decided-simulation", turnout=0.4)
    with tables.connect("app") as connection, pytest.raises(StageFailed, match="contests without candidates"):
        behaviour.load(connection, no)
    seed_candidates(tables, "decided-simulation")
    seed_voters(tables, "decided-simulation")
    decided = decisions(tables, no)
    assert 1 - decided.count(behaviour.ABSTAINS) / len(decided) == pytest.approx(0.4, abs=0.02)
    with tables.connect("reader") as connection:
        (simulation,) = connection.execute(
            "SELECT parameters -> 'simulation' FROM elections WHERE election_no = %s", [no]
        ).fetchone()
    assert simulation["support"] == [["HVA", 0.25, 0.45], ["CIV", 0.25, 0.45], ["NEW", 0.2, 0.4]]


@pytest.mark.parametrize("day", ["2019-12-12", "2024-02-29", "2023-02-28", "2023-03-01"])
def test_postgres_puts_ages_into_the_same_groups_as_python(tables, day):
    polling_day = date.fromisoformat(day)
    births = [polling_day - timedelta(days=n) for age in (18, 19, 25, 35, 75, 115) for n in range(365 * age, 366 * age)]
    with tables.connect("reader") as connection:
        found = connection.execute(
            f"""SELECT date_of_birth, {age_sql()}, {AGE_GROUP_SQL}
                FROM unnest(%s::date[]) AS date_of_birth, (SELECT %s::date AS polling_day) AS poll""",
            [births, polling_day],
        ).fetchall()
    ages = {born: age_on(born, polling_day) for born in births}
    assert found == [(born, ages[born], age_group(ages[born]) if ages[born] >= OF_AGE else None) for born in births]


def test_the_fields_of_a_voter_are_the_columns_of_the_table_in_their_order(tables):
    with tables.connect("reader") as connection:
        columns = connection.execute(
            """SELECT column_name, data_type FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name = 'voters' ORDER BY ordinal_position"""
        ).fetchall()
    assert tuple(name for name, _ in columns) == COLUMNS
    assert tuple(name for name, kind in columns if kind == "text") == TEXTS
