"""Validates an election: Great Expectations runs its suites on Postgres and on tables of figures from the topics."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
from sqlalchemy import event

from election.errors import BadInput, StageFailed
from election.platform import Connection, Platform
from election.quality.gx import gx
from election.quality.outcome import Validation, finding
from election.quality.recording import last_mark, prune, record, rested
from election.quality.reports import write_indexes, write_report
from election.quality.suites import CHECKPOINTS, Checkpoint, Look, Suite, suites
from election.settings import Role
from election.storage.elections import Election, election, elections, read_whole_elections

_ROLES: tuple[Role, ...] = ("reader", "auditor")
_ROWS = {"result_format": "SUMMARY", "unexpected_index_column_names": ["key"], "partial_unexpected_count": 5}


LookAgain = Callable[
    [Platform, Connection, Election, Mapping[str, Any] | None], tuple[dict[str, Any], frozenset[str] | None]
]
"""From an election and the last recorded mark, returns this validation's mark and the tables that changed."""


def validate(
    platform: Platform,
    slug: str,
    checkpoint: Checkpoint,
    log: Callable[[str], None] = print,
    look_again: LookAgain | None = None,
) -> Validation:
    """Validates one election at a checkpoint, writes its report and records the outcome, good or bad.

    With ``look_again`` it validates only what has changed since the last such validation that was ok, without parallel
    workers of Postgres. Raises UnknownElection, and StageFailed if the election has not reached the checkpoint.
    """
    began, at = time.monotonic(), datetime.now(UTC)
    look, mark = _look(platform, slug, checkpoint), None
    if look_again is not None:
        look, mark = _since(look, look_again)
    chosen = suites(look)
    results = _run(look, chosen)
    findings = [
        finding(name, result) for name, found in results.items() for result in found.results if not result.success
    ]
    report = write_report(look, at, chosen, results, findings)
    validation = Validation(
        election=slug,
        checkpoint=checkpoint,
        validated_at=at.isoformat(timespec="seconds"),
        expectations=sum(len(found.results) for found in results.values()),
        findings=tuple(sorted(findings, key=lambda found: (found.severity, found.name))),
        report=report,
        seconds=round(time.monotonic() - began, 3),
    )
    record(platform, look.poll.election_no, validation, mark)
    prune(platform, look.poll)
    write_indexes(platform, slug)
    log(f"{validation} ({validation.seconds:.1f} s)")
    return validation


def validate_all(
    platform: Platform,
    log: Callable[[str], None] = print,
    *,
    share: float | None = None,
    look_again: LookAgain | None = None,
) -> list[Validation]:
    """Validates every election whose poll has opened, at the checkpoint ``schedule``, newest first.

    ``share`` is the largest share of the time that validations of an election may take: an election waits long after a
    long validation, because casting and the tally need the cores. ``look_again`` as in ``validate``.
    """
    with platform.connect("reader") as connection:
        if connection.execute("SELECT to_regclass('validations')").fetchone() == (None,):
            return []  # a fresh platform: the first run creates the tables
        polls = [poll.slug for poll in elections(connection) if poll.state not in ("registered", "refused")]
    due = set(polls) if share is None else rested(platform, share)
    for slug in (slug for slug in polls if slug not in due):
        log(
            f"{slug} is left out this time: its last validation took long. To validate now: `election validate {slug}`."
        )
    return [validate(platform, slug, "schedule", log, look_again) for slug in polls if slug in due]


def reached(platform: Platform, slug: str, checkpoint: str = "") -> Checkpoint:
    """The checkpoint with that name, or by default the last one that the election has reached.

    Raises UnknownElection, and BadInput for an unknown name.
    """
    if not checkpoint:
        with platform.connect("reader") as connection:
            state = election(connection, slug).state
        by_state: dict[str, Checkpoint] = {"registered": "electorate", "open": "schedule", "closed": "casting"}
        return by_state.get(state, "count")
    if checkpoint not in CHECKPOINTS:
        raise BadInput(f"There is no checkpoint {checkpoint!r}; use {', '.join(CHECKPOINTS)}.")
    return checkpoint


_EARLIEST = {"electorate": "registered", "casting": "closed", "count": "counted", "schedule": "registered"}
_STATES = ("registered", "open", "closed", "counted", "certified", "refused")


