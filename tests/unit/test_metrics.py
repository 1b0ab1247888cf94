"""The metrics as Prometheus reads them: names, labels, values, and who may read them. No source is needed."""

import base64
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import bcrypt
import psycopg
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.testclient import TestClient

from election.casting import Progress
from election.contracts.messages import SCHEMA_VERSION, TallyProgress
from election.contracts.public import Validation
from election.errors import NotReachable
from election.live.count import CountReader, Live
from election.platform import Platform
from election.settings import PROJECT, Settings
from election.stack.secrets import generate
from metrics import casting, count, database, figures, services
from metrics.application import application
from tests.promtool import program

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
TOLD = TallyProgress(
    SCHEMA_VERSION, generation=2, batch=7, votes=900, duplicates=3, rejected=4, lag=100, input_rate=50.0,
    processed_rate=25.0, batch_ms=1500, state_rows=900, state_bytes=36_000, application_id="app", ui_url="",
    at=int(NOW.timestamp() * 1000), batch_at=int(NOW.timestamp() * 1000) - 60_000,
)  # fmt: skip
DEMO = database.Election(
    1,
    "demo",
    "counted",
    1000,
    {"reconciliation": database.Verdict(False, 2, NOW)},
    (Validation("casting", NOW, True, 12, 1, "demo/casting"),),
)
Sample = tuple[str, tuple[tuple[str, str], ...]]


class Given(Collector):
    """A collector of metrics that are there already."""

    def __init__(self, *families: Any) -> None:
        self._families = families

    def collect(self) -> Any:
        return self._families


def shown(*families: Any) -> dict[Sample, float]:
    """What Prometheus reads from the text of these families: values by name and labels."""
    registry = CollectorRegistry()
    registry.register(Given(*families))
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_an_open_poll_shows_what_is_done_and_what_waits():
    assert shown(*casting.metrics([Progress("demo", 300, 1000, 10.0, 70.0)])) == {
        ("election_casting_records", (("election", "demo"),)): 1000,
        ("election_casting_done_records", (("election", "demo"),)): 300,
        ("election_casting_lag_records", (("election", "demo"),)): 700,
    }


def test_an_election_is_in_one_state_and_shows_its_newest_verdict_and_check():
    found = shown(*database.election_metrics([DEMO]))
    states = {dict(labels)["state"]: value for (name, labels), value in found.items() if name == "election_state"}
    assert [state for state, value in states.items() if value] == ["counted"] and len(states) == 6
    verdict = (("election", "demo"), ("kind", "reconciliation"))
    check = (("checkpoint", "casting"), ("election", "demo"))
    assert found["election_registered_voters", (("election", "demo"),)] == 1000
    assert found["election_verdict_ok", verdict] == 0 and found["election_verdict_differences", verdict] == 2
    assert found["election_check_ok", check] == 1 and found["election_check_failed_expectations", check] == 1
    assert found["election_check_timestamp_seconds", check] == NOW.timestamp()


def test_the_tallys_report_is_in_base_units_and_stands_still_by_the_banners_rule():
    live = Live(TOLD, batch_at=NOW - timedelta(minutes=1))
    found = {name: value for (name, _), value in shown(*count.tally_metrics(live, NOW)).items()}
    assert found["election_tally_batch_duration_seconds"] == 1.5
    assert found["election_tally_lag_messages"] == 100 and found["election_tally_counted_votes"] == 900
    assert found["election_tally_batch_ended_timestamp_seconds"] == NOW.timestamp() - 60
    assert found["election_tally_stands_still"] == 1
    moving = Live(TOLD, batch_at=NOW - timedelta(seconds=1))
    assert shown(*count.tally_metrics(moving, NOW))["election_tally_stands_still", ()] == 0


def test_before_its_first_report_the_tally_shows_no_figures():
    assert {name for name, _ in shown(*count.tally_metrics(Live(), NOW))} == {
        "election_tally_stands_still",
        "election_unreadable_messages",
    }


@pytest.fixture
def away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> figures.Figures:
    """Figures of a platform on which nothing answers."""

    def refused(_role: str) -> psycopg.Connection:
        raise NotReachable("Postgres does not answer.")

    def no_broker(*_arguments: object) -> dict[str, int]:
        raise NotReachable("Kafka does not answer.")

    monkeypatch.setattr(services, "CHECKS", {"dashboard": lambda *_: refused("dashboard")})
    monkeypatch.setattr(figures, "sizes", no_broker)
    return figures.Figures(Platform(refused, lambda _: {}, settings), CountReader({}))


def test_a_source_that_is_away_is_reported_and_leaves_its_figures_out(away):
    found = shown(*away.collect())
    assert found["election_service_up", (("service", "postgres"),)] == 0
    assert found["election_service_up", (("service", "kafka"),)] == 0
    assert found["election_service_up", (("service", "dashboard"),)] == 0
    assert not [name for name, _ in found if name.startswith(("election_state", "election_casting", "election_post"))]
    assert found["election_disk_free_bytes", ()] > 0


def test_a_kafka_that_is_known_to_be_away_is_not_asked_again(away, monkeypatch):
    """A broker that hangs would take longer to answer than Prometheus waits."""
    monkeypatch.setattr(figures, "sizes", lambda *_: pytest.fail("it was asked"))
    away._reader.pulse.failed("Local: Broker transport failure")
    assert shown(*away.collect())["election_service_up", (("service", "kafka"),)] == 0


