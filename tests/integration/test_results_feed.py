"""The results feed as a service, on real Kafka and Postgres: the figures of the dashboard, and no more rights."""

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from election.count.driver import wait_for
from election.errors import StackError
from election.evidence.entries import SIMPLE, Entry
from election.evidence.log import Round, append, heads, signer
from election.evidence.tree import Tree
from election.live.snapshots import Snapshot, Snapshots
from election.platform import Platform
from election.preparation import Registration
from election.stack import services
from election.stack.checks import before_start
from election.stack.supervision import Supervisor
from election.storage.elections import election
from tests.certifying import start_again
from tests.dashboard_rehearsal import MINUTE, Count, set_state, set_up

REGION = Registration("uk-general-election-2019", "feed-ireland", region="Northern Ireland")


@pytest.fixture(scope="module")
def feed(tables: Platform) -> Iterator[httpx.Client]:
    """A client of the service that `election up` starts."""
    start_again(tables, (*services.STORAGE, "results-feed"))
    with httpx.Client(base_url=tables.settings.feed_url, trust_env=False, timeout=30) as client:
        yield client
    Supervisor(tables.settings).stop_program("results-feed")


@pytest.fixture(scope="module")
def dashboard(tables: Platform) -> Iterator[Snapshots]:
    """What the dashboard reads."""
    login = Platform(tables.connect, lambda _: tables.login("dashboard"), tables.settings)
    source = Snapshots(login).start()
    yield source
    source.stop()


@pytest.fixture(scope="module")
def count(tables: Platform, feed: httpx.Client) -> Count:
    count = Count(tables, REGION.slug, set_up(tables, REGION))
    set_state(tables, REGION.slug, "open")
    return count


def shown(dashboard: Snapshots) -> Snapshot:
    snapshot = dashboard.snapshot(REGION.slug)
    assert snapshot is not None
    return snapshot


def given(feed: httpx.Client, resource: str = "", **query: Any) -> Any:
    address = f"/v1/elections/{REGION.slug}" + (f"/{resource}" if resource else "")
    return feed.get(address, params=query).raise_for_status().json()


def has_counted(feed: httpx.Client, dashboard: Snapshots, ballots: int) -> bool:
    """Whether both have read so many."""
    answer = feed.get(f"/v1/elections/{REGION.slug}")
    counted = answer.json()["figures"]["counted"] if answer.status_code == 200 else None
    return counted == ballots == shown(dashboard).result.counted


def test_the_figures_are_the_dashboards(feed: httpx.Client, dashboard: Snapshots, count: Count) -> None:
    for part in (0.3, 0.6):
        ballots = count.show(lambda _c, _n, _i, official, part=part: round(official * part), MINUTE)  # type: ignore[misc]
        assert wait_for(lambda: has_counted(feed, dashboard, ballots), 60)  # noqa: B023
        snapshot = shown(dashboard)
        summary = given(feed)
        # Another test leaves messages of an unknown form on the topics, which every reader warns of.
        assert {warning["cause"] for warning in summary["warnings"]} <= {"versions"} and summary["state"] == "open"
        assert {p["party"]: p["votes"] for p in summary["items"]} == {p.party: p.votes for p in snapshot.result.parties}
        assert summary["figures"]["registered"] == snapshot.result.registered
        totals = {row["line"]: row["votes"] for row in given(feed, "totals")["items"]}
        assert totals == dict(snapshot.reading.counted.votes)
        contests = {row["contest"]: (row["valid"], row["invalid"]) for row in given(feed, "contests")["items"]}
        assert contests == {one.contest.id: (one.valid, one.invalid) for one in snapshot.result.contests}
        outcome = given(feed, "outcome")
        leading = {row["contest"]: [one["candidate"] for one in row["leading"]] for row in outcome["items"]}
        assert leading == {one.contest.id: [s.contender.name for s in one.leaders] for one in snapshot.result.contests}
        assert len(leading) == 18
        seats = {party["party"]: (party["won"], party["leading"]) for party in outcome["seats"]["parties"]}
        assert seats == {party.party: (party.won, party.leading) for party in snapshot.seats.parties}


def test_since_gives_what_changed_on_the_topics(feed: httpx.Client, dashboard: Snapshots, count: Count) -> None:
    before = given(feed, "totals")
    first = before["items"][0]
    more = dict(count.previous)
    more[first["line"]] += 7
    ballots = count.show(lambda _c, number, _i, _o: more[number], MINUTE)
    assert wait_for(lambda: has_counted(feed, dashboard, ballots), 60)
    assert wait_for(lambda: bool(given(feed, "totals", since=before["version"])["items"]), 60)
    after = given(feed, "totals", since=before["version"])
    assert not after["complete"]
    assert [(row["line"], row["votes"]) for row in after["items"]] == [(first["line"], first["votes"] + 7)]


def test_heads_are_those_of_the_log(feed: httpx.Client, tables: Platform, count: Count) -> None:
    assert given(feed, "heads")["items"] == []
    with tables.connect("auditor") as connection:
        poll, tree = election(connection, REGION.slug), Tree()
        for number in range(2):
            entries = SIMPLE.pack(Entry(bytes([number] * 16), 1, 1, 1, 0, 0, 0))
            append(connection, poll, SIMPLE, signer(tables, poll), tree, Round("topic", {}, {}, entries))
    assert wait_for(lambda: len(given(feed, "heads")["items"]) == 2, 60)
    with tables.connect("dashboard") as connection:
        known = heads(connection, poll.election_no)
    assert [row["note"] for row in given(feed, "heads")["items"]] == [head.head for head in known]


def test_tables_that_an_older_version_made_are_named(tables: Platform, feed: httpx.Client, count: Count) -> None:
    def warned() -> list[str]:
        return [warning["cause"] for warning in feed.get("/v1/elections").raise_for_status().json()["warnings"]]

    def owner(statement: str) -> None:
        with tables.connect("owner") as connection:
            connection.execute(statement)

    assert warned() == []
    owner("REVOKE SELECT ON public_elections FROM election_results_feed")
    try:
        assert wait_for(lambda: warned() == ["tables"], 60)
    finally:
        owner("GRANT SELECT ON public_elections TO election_results_feed")
    assert wait_for(lambda: warned() == [], 60)


def test_its_role_reads_no_voter_and_writes_nothing(tables: Platform, feed: httpx.Client) -> None:
    for table in ("voters", "votes", "candidates", "elections", "ballot_keys", "verdicts"):
        with tables.connect("results_feed") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {table}")
    with tables.connect("results_feed") as connection, pytest.raises(psycopg.Error):
        connection.execute("UPDATE public_elections SET name = 'Mine'")


def test_its_port_is_checked_before_it_starts(tables: Platform, feed: httpx.Client) -> None:
    service = services.existing(tables.settings)["results-feed"]
    with pytest.raises(StackError, match=r"ELECTION_FEED_PORT=<port>"):
        before_start(tables.settings, [service], supervisor=False)
