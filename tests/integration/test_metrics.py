"""The service `metrics` on real Kafka and Postgres: the figures of status and dashboard, and no more rights."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from election import casting
from election.count.driver import wait_for
from election.live.snapshots import Snapshots
from election.live.status import Stream
from election.platform import Platform
from election.preparation import Registration
from election.settings import PROJECT
from election.stack import services
from election.stack.postgres_limits import LIMITS
from election.stack.supervision import Supervisor
from tests.certifying import start_again, verdict, voted
from tests.conftest import free_ports
from tests.dashboard_rehearsal import MINUTE, Count, set_state, set_up
from tests.integration.conftest import Published
from tests.promtool import program

REGION = Registration("uk-general-election-2019", "metrics-wales", region="Wales")
Found = dict[tuple[str, ...], float]


@pytest.fixture(scope="module")
def service(tables: Platform) -> Iterator[httpx.Client]:
    """A client, logged in, of the service that `election up` starts."""
    start_again(tables, (*services.STORAGE, "metrics"))
    login = ("metrics", tables.settings.secret("metrics"))
    with httpx.Client(base_url=tables.settings.metrics_url, auth=login, trust_env=False, timeout=60) as client:
        yield client
    Supervisor(tables.settings).stop_program("metrics")


@pytest.fixture(scope="module")
def dashboard(tables: Platform) -> Iterator[Snapshots]:
    """What the dashboard reads."""
    login = Platform(tables.connect, lambda _: tables.login("dashboard"), tables.settings)
    source = Snapshots(login).start()
    yield source
    source.stop()


def scraped(service: httpx.Client) -> Found:
    """Values by name, and by the labels' values in the order of their names."""
    text = service.get("/metrics").raise_for_status().text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def has_counted(found: Found, dashboard: Snapshots, ballots: int) -> bool:
    """Whether both have read so many."""
    shown = dashboard.snapshot(REGION.slug)
    counted = sum(value for name, value in found.items() if name[:2] == ("election_counted_votes", REGION.slug))
    return shown is not None and shown.reading.counted.ballots == counted == ballots


def test_a_poll_has_the_progress_of_election_status(tables: Platform, service: httpx.Client, published: Published):
    published("metrics-poll", voters=4000)
    stop = threading.Event()
    threading.Timer(2, stop.set).start()
    casting.cast(tables, "metrics-poll", rate=500, stop=stop)
    (told,) = [poll for poll in casting.open_polls(tables) if poll.election == "metrics-poll"]
    assert 0 < told.done < told.total == 4000
    found = scraped(service)
    assert found["election_casting_done_records", "metrics-poll"] == told.done
    assert found["election_casting_records", "metrics-poll"] == told.total
    assert found["election_casting_lag_records", "metrics-poll"] == told.total - told.done
    assert found["election_state", "metrics-poll", "open"] == 1


def test_the_count_is_the_dashboards(tables: Platform, service: httpx.Client, dashboard: Snapshots):
    count = Count(tables, REGION.slug, set_up(tables, REGION))
    set_state(tables, REGION.slug, "open")
    for part in (0.3, 0.6):
        ballots = count.show(lambda _c, _n, _i, official, part=part: round(official * part), MINUTE)  # type: ignore[misc]

        assert wait_for(lambda: has_counted(scraped(service), dashboard, ballots), 60)  # noqa: B023
    found, shown, live = scraped(service), dashboard.snapshot(REGION.slug), dashboard.count.live
    assert shown is not None and live.progress is not None
    assert found["election_registered_voters", REGION.slug] == shown.result.registered
    assert found["election_counted_votes", REGION.slug, "valid"] == sum(shown.reading.counted.valid.values())
    assert found["election_counted_voters", REGION.slug] == shown.result.counted
    assert found["election_tally_lag_messages",] == live.progress.lag
    assert found["election_tally_state_bytes",] == live.progress.state_bytes
    assert found["election_tally_stands_still",] == Stream.of(live).stands_still(datetime.now(UTC))
    assert found["election_topic_messages_total", "candidates_topic"] > 0


def test_a_verdict_that_differs_shows_at_once(tables: Platform, service: httpx.Client):
    poll = voted(tables, "metrics-verdict", 40)
    verdict(tables, poll.slug, ok=False)
    found = scraped(service)
    assert found["election_verdict_ok", poll.slug, "reconciliation"] == 0
    assert found["election_state", poll.slug, "counted"] == 1


def test_services_are_up_or_not_as_in_election_status(tables: Platform, service: httpx.Client):
    found = scraped(service)
    up = {name[1]: value for name, value in found.items() if name[0] == "election_service_up"}
    assert up["postgres"] == up["kafka"] == 1 and up["airflow-scheduler"] == 0
    assert up.keys() | {"metrics"} == {known.name for known in services.SERVICES}
    for role, limits in LIMITS.items():
        assert found["election_postgres_connection_limit", tables.settings.role_name(role)] == limits.connections
    assert found["election_postgres_connections", "election_metrics"] >= 1


