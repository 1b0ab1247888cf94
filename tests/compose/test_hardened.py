"""Hardened, an election runs as everywhere; nobody comes in without a login, and nobody does what is not his."""

import json

import httpx
import pytest

from tests.compose.conftest import Deployment
from tests.compose.driving import CONTEST, bring_up, told

FILES = {"tls_ca", "kafka_tls", "postgres_tls", "kafka_broker"}  # more than a password

pytestmark = pytest.mark.timeout(1800)
PROFILES = ("hardened",)

# Runs in the container of the dashboard or of the command line, as whoever it is there.
WRITE = """
import sys
from confluent_kafka import Producer
from election.platform import native
refused = []
producer = Producer(native().kafka | {"message.timeout.ms": 10000, "log_level": 0})
producer.produce(sys.argv[1], b"{}", b"k", on_delivery=lambda error, _: refused.append(str(error)) if error else None)
producer.flush(20)
print(refused or "written")
"""
ANONYMOUS = """
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from election.settings import Settings
try:
    AdminClient({"bootstrap.servers": Settings().kafka_bootstrap, "log_level": 0}).list_topics(timeout=10)
    print("let in")
except KafkaException as error:
    print("refused", error)
"""
PLAIN = """
import psycopg, sys
from election.settings import Settings
address = Settings().dsn("dashboard").split("?")[0]
try:
    psycopg.connect(address + "?sslmode=disable", connect_timeout=5)
    print("let in")
except psycopg.OperationalError as error:
    print("refused", error)
"""


@pytest.fixture(scope="module")
def up(deployment: Deployment) -> Deployment:
    return bring_up(deployment, "--scale", "spark-worker=2")


def test_an_election_runs_as_everywhere(up):
    with told("demonstration"):
        said = up.compose("run", "--rm", "election", "run", "--contests", CONTEST, "--slug", "demo")
    assert "everything agrees" in said
    found = json.loads(up.compose("run", "--rm", "election", "results", "demo", "--json"))
    shown = page(up.platform.settings.dashboard_page + "/exports/demo/candidates.json").raise_for_status().json()
    assert {r["candidate"]: r["votes"] for r in shown["rows"]} == {
        c["name"]: c["votes"] for c in found["contests"][0]["candidates"]
    }


def test_airflow_tells_nothing_without_its_login(up):
    airflow = up.platform.settings.airflow_page
    assert {page(f"{airflow}/{path}").status_code for path in ("api/v2/dags", "api/v2/connections")} == {401}
    assert page(f"{airflow}/data-docs/demo/index.html").status_code in (401, 403)


def test_kafka_answers_nobody_without_a_login(up):
    assert "refused" in in_container(up, "dashboard", ANONYMOUS)


def test_the_results_feed_reads_over_tls_and_writes_nothing(up):
    fed = page(up.platform.settings.feed_page + "/v1/elections/demo/totals").raise_for_status().json()
    shown = page(up.platform.settings.dashboard_page + "/exports/demo/candidates.json").raise_for_status().json()
    assert {r["candidate"]: r["votes"] for r in fed["items"]} == {r["candidate"]: r["votes"] for r in shown["rows"]}
    for topic in ("votes_topic", "ballots_topic", "aggregated_votes_per_candidate"):
        assert "authoriz" in in_container(up, "results-feed", WRITE, topic).lower()


def test_the_dashboard_writes_nothing(up):
    for topic in ("votes_topic", "aggregated_votes_per_candidate"):
        assert "authoriz" in in_container(up, "dashboard", WRITE, topic).lower()


def test_the_stages_write_votes_but_no_totals(up):
    assert "authoriz" in in_container(up, "airflow-triggerer", WRITE, "aggregated_votes_per_candidate").lower()
    assert "written" in in_container(up, "airflow-triggerer", WRITE, "rejected_topic")


def test_postgres_takes_no_connection_without_encryption(up):
    assert in_container(up, "dashboard", PLAIN).startswith("refused")


def test_no_password_is_in_a_log_of_the_count(up):
    shown = up.compose("exec", "-T", "airflow-scheduler", "sh", "-c", "cat var/tally/*.log*")
    shown += up.compose("logs", "--no-color", "--no-log-prefix")
    passwords = [file for file in up.platform.settings.secrets.iterdir() if file.name not in FILES]
    assert [file.name for file in passwords if file.read_text().strip().rpartition("secret=")[2] in shown] == []


def page(address: str) -> httpx.Response:
    return httpx.get(address, trust_env=False, timeout=30)


def in_container(up: Deployment, service: str, program: str, *arguments: str) -> str:
    return up.compose("exec", "-T", service, "/opt/election/.venv/bin/python", "-c", program, *arguments)
