"""The platform as Airflow's connections describe it, reached through the providers' hooks.

Connections: ``election_owner``, ``election_app``, ``election_auditor``, ``election_box``, ``election_reader``
(Postgres, one a role), ``election_kafka_app``, ``election_kafka_owner`` (Kafka, one a user; the extra is librdkafka
configuration), ``election_spark`` (Spark).
"""

from collections.abc import Mapping
from typing import cast

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from airflow.providers.postgres.hooks.postgres import PostgresHook

from election.platform import Connection, Platform
from election.settings import KafkaUser, Role, Settings


def platform() -> Platform:
    """For use inside a task. Raises AirflowNotFoundException when a connection is missing."""

    def connect(role: Role) -> Connection:
        # The hook's own type also stands for psycopg 2.
        return cast(Connection, PostgresHook(postgres_conn_id=f"election_{role}").get_conn())

    def login(user: KafkaUser) -> Mapping[str, str]:
        name = f"election_kafka_{user}"
        found = KafkaAdminClientHook(name).get_connection(name).extra_dejson
        return {key: value for key, value in found.items() if key != "group.id"}

    return Platform(connect, login, Settings())
