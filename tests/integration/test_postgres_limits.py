"""What a role may take from the others, on real Postgres, tried with each role's own login."""

import re
from contextlib import ExitStack

import psycopg
import pytest

from election.settings import PROJECT, ROLES
from election.stack.postgres_limits import LIMITS

LEAST = ("auditor", "box", "reader", "dashboard", "results_feed", "metrics")
DENIED = psycopg.errors.InsufficientPrivilege


def login(platform, role, database=None):
    """A connection that may write, if its role may: that readers' sessions begin read-only protects nothing."""
    settings = platform.settings
    connection = psycopg.connect(settings.dsn(role), dbname=database or settings.database(role))
    connection.read_only = False
    return connection


@pytest.mark.parametrize("role", LEAST)
def test_a_role_that_needs_no_locks_of_its_own_cannot_hold_up_a_certification(tables, role):
    for call in ("pg_advisory_lock(1, 1)", "pg_try_advisory_lock(1)", "pg_advisory_xact_lock_shared(1, 1)",
                 "pg_try_advisory_xact_lock(1)"):  # fmt: skip
        with login(tables, role) as connection, pytest.raises(DENIED):
            connection.execute(f"SELECT {call}")


def test_every_function_for_locks_is_closed_to_all_but_those_who_need_it(tables):
    with tables.connect("owner") as connection:
        may = connection.execute(
            """SELECT rolname, count(*) FILTER (WHERE has_function_privilege(rolname, p.oid, 'EXECUTE')), count(*)
               FROM pg_roles, pg_proc p WHERE proname ~ '^pg_(try_)?advisory' AND rolname ~ '^election_' GROUP BY 1"""
        ).fetchall()
    assert {name: allowed == every for name, allowed, every in may if allowed} == {
        "election_owner": True,
        "election_app": True,
    }


@pytest.mark.parametrize("role", ROLES)
def test_no_role_fills_the_disk_by_functions_that_are_open_to_all(tables, role):
    for call in ("lo_create(0)", "lo_from_bytea(0, 'x')", "pg_logical_emit_message(false, 'x', 'y')"):
        with login(tables, role) as connection, pytest.raises(DENIED):
            connection.execute(f"SELECT {call}")


@pytest.mark.parametrize("role", LEAST)
def test_a_role_that_only_reads_makes_neither_tables_nor_programs(tables, role):
    for statement in (
        "CREATE TEMPORARY TABLE mine (x int)",
        "CREATE TABLE mine (x int)",
        "CREATE SCHEMA mine",
        "DO 'BEGIN NULL; END'",
    ):
        with login(tables, role) as connection, pytest.raises(DENIED):
            connection.execute(statement)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("database", ["postgres", "template1", "other"])
def test_no_role_connects_to_a_database_that_is_not_its_own(tables, role, database):
    other = "election" if role == "airflow" else "airflow"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        login(tables, role, other if database == "other" else database)


def take(held, platform, role, number):
    for _ in range(number):
        held.enter_context(login(platform, role))


@pytest.mark.parametrize("role", ["dashboard", "results_feed", "reader"])
def test_the_least_role_cannot_take_all_connections(tables, role):
    with ExitStack() as held:
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            take(held, tables, role, LIMITS[role].connections + 1)
        for other in set(ROLES) - {role}:
            with login(tables, other) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


def test_all_roles_together_leave_the_superuser_its_connections():
    text = (PROJECT / "stack" / "postgresql.conf").read_text()
    most, reserved = (
        int(re.search(rf"^{name} = (\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
        for name in ("max_connections", "superuser_reserved_connections")
    )
    assert sum(limits.connections for limits in LIMITS.values()) <= most - reserved


@pytest.mark.parametrize("role", ROLES)
def test_a_session_begins_with_the_times_of_its_role(tables, role):
    limits = LIMITS[role]
    with login(tables, role) as connection:
        for parameter, value in {
            "statement_timeout": limits.statement,
            "lock_timeout": limits.lock,
            "idle_in_transaction_session_timeout": limits.idle,
            "temp_file_limit": limits.temporary,
        }.items():
            assert connection.execute(f"SHOW {parameter}").fetchone() == (value,), parameter


@pytest.mark.parametrize("role", ["dashboard", "results_feed"])
def test_what_readers_of_the_public_start_is_ended_within_half_a_minute(tables, role):
    with login(tables, role) as connection:
        found = connection.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name ~ '^(statement|lock|idle_in_transaction.*)_timeout$'"
        ).fetchall()
    assert len(found) == 3
    assert [name for name, milliseconds in found if not 0 < milliseconds <= 30_000] == []


def test_a_statement_that_hangs_is_ended(tables):
    with login(tables, "dashboard") as connection:
        connection.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT count(*) FROM generate_series(1, 10000000000)")


def test_what_one_sorts_on_disk_is_bounded_and_stays_so(tables):
    with login(tables, "dashboard") as connection:
        with pytest.raises(DENIED), connection.transaction():
            connection.execute("SET temp_file_limit = -1")
        connection.execute("SET statement_timeout = 0")
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            connection.execute(
                "SELECT count(*) FROM generate_series(1, 100000000)"
            )  # kept on disk before it is counted


def test_a_role_does_not_see_what_others_ask(tables):
    with login(tables, "app") as asking:
        asking.execute("SELECT 'a secret question'")
        for role in ("dashboard", "results_feed", "metrics", "reader"):
            with login(tables, role) as connection:
                seen = connection.execute(
                    "SELECT query FROM pg_stat_activity WHERE usename = 'election_app'"
                ).fetchall()
            assert seen and {query for (query,) in seen} == {"<insufficient privilege>"}
