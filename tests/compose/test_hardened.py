"""Hardened, an election runs as everywhere; nobody comes in without a login, and nobody does what is not his."""

import pytest

from tests.compose.conftest import Deployment
from tests.compose.driving import CONTEST, bring_up, told

pytestmark = pytest.mark.timeout(700)
HARDENED = True

# Runs in the container of the dashboard or of the command line, as whoever it is there.
WRITE = """
import sys
from confluent_kafka import Producer
from election.settings import Settings
refused = []
producer = Producer(Settings().kafka_client | {"message.timeout.ms": 10000, "log_level": 0})
producer.produce(sys.argv[1], b"{}", b"k", on_delivery=lambda error, _: refused.append(str(error)) if error else None)
producer.flush(20)
print(refused or "written")
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
    return bring_up(deployment)


def test_an_election_runs_as_everywhere(up):
    with told("demonstration"):
        said = up.compose("run", "--rm", "election", "run", "--contests", CONTEST, "--slug", "demo")
    assert "everything agrees" in said


def test_the_dashboard_writes_nothing(up):
    for topic in ("votes_topic", "aggregated_votes_per_candidate"):
        assert "authoriz" in in_container(up, "dashboard", WRITE, topic).lower()


def test_the_stages_write_votes_but_no_totals(up):
    assert "authoriz" in in_container(up, "airflow-triggerer", WRITE, "aggregated_votes_per_candidate").lower()
    assert "written" in in_container(up, "airflow-triggerer", WRITE, "rejected_topic")


def test_postgres_takes_no_connection_without_encryption(up):
    assert in_container(up, "dashboard", PLAIN).startswith("refused")


def in_container(up: Deployment, service: str, program: str, *arguments: str) -> str:
    return up.compose("exec", "-T", service, "/opt/election/.venv/bin/python", "-c", program, *arguments)
