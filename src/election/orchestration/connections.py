"""The platform as Airflow's connections describe it, reached through the providers' hooks.

Connections: ``election_owner``, ``election_app``, ``election_auditor``, ``election_reader`` (Postgres, one a role),
``election_kafka`` (Kafka; its extra is librdkafka configuration), ``election_spark`` (Spark).
"""

from typing import cast

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from airflow.providers.postgres.hooks.postgres import PostgresHook

from election.platform import Connection, Platform
from election.settings import Role, Settings


def platform() -> Platform:
    """For use inside a task. Raises AirflowNotFoundException when a connection is missing."""

    def connect(role: Role) -> Connection:
        # The hook's own type also stands for psycopg 2.
        return cast(Connection, PostgresHook(postgres_conn_id=f"election_{role}").get_conn())

    kafka = KafkaAdminClientHook("election_kafka").get_connection("election_kafka").extra_dejson
    return Platform(connect, {name: value for name, value in kafka.items() if name != "group.id"}, Settings())
