"""What docker-compose.yaml promises, read as text: no engine is needed."""

import re
import tomllib
from configparser import ConfigParser

import pytest
import yaml

from election.settings import PROJECT, Settings
from election.stack.kafka_access import rules
from election.stack.secrets import SECRETS
from election.stack.services import SERVICES

FILE = yaml.safe_load((PROJECT / "docker-compose.yaml").read_text())
SUPERVISED = {name: service for name, service in FILE["services"].items() if service["restart"] != "no"}
PAGES = ("airflow_port", "dashboard_port", "feed_port", "spark_master_ui_port", "spark_driver_ui_port")


def test_the_services_are_those_of_the_native_stack():
    assert {n for n, s in SUPERVISED.items() if "profiles" not in s} == {service.name for service in SERVICES}


def test_the_images_of_others_are_the_official_ones_in_a_fixed_version():
    assert re.fullmatch(r"postgres:18\.\d+-bookworm", FILE["services"]["postgres"]["image"])
    assert re.fullmatch(r"apache/kafka:4\.\d+\.\d+", FILE["services"]["kafka"]["image"])


def test_the_broker_is_the_version_of_the_native_stack():
    jars = (PROJECT / "stack" / "jars.sha256").read_text()
    version = FILE["services"]["kafka"]["image"].split(":")[1]
    assert f"kafka/kafka_2.13-{version}.jar" in jars


def test_ports_are_published_on_loopback_alone():
    ports = [port for service in FILE["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", SUPERVISED)
def test_every_service_is_bounded_watched_and_restarted(name):
    service = SUPERVISED[name]
    assert service["restart"] == "unless-stopped" and service["mem_limit"] and service["healthcheck"]["test"]
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_secrets_are_files_and_no_service_has_one_in_its_environment():
    assert FILE["secrets"].keys() <= {*SECRETS, "kafka_broker", "prometheus_web"}
    assert all(secret["file"].endswith(f"/{name}") for name, secret in FILE["secrets"].items())
    for service in FILE["services"].values():
        assert set(service.get("secrets", [])) <= FILE["secrets"].keys()
        assert not [v for v in service.get("environment", {}) if "PASSWORD" in v and not v.endswith("_FILE")]


def test_what_people_choose_is_passed_on_to_every_role():
    passed = FILE["x-settings"]
    for name in ("certifiers", "webhook_url", "randomuser_url", "replication", "votes_partitions", "voters_partitions",
                 "casting_batch", "validations_kept", *PAGES):  # fmt: skip
        variable = f"ELECTION_{name.upper()}"
        assert passed[variable] == f"${{{variable}:-{Settings.model_fields[name].default}}}"


def test_only_the_master_the_workers_and_the_drivers_container_have_sparks_secret():
    have = {name for name, service in FILE["services"].items() if "spark" in service.get("secrets", [])}
    assert have == {"spark-master", "spark-worker", "airflow-scheduler"}
    airflow = set(FILE["x-airflow"]["secrets"])
    assert set(FILE["services"]["airflow-scheduler"]["secrets"]) == airflow | {"kafka_tally", "spark", "evidence_key"}


@pytest.mark.parametrize(("service", "login"), [("dashboard", "dashboard"), ("results-feed", "results_feed")])
def test_what_shows_results_has_its_own_passwords_alone(service, login):
    watched = ["metrics"] if service == "results-feed" else []  # who may read its metrics
    assert FILE["services"][service]["secrets"] == [f"postgres_{login}", f"kafka_{login}", *watched]
    assert FILE["services"][service]["environment"]["ELECTION_KAFKA_USER"] == login


def test_what_is_watched_has_its_own_passwords_alone_and_prometheus_none_of_a_source():
    assert FILE["services"]["metrics"]["secrets"] == ["postgres_metrics", "kafka_metrics", "metrics"]
    assert FILE["services"]["prometheus"]["secrets"] == ["metrics", "prometheus_web"]
    assert "--web.config.file=/run/secrets/prometheus_web" in FILE["services"]["prometheus"]["command"]


def test_the_platforms_packages_are_found_in_the_image_as_on_the_native_stack():
    written = ConfigParser()
    written.read(PROJECT / "docker" / "election.dist-info" / "entry_points.txt")
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert {section: dict(written[section]) for section in written.sections()} == declared


@pytest.mark.parametrize("file", ["docker-compose.hardened.yaml", "docker-compose.brokers.yaml"])
def test_what_is_changed_for_the_dashboard_is_changed_for_what_reads_like_it(file):
    changed = dict(re.findall(r"^  ([\w-]+): (.*)$", (PROJECT / file).read_text(), re.MULTILINE))
    assert changed["results-feed"] == changed["metrics"] == changed["dashboard"]


@pytest.mark.parametrize("file", sorted(PROJECT.glob("docker-compose*.yaml")), ids=lambda file: file.name)
def test_every_listener_of_kafka_asks_for_a_login(file):
    mapped = re.findall(r"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: (\S+)", file.read_text())
    protocols = {entry.split(":")[1] for listeners in mapped for entry in listeners.split(",")}
    assert protocols and protocols <= {"SASL_PLAINTEXT", "SASL_SSL"}


def test_no_right_of_kafka_is_given_twice():
    assert len(rules()) == len(set(rules()))