def test_its_role_reads_no_voter_and_no_vote_and_writes_nothing(tables: Platform, service: httpx.Client):
    with tables.connect("owner") as connection:
        every = connection.execute(
            """SELECT table_schema || '.' || table_name FROM information_schema.tables
               WHERE table_schema IN ('public', 'box')"""
        ).fetchall()
        readable = {
            name
            for (name,) in every
            if connection.execute("SELECT has_table_privilege('election_metrics', %s, 'SELECT')", [name]).fetchone()
            == (True,)
        }
    views = {"public_elections", "public_districts", "public_verdicts", "public_validations"}
    assert readable == {"public.elections", *(f"public.{view}" for view in views)}
    with tables.connect("metrics") as connection, pytest.raises(psycopg.Error):
        connection.execute("UPDATE elections SET name = 'Mine'")
    with tables.connect("metrics") as connection:
        texts = connection.execute("SELECT DISTINCT query FROM pg_stat_activity WHERE usename <> current_user")
        assert {text for (text,) in texts} <= {"<insufficient privilege>", None}


def test_tables_of_an_older_version_leave_the_elections_out(tables: Platform, service: httpx.Client):
    with tables.connect("owner") as connection:
        connection.execute("REVOKE SELECT ON elections FROM election_metrics")
    try:
        found = scraped(service)
        assert not [name for name in found if name[0] == "election_state"]
        assert found["election_service_up", "postgres"] == found["election_service_up", "kafka"] == 1
    finally:
        with tables.connect("owner") as connection:
            connection.execute("GRANT SELECT ON elections TO election_metrics")
    assert [name for name in scraped(service) if name[0] == "election_state"]


def test_a_stranger_gets_nothing(tables: Platform, service: httpx.Client):
    with httpx.Client(base_url=tables.settings.metrics_url, timeout=30, trust_env=False) as stranger:
        for address in ("/metrics", "/targets/open", "/targets/guarded", "//metrics"):
            answer = stranger.get(address)
            assert answer.status_code in (401, 404) and "election_" not in answer.text
        assert stranger.get("/metrics", auth=("metrics", "wrong")).status_code == 401


@pytest.fixture
def prometheus(tables: Platform, service: httpx.Client, tmp_path: Path) -> Iterator[httpx.Client]:
    """Debian's Prometheus with the platform's configuration, as a native stack has it; asks for the same login."""
    try:
        server = program("prometheus")
    except (RuntimeError, OSError) as error:
        pytest.skip(str(error))
    settings, (port,) = tables.settings, free_ports(1)
    text = (PROJECT / "stack" / "watched" / "prometheus.yaml").read_text()
    text = text.replace("metrics:18503", f"127.0.0.1:{settings.metrics_port}").replace(
        "127.0.0.1:9090", f"127.0.0.1:{port}"
    )
    text = text.replace("/run/secrets/metrics", str(settings.secret_file("metrics"))).replace("15s", "3s")
    text = text.replace("alerts.yaml", str(PROJECT / "stack" / "watched" / "alerts.yaml")).replace("14s", "3s")
    configuration = tmp_path / "prometheus.yaml"
    configuration.write_text(text)
    process = subprocess.Popen(
        [
            server, f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={settings.secret_file('prometheus_web')}",
            "--log.level=warn",
        ]
    )  # fmt: skip
    try:
        login = ("metrics", settings.secret("metrics"))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=login, trust_env=False, timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def test_prometheus_scrapes_it_and_asks_for_the_login_too(prometheus: httpx.Client):
    def asked(expression: str) -> list[float]:
        try:
            answer = prometheus.get("/api/v1/query", params={"query": expression})
        except httpx.TransportError:  # it has just been started
            return []
        return [float(one["value"][1]) for one in answer.raise_for_status().json()["data"]["result"]]

    assert wait_for(lambda: asked('up{job="election"} == 1 and on () up{job="prometheus"} == 1') == [1], 60)
    assert wait_for(lambda: asked('election_service_up{service="kafka"}') == [1], 60)
    assert wait_for(lambda: asked('ALERTS{alertname="ServiceDown", service="airflow-scheduler"}') == [1], 60)
    assert wait_for(lambda: len(asked('up{job="pages"}')) == 4, 60), "Spark's pages and the dashboard are discovered"
    stranger = httpx.get(prometheus.base_url.join("/api/v1/query"), params={"query": "up"}, trust_env=False)
    assert stranger.status_code == 401


def test_promtool_finds_nothing_to_say_about_the_names(service: httpx.Client):
    try:
        promtool = program("promtool")
    except (RuntimeError, OSError) as error:
        pytest.skip(str(error))
    text = service.get("/metrics").text
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr + done.stdout) == (0, "")