def test_every_name_says_its_unit_and_no_label_can_name_a_person():
    """https://prometheus.io/docs/practices/naming: a prefix, a base unit, _total for what only grows."""
    families = [
        *casting.metrics([]), *database.election_metrics([]), *count.tally_metrics(Live(TOLD), NOW),
        *count.topic_metrics({}), *services.metrics({}),
    ]  # fmt: skip
    labels = {label for family in families for label in getattr(family, "_labelnames", ())}
    assert labels == {"election", "state", "kind", "checkpoint", "topic", "service"}
    assert all(re.fullmatch(r"election_[a-z_]+", family.name) and family.documentation for family in families)
    assert not [f.name for f in families if re.search(r"_(ms|mb|percent|minutes|lag|rate)$", f.name)]


@pytest.fixture
def client(settings: Settings, away: figures.Figures) -> TestClient:
    generate(settings)
    registry = CollectorRegistry()
    registry.register(away)
    return TestClient(application(registry, settings))


def basic(login: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}


@pytest.mark.parametrize("address", ["/metrics", "/targets/open", "/targets/guarded"])
def test_a_stranger_gets_nothing(client, settings, address):
    password = settings.secret("metrics")
    wrong = [{}, basic("metrics:"), basic("metrics:wrong"), basic(f"admin:{password}"), basic(password),
             {"Authorization": f"Bearer {password}"}, {"Authorization": "Basic %%%"}]  # fmt: skip
    for headers in wrong:
        answer = client.get(address, headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Basic")
        assert "election_" not in answer.text and password not in answer.text
    assert client.get(address, headers=basic(f"metrics:{password}")).status_code == 200


def test_prometheus_gets_the_form_it_asks_for(client, settings):
    login = basic(f"metrics:{settings.secret('metrics')}")
    answer = client.get("/metrics", headers={**login, "Accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text") and "# EOF" in answer.text
    assert client.get("/metrics", headers=login).headers["Content-Type"].startswith("text/plain")


def test_prometheus_finds_spark_and_streamlit_and_sends_them_no_password(client, settings):
    login = basic(f"metrics:{settings.secret('metrics')}")
    found, guarded = (client.get(f"/targets/{which}", headers=login).json() for which in ("open", "guarded"))
    assert [group["targets"] for group in guarded] == [[f"{settings.feed_host}:{settings.feed_port}"]]
    assert {group["labels"]["service"] for group in found} == {"spark-master", "spark-worker", "tally", "dashboard"}
    assert f"{settings.dashboard_host}:{settings.dashboard_port}" in [group["targets"][0] for group in found]
    jobs = {job["job_name"]: job for job in CONFIGURATION["scrape_configs"]}
    assert "basic_auth" not in jobs["pages"] and jobs["election"]["basic_auth"]["username"] == "metrics"


WATCHED = PROJECT / "stack" / "watched"
CONFIGURATION = yaml.safe_load((WATCHED / "prometheus.yaml").read_text())
RULES = [rule for group in yaml.safe_load((WATCHED / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((WATCHED / "dashboard.json").read_text())


def named(text: str) -> set[str]:
    """The platform's own metrics in an expression."""
    return set(re.findall(r"\belection_[a-z_]+", text))


def known() -> set[str]:
    """Every metric that the code of the services names."""
    files = [*(PROJECT / "metrics").glob("*.py"), PROJECT / "results_feed" / "watching.py"]
    text = "".join(file.read_text() for file in files)
    names = set(re.findall(r'"(election_[a-z_]+)"', text))
    names |= {f"election_tally_{name}" for name in re.findall(r'^        \("([a-z_]+)", "', text, re.MULTILINE)}
    names |= {f"election_postgres_{name}" for name in re.findall(r'^        \("([a-z_]+)", "', text, re.MULTILINE)}
    return (
        names
        | {f"{name}_{end}" for name in names for end in ("total", "bucket")}
        | {"election_disk_free_bytes", "election_disk_size_bytes"}
    )


def test_rules_and_dashboard_use_metrics_that_exist():
    asked = {rule["alert"]: named(rule["expr"]) for rule in RULES}
    asked |= {panel["title"]: named(json.dumps(panel.get("targets", []))) for panel in DASHBOARD["panels"]}
    assert {place: names - known() for place, names in asked.items() if names - known()} == {}
    assert len({name for names in asked.values() for name in names}) > 20


def test_every_alert_says_what_to_do_and_is_in_the_operators_table():
    page = (PROJECT / "docs" / "operations.md").read_text()
    for rule in RULES:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"] and rule["annotations"]["remedy"]
        assert f"`{rule['alert']}`" in page, f"add {rule['alert']} to docs/operations.md"


def test_panels_of_the_dashboard_do_not_overlap_and_have_a_source():
    places = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"] + dy)
        for panel in DASHBOARD["panels"]
        for dx in range(panel["gridPos"]["w"])
        for dy in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places)) and max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["type"] == "row" or panel["datasource"]["type"] == "prometheus" for panel in DASHBOARD["panels"])


def test_the_login_to_prometheus_is_a_hash_of_the_secret(settings):
    generate(settings)
    file = settings.secret_file("prometheus_web")
    hashed = yaml.safe_load(file.read_text())["basic_auth_users"]["metrics"]
    assert bcrypt.checkpw(settings.secret("metrics").encode(), hashed.encode())
    assert settings.secret("metrics") not in file.read_text() and file.stat().st_mode & 0o077 == 0


@pytest.mark.slow  # may fetch a package
@pytest.mark.parametrize(
    "command", ["check rules alerts.yaml", "test rules alerts.test.yaml", "check config --syntax-only prometheus.yaml"]
)
def test_promtool_finds_nothing_wrong(command):
    try:
        promtool = program("promtool")
    except (RuntimeError, OSError) as error:
        pytest.skip(str(error))
    done = subprocess.run([promtool, *command.split()], cwd=WATCHED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
