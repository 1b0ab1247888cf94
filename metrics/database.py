"""What Postgres knows: each election's state, verdicts and checks; its own connections and work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from psycopg.rows import dict_row

from election.contracts.public import State, Validation
from election.platform import Connection
from election.storage import public

MOST = 50
"""Elections in one scrape, the newest first; Prometheus keeps what was scraped before."""


@dataclass(frozen=True)
class Verdict:
    """The newest verdict of one kind."""

    ok: bool
    differences: int
    given_at: datetime


@dataclass(frozen=True)
class Election:
    """An election that goes on, or was decided within a day."""

    number: int
    slug: str
    state: State
    registered: int
    verdicts: dict[str, Verdict]
    checks: tuple[Validation, ...]


_ELECTIONS = """
    SELECT election_no, slug, state,
           (SELECT coalesce(sum(registered), 0) FROM public_districts d WHERE d.election_no = e.election_no)::bigint
    FROM public_elections e
    WHERE state NOT IN ('certified', 'refused') OR decided_at > now() - interval '1 day'
    ORDER BY election_no DESC LIMIT %s"""
_VERDICTS = """
    SELECT DISTINCT ON (kind) kind, ok, jsonb_array_length(differences), given_at FROM public_verdicts
    WHERE election_no = %s ORDER BY kind, verdict_no DESC"""
_CONNECTIONS = """
    SELECT rolname AS role, rolconnlimit AS most,
           (SELECT count(*) FROM pg_stat_activity WHERE usesysid = pg_roles.oid) AS connections
    FROM pg_roles WHERE rolcanlogin AND rolconnlimit > 0 ORDER BY rolname"""
_DATABASES = """
    SELECT datname AS database, xact_commit, xact_rollback, deadlocks, temp_bytes, blks_read, tup_inserted
    FROM pg_stat_database JOIN pg_database USING (datname) WHERE NOT datistemplate ORDER BY datname"""


def may_read(connection: Connection) -> bool:
    """False before the first election is prepared, or while an older version's tables do not know this role."""
    return connection.execute(
        "SELECT coalesce(has_table_privilege(to_regclass('elections'), 'SELECT'), false)"
    ).fetchone() == (True,)


def elections(connection: Connection) -> list[Election]:
    """Newest first."""
    return [
        Election(
            number,
            slug,
            state,
            registered,
            {kind: Verdict(*found) for kind, *found in connection.execute(_VERDICTS, [number])},
            public.validations(connection, number),
        )
        for number, slug, state, registered in connection.execute(_ELECTIONS, [MOST]).fetchall()
    ]


def election_metrics(found: Iterable[Election]) -> Iterator[Metric]:
    state = GaugeMetricFamily("election_state", "1 for the state that an election is in.", labels=["election", "state"])
    registered = GaugeMetricFamily("election_registered_voters", "Voters of an election.", labels=["election"])
    ok = GaugeMetricFamily(
        "election_verdict_ok", "1 if the newest verdict of its kind agrees.", labels=["election", "kind"]
    )
    differences = GaugeMetricFamily("election_verdict_differences", "Its differences.", labels=["election", "kind"])
    given = GaugeMetricFamily("election_verdict_timestamp_seconds", "Its time.", labels=["election", "kind"])
    check = GaugeMetricFamily(
        "election_check_ok",
        "1 if no critical expectation failed in the newest check of a checkpoint.",
        labels=["election", "checkpoint"],
    )
    failed = GaugeMetricFamily(
        "election_check_failed_expectations", "Expectations that failed in it.", labels=["election", "checkpoint"]
    )
    checked = GaugeMetricFamily("election_check_timestamp_seconds", "Its time.", labels=["election", "checkpoint"])
    for election in found:
        for known in get_args(State):
            state.add_metric([election.slug, known], known == election.state)
        registered.add_metric([election.slug], election.registered)
        for kind, verdict in election.verdicts.items():
            ok.add_metric([election.slug, kind], verdict.ok)
            differences.add_metric([election.slug, kind], verdict.differences)
            given.add_metric([election.slug, kind], verdict.given_at.timestamp())
        for one in election.checks:
            check.add_metric([election.slug, one.checkpoint], one.ok)
            failed.add_metric([election.slug, one.checkpoint], one.failed)
            checked.add_metric([election.slug, one.checkpoint], one.validated_at.timestamp())
    yield from (state, registered, ok, differences, given, check, failed, checked)


def postgres_metrics(connection: Connection) -> Iterator[Metric]:
    """From statistics that every role may see."""
    used = GaugeMetricFamily("election_postgres_connections", "Connections of a role.", labels=["role"])
    most = GaugeMetricFamily("election_postgres_connection_limit", "The most that it may have.", labels=["role"])
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_CONNECTIONS):
            used.add_metric([row["role"]], row["connections"])
            most.add_metric([row["role"]], row["most"])
        yield from (used, most)
        databases = cursor.execute(_DATABASES).fetchall()
    for name, column, text in (
        ("commits", "xact_commit", "Committed transactions."),
        ("rollbacks", "xact_rollback", "Transactions rolled back."),
        ("deadlocks", "deadlocks", "Deadlocks."),
        ("temporary_bytes", "temp_bytes", "Bytes that queries sorted on disk."),
        ("blocks_read", "blks_read", "Blocks that were not in Postgres's memory."),
        ("rows_inserted", "tup_inserted", "Rows inserted."),
    ):
        family = CounterMetricFamily(f"election_postgres_{name}", text, labels=["database"])
        for row in databases:
            family.add_metric([row["database"]], row[column])
        yield family
    size = GaugeMetricFamily("election_postgres_size_bytes", "The elections' database on disk.")
    for (found,) in connection.execute("SELECT pg_database_size(current_database())"):
        size.add_metric([], found)
    yield size
