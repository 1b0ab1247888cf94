"""Limits of Postgres roles: connections, time, locks and disk.

The numbers of connections and ``temp_file_limit`` hold against everybody who has the role's password. The timeouts are
a session's defaults: they end what hangs or was forgotten, and a session may set others.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from election.settings import ROLES, Role, Settings


@dataclass(frozen=True)
class Limits:
    """``connections`` at the same time; the times as Postgres writes them, "0" for none.

    ``statement`` is how long one may run, ``lock`` how long it may wait for one lock, ``idle`` how long a transaction
    may do nothing. ``temporary`` is the disk that one session's sorts may take, "-1" for any.
    """

    connections: int
    statement: str
    lock: str
    idle: str
    temporary: str = "-1"


LIMITS: dict[Role, Limits] = {
    # An upgrade alters tables, and waits until no session reads them.
    "owner": Limits(12, "1h", "5min", "10min"),
    # Airflow has 16 runners; each worker and command has one connection or two. Votes of 32 million voters take hours.
    "app": Limits(60, "6h", "1h", "1h"),
    # A reconciliation reads the topics in the middle of its transaction.
    "auditor": Limits(24, "3h", "10min", "3h"),
    # A box is laid down in one transaction, from one reading of the voters.
    "box": Limits(5, "3h", "10min", "3h"),
    # Expectations read whole electorates; the control room answers up to 40 requests at the same time.
    "reader": Limits(36, "1h", "10s", "1h", "20GB"),
    "dashboard": Limits(8, "15s", "5s", "30s", "512MB"),
    # One connection follows the registers, another reads heads.
    "results_feed": Limits(4, "15s", "5s", "30s", "512MB"),
    # One scrape at a time, which opens a second connection for the polls.
    "metrics": Limits(3, "15s", "5s", "30s", "64MB"),
    # Four processes with pools of 15, two of them with a second pool.
    "airflow": Limits(100, "0", "0", "30min"),
}

# Functions that every role may call by default, and that block others or fill the disk.
_LOCKS = "^pg_(try_)?advisory_"
_FILLING = "^(lo_.*|loread|lowrite|pg_logical_emit_message)$"
_MAY_LOCK: tuple[Role, ...] = ("owner", "app", "airflow")
_MAY_PROGRAM: tuple[Role, ...] = ("owner", "airflow")


def limit_roles(connection: psycopg.Connection, settings: Settings) -> None:
    """Gives each role its limits, and closes the databases that only the superuser needs."""
    for role in ROLES:
        limits, name = LIMITS[role], sql.Identifier(settings.role_name(role))
        connection.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(name, sql.Literal(limits.connections)))
        for parameter, value in {
            "statement_timeout": limits.statement,
            "lock_timeout": limits.lock,
            "idle_in_transaction_session_timeout": limits.idle,
            "temp_file_limit": limits.temporary,
        }.items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(parameter), sql.Literal(value))
            )
    for database in ("postgres", "template1"):
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


def close_functions(connection: psycopg.Connection, roles: list[Role], settings: Settings) -> None:
    """In the connection's database: leaves locks and languages to those of its ``roles`` that need them."""
    for pattern in (_LOCKS, _FILLING):
        open_to_all = connection.execute(
            """SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
               AND proname ~ %s AND has_function_privilege('public', oid, 'EXECUTE')""",
            [pattern],
        ).fetchall()
        for (function,) in open_to_all:
            _execute(connection, "REVOKE EXECUTE ON FUNCTION {} FROM PUBLIC", sql.SQL(function))
            for role in set(roles) & set(_MAY_LOCK) if pattern == _LOCKS else ():
                _execute(connection, "GRANT EXECUTE ON FUNCTION {} TO {}", sql.SQL(function), _name(settings, role))
    connection.execute("REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC")
    for role in set(roles) & set(_MAY_PROGRAM):
        _execute(connection, "GRANT USAGE ON LANGUAGE plpgsql TO {}", _name(settings, role))


def _execute(connection: psycopg.Connection, statement: str, *parts: sql.Composable) -> None:
    connection.execute(sql.SQL(statement).format(*parts))


def _name(settings: Settings, role: Role) -> sql.Identifier:
    return sql.Identifier(settings.role_name(role))