def _look(platform: Platform, slug: str, checkpoint: Checkpoint) -> Look:
    with platform.connect("reader") as connection:
        poll = election(connection, slug)
        registered, entitled = connection.execute(
            """SELECT (SELECT coalesce(sum(registered), 0)::bigint FROM districts WHERE election_no = %(no)s),
                      (SELECT coalesce(sum(registered), 0)::bigint
                       FROM papers JOIN districts USING (election_no, district_no) WHERE election_no = %(no)s)""",
            {"no": poll.election_no},
        ).fetchone() or (0, 0)
    if _STATES.index(poll.state) < _STATES.index(_EARLIEST[checkpoint]):
        raise StageFailed(
            f"{slug} is {poll.state}: the checkpoint {checkpoint} is for elections that are {_EARLIEST[checkpoint]} or "
            "further. Run the stages in their order: prepare, seed, publish, cast, tally, reconcile."
        )
    return Look(platform, poll, checkpoint, registered, entitled)


def _since(look: Look, look_again: LookAgain) -> tuple[Look, dict[str, Any]]:
    """The validation of what has changed, and its mark."""
    look = replace(look, platform=_alone(look.platform))
    with look.platform.connect("reader") as connection:
        seen = last_mark(connection, look.poll.election_no)
        mark, changed = look_again(look.platform, connection, look.poll, seen)
    return replace(look, changed=changed, seen=seen or {}), mark


def _alone(platform: Platform) -> Platform:
    """The platform with connections that get no parallel workers of Postgres."""

    def connect(role: Role) -> Connection:
        connection = platform.connect(role)
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.commit()
        return connection

    return replace(platform, connect=connect)


def _run(look: Look, chosen: Sequence[Suite]) -> dict[str, Any]:
    """Results of Great Expectations (ExpectationSuiteValidationResult) by suite."""
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with ExitStack() as opened:  # Great Expectations does not close its connections

        def reader() -> Connection:
            return opened.enter_context(closing(_reader(look)))

        context = gx.get_context(mode="ephemeral", project_config=_config())
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        postgres = context.data_sources.add_postgres(  # type: ignore[call-arg]
            "postgres",
            # It requires an address, but the platform makes the connections, so that it holds no secret.
            connection_string="postgresql+psycopg://election_reader@platform/election",
            kwargs={"creator": reader},
        )
        event.listen(
            postgres.get_execution_engine().engine,
            "before_cursor_execute",
            partial(_no_rows_for_columns, chosen),
            retval=True,
        )
        frames = context.data_sources.add_pandas("topics")
        # A thread reads the topics while Postgres runs queries.
        aside = opened.enter_context(ThreadPoolExecutor(1))
        apart = replace(look, platform=_apart(look.platform, alone=look.checkpoint == "schedule"))
        waiting = {s.name: aside.submit(s.looks_at, apart) for s in chosen if not isinstance(s.looks_at, str)}
        results = {}
        for suite in sorted(chosen, key=lambda suite: suite.name in waiting):
            if isinstance(suite.looks_at, str):
                asset = postgres.add_query_asset(suite.name, query=suite.looks_at)
                batch = asset.add_batch_definition_whole_table("election")
                parameters = None
            else:
                batch = frames.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("election")
                parameters = {"dataframe": waiting[suite.name].result()}
            expected = context.suites.add(gx.ExpectationSuite(suite.name, expectations=list(suite.expectations)))
            definition = gx.ValidationDefinition(name=suite.name, data=batch, suite=expected)
            results[suite.name] = context.validation_definitions.add(definition).run(
                batch_parameters=parameters, result_format=_ROWS if parameters else "SUMMARY"
            )
        return {suite.name: results[suite.name] for suite in chosen}


def _no_rows_for_columns(
    chosen: Sequence[Suite], connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any
) -> tuple[str, Any]:
    """Adds LIMIT 0 where Great Expectations runs a query only for its columns: it would fetch an electorate twice."""
    plain = any(statement.strip() == suite.looks_at for suite in chosen)
    return (f"{statement} LIMIT 0" if plain else statement), parameters


def _apart(platform: Platform, alone: bool) -> Platform:
    """The platform for another thread: under Airflow, only a task's main thread may ask for a connection."""
    known: dict[Role, tuple[str, str]] = {}
    for role in _ROLES:
        with platform.connect(role) as connection:
            known[role] = connection.info.dsn, connection.info.password
    made = replace(platform, connect=lambda role: psycopg.connect(known[role][0], password=known[role][1]))
    return _alone(made) if alone else made


def _config() -> Any:
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    return DataContextConfig(store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False)


def _reader(look: Look) -> Connection:
    """A connection with the settings that suites' queries use, such as `current_setting('election.no')`."""
    connection = look.platform.connect("reader")
    # A valid vote stays valid while no other table changes, so only new votes are checked then.
    seen = str(look.seen["xid"]) if look.stand("voters", "candidates", "contests", "districts", "papers") else ""
    connection.execute("SELECT set_config('election.no', %s, false)", [str(look.poll.election_no)])
    connection.execute("SELECT set_config('election.seen', %s, false)", [seen])
    read_whole_elections(connection, session=True)
    connection.commit()
    return connection
