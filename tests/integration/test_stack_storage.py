"""Postgres and Kafka of the native stack, as every other test finds them."""

import psycopg
import pytest

from election.messaging.clients import admin
from election.platform import Platform
from election.settings import ROLES


def test_every_role_logs_in_with_its_own_password(platform: Platform) -> None:
    for role in ROLES:
        with platform.connect(role) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (platform.settings.role_name(role),)


def test_a_wrong_password_is_refused(platform: Platform) -> None:
    dsn = platform.settings.dsn("app", password=False).replace("@", ":wrong@")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn)


@pytest.mark.parametrize("role", ["app", "auditor", "reader", "dashboard", "results_feed", "metrics"])
def test_only_the_owner_may_create_tables(platform: Platform, role: str) -> None:
    with platform.connect(role) as connection, pytest.raises(psycopg.Error):  # type: ignore[arg-type]
        connection.execute("CREATE TABLE intruder (id int)")


def test_elections_and_airflow_do_not_reach_each_others_database(platform: Platform) -> None:
    settings = platform.settings
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(settings.dsn("app").rsplit("/", 1)[0] + "/airflow")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(settings.dsn("airflow").rsplit("/", 1)[0] + "/election")


def test_secrets_are_private(platform: Platform) -> None:
    folder = platform.settings.secrets
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_the_broker_creates_no_topic_by_itself(platform: Platform) -> None:
    metadata = admin(platform.login("admin")).list_topics("no_such_topic", timeout=10).topics["no_such_topic"]
    assert metadata.error is not None and metadata.error.name() == "UNKNOWN_TOPIC_OR_PART"


def test_the_brokers_log_says_what_the_broker_says(platform: Platform) -> None:
    """Kafka logs through a library that takes it, or nowhere: then the log of a broker that failed is empty."""
    log = (platform.settings.var / "logs" / "kafka.log").read_text()
    assert "Kafka Server started" in log
    assert "SLF4J" not in log
