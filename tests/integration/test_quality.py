"""The integrity rules on real Postgres: each fault is planted with the constraints lifted, in a transaction that ends
as if it had never been, and exactly its rule is found broken, by exactly its rows.
"""

from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from election.casting import cast
from election.errors import StageFailed
from election.platform import Connection
from election.quality.integrity import RULES, Finding, check_elections, check_integrity

SLUG, VOTERS = "quality", 300
# Statements on the election %(no)s, and the rows that then break the rule; None: all of its votes.
FAULTS: dict[str, tuple[str, int | None]] = {
    "every vote has a voter of its own election": (
        # The other election has voters of these numbers.
        "INSERT INTO votes SELECT %(no)s, voter_no, 1, 1, now() FROM generate_series(301, 302) AS voter_no",
        2,
    ),
    "every vote has a contest of its own election": ("DELETE FROM contests WHERE election_no = %(no)s", None),
    "every valid vote has a candidate of its own election and contest": (
        """UPDATE votes SET candidate_no = 99 WHERE (election_no, voter_no) IN
               (SELECT election_no, voter_no FROM votes WHERE election_no = %(no)s ORDER BY voter_no LIMIT 3)""",
        3,
    ),
    "every vote is in its voter's contest": (
        """WITH second AS (
               INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered,
                                     first_voter_no)
               SELECT election_no, 2, 'second', 'Second', region, country, 1, 301
               FROM contests WHERE election_no = %(no)s),
           its_voter AS (
               INSERT INTO voters
               SELECT election_no, 301, 2, location_no, gender, date_of_birth, title, given_name, family_name, email,
                      phone, street, postcode, nationality
               FROM voters WHERE election_no = %(no)s AND voter_no = 1)
           UPDATE votes SET contest_no = 2, candidate_no = NULL WHERE (election_no, voter_no) IN
               (SELECT election_no, voter_no FROM votes WHERE election_no = %(no)s ORDER BY voter_no LIMIT 4)""",
        4,
    ),
    "no voter has two votes": (
        """INSERT INTO votes SELECT election_no, voter_no, contest_no, NULL, cast_at FROM votes
           WHERE election_no = %(no)s ORDER BY voter_no LIMIT 5""",
        5,
    ),
    "every contest has as many voters as are registered": (
        "UPDATE contests SET registered = registered + 1 WHERE election_no = %(no)s",
        1,
    ),
}


@pytest.fixture(scope="module")
def poll(tables, published):
    """An election in order, with all its votes, beside a larger one."""
    published("quality-other", voters=VOTERS + 10)
    made = published(SLUG, voters=VOTERS)
    cast(tables, SLUG)
    return made


def lift_constraints(connection: Connection) -> None:
    """As their owner may: without keys, and without references."""
    found = connection.execute(
        """SELECT conrelid::regclass::text, conname FROM pg_constraint
           WHERE contype = 'f' OR (contype = 'p' AND conrelid = 'votes'::regclass)"""
    ).fetchall()
    for table, name in found:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
        )


def test_every_rule_has_a_fault_here():
    assert FAULTS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_by_its_own_rule_alone_with_its_rows(tables, poll, rule):
    statement, rows = FAULTS[rule]
    with tables.connect("owner") as connection:
        lift_constraints(connection)
        votes = connection.execute("SELECT FROM votes WHERE election_no = %s", [poll.election_no]).rowcount
        connection.execute(statement.encode(), {"no": poll.election_no})
        findings = check_integrity(connection, poll)
        connection.rollback()
    assert findings == [Finding(SLUG, rule, votes if rows is None else rows)]


def test_an_election_in_order_breaks_no_rule(tables, poll):
    assert check_elections(tables, [SLUG]) == [SLUG]


def test_a_broken_rule_fails_the_check_and_the_message_has_the_figures(tables, poll):
    change = "UPDATE contests SET registered = registered + %s WHERE election_no = %s"
    with tables.connect("owner") as connection:
        connection.execute(change, [1, poll.election_no])
    try:
        with pytest.raises(StageFailed, match=rf"{SLUG}: 1 row.*every contest has as many voters as are registered"):
            check_elections(tables, [SLUG, "quality-other"])
        assert check_elections(tables, ["quality-other"]) == ["quality-other"]
    finally:
        with tables.connect("owner") as connection:
            connection.execute(change, [-1, poll.election_no])


def test_a_platform_without_tables_has_nothing_to_check(tables):
    dsn = tables.settings.dsn("reader")
    fresh = replace(tables, connect=lambda role: psycopg.connect(dsn, options="-c search_path=pg_catalog"))
    assert check_elections(fresh) == []
