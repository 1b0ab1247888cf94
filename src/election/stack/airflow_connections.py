"""The platform's addresses and logins, as Airflow connections for the DAGs."""

import json
from typing import Any

from election.settings import KafkaUser, Role, Settings

KAFKA: tuple[KafkaUser, ...] = ("app", "owner")
"""Kafka users that tasks log in as; the count logs in as itself."""


def connections(settings: Settings) -> list[dict[str, Any]]:
    """The platform's addresses and logins, as Airflow connections for the DAGs."""

    def postgres(role: Role) -> dict[str, Any]:
        return {
            "connection_id": f"election_{role}",
            "conn_type": "postgres",
            "description": f"Elections, as the database role {settings.role_name(role)}",
            "host": settings.postgres_host,
            "port": settings.postgres_port,
            "schema": settings.postgres_database,
            "login": settings.role_name(role),
            "password": settings.secret(f"postgres_{role}"),
            "extra": json.dumps({"application_name": f"airflow-{role}"} | settings.postgres_tls),
        }

    return [
        *(postgres(role) for role in ("owner", "app", "auditor", "box", "reader")),
        *(
            {
                "connection_id": f"election_kafka_{user}",
                "conn_type": "kafka",
                "description": f"Kafka, as the user {user}; the extra is librdkafka's configuration",
                "extra": json.dumps(settings.kafka_login(user) | {"group.id": "airflow"}),
            }
            for user in KAFKA
        ),
        _spark(settings),
    ]


def _spark(settings: Settings) -> dict[str, Any]:
    host, _, port = settings.spark_master.rpartition(":")
    extra: dict[str, Any] = {"deploy-mode": "client"}
    if settings.runtime == "kubernetes":
        extra = {"deploy-mode": "cluster", "namespace": settings.namespace}
    return {
        "connection_id": "election_spark",
        "conn_type": "spark",
        "description": "The cluster that counts",
        "host": host,
        "port": int(port),
        "extra": json.dumps(extra | ({"conf": settings.spark_overrides} if settings.spark_overrides else {})),
    }
