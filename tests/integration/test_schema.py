"""The tables themselves, on real Postgres."""

import psycopg
import pytest

from election.casting import cast
from election.electorate import seed_candidates
from election.preparation import Registration, create_tables, register
from election.storage.elections import election, elections


def test_tables_are_created_again_without_a_change(tables, published):
    published("schema-again", voters=50)
    with tables.connect("reader") as connection:
        before = elections(connection)
    create_tables(tables)
    with tables.connect("reader") as connection:
        assert elections(connection) == before


def test_no_login_attaches_a_trigger_that_acts_as_the_owner(tables):
    with tables.connect("owner") as connection:
        found = connection.execute(
            """SELECT proname FROM pg_proc WHERE prosecdef AND prorettype = 'trigger'::regtype
               AND has_function_privilege('public', oid, 'EXECUTE')"""
        ).fetchall()
    assert found == []


def test_an_election_is_deleted_with_everything_that_is_its_own_and_nothing_else(tables, published):
    gone, staying = published("schema-gone", voters=50), published("schema-staying", voters=60)
    for poll in (gone, staying):
        cast(tables, poll.slug)
    before = rows(tables)
    with tables.connect("owner") as connection:
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="votes of their election are stored"):
            connection.execute("DELETE FROM elections WHERE election_no = %s", [gone.election_no])
        connection.rollback()
        connection.execute("DELETE FROM votes WHERE election_no = %s", [gone.election_no])
        connection.execute("DELETE FROM elections WHERE election_no = %s", [gone.election_no])
    after = rows(tables)
    assert after == {place: number for place, number in before.items() if place[1] != gone.election_no}
    assert any(election_no == staying.election_no for _, election_no in after)


def rows(platform):
    """Rows by table and election, over every table that has elections."""
    found: dict[tuple[str, int], int] = {}
    with platform.connect("owner") as connection:
        tables = connection.execute(
            """SELECT table_schema || '.' || table_name
               FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
               WHERE column_name = 'election_no' AND table_type = 'BASE TABLE'"""
        ).fetchall()
        for (table,) in tables:
            counted = connection.execute(f"SELECT election_no, count(*) FROM {table} GROUP BY 1").fetchall()
            found |= {(table, election_no): number for election_no, number in counted}
    return found


@pytest.mark.parametrize(
    ("contests", "candidates", "series"),
    [(("E14001007", "E14000574"), 20, "candidate"), (("E14001007", "E14000669"), 21, "party")],
)
def test_minutes_go_by_candidate_as_long_as_there_are_twenty_at_most(tables, contests, candidates, series):
    slug = f"minutes-by-{series}"
    register(tables, Registration("uk-general-election-2019", slug, contests=contests))
    seed_candidates(tables, slug)
    with tables.connect("app") as connection:
        poll = election(connection, slug)
        found = connection.execute("SELECT count(*) FROM candidates WHERE election_no = %s", [poll.election_no])
        assert (found.fetchone(), poll.series) == ((candidates,), series)
