"""What a stage is handed: connections to Postgres by role, and to Kafka. The same on every runtime.

The command line makes it from the settings, Airflow from its connections and hooks
(``election.orchestration.connections``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import psycopg

from election.errors import NotReachable
from election.settings import KafkaUser, Role, Settings

Connection = psycopg.Connection


@dataclass(frozen=True)
class Platform:
    """``connect(role)`` opens a psycopg connection (not autocommit); ``login(user)`` is librdkafka configuration."""

    connect: Callable[[Role], Connection]
    login: Callable[[KafkaUser], Mapping[str, str]]
    settings: Settings

    @cached_property
    def kafka(self) -> Mapping[str, str]:
        """librdkafka configuration for the Kafka user of this process."""
        return self.login(self.settings.kafka_user)


def native(settings: Settings | None = None) -> Platform:
    """The platform that the settings describe, with the secrets under ``var/``."""
    settings = settings or Settings()

    def connect(role: Role) -> Connection:
        try:
            return psycopg.connect(settings.dsn(role), connect_timeout=10, application_name=f"election-{role}")
        except psycopg.OperationalError as error:
            raise NotReachable(
                f"Postgres does not answer at {settings.postgres_host}:{settings.postgres_port} "
                f"as {settings.role_name(role)}: {error}. `election status` shows what runs, `make up` starts it."
            ) from error

    return Platform(connect, settings.kafka_login, settings)
