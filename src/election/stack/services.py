"""The services of the stack, in the order in which they start, as far as they need each other."""

from election.settings import Settings
from election.stack import airflow, dashboard, kafka, postgres, spark
from election.stack.service import Service

SERVICES: tuple[Service, ...] = (
    postgres.SERVICE,
    kafka.SERVICE,
    spark.MASTER,
    spark.WORKER,
    *airflow.SERVICES,
    dashboard.SERVICE,
)

STORAGE = ("postgres", "kafka")
SPARK = (*STORAGE, "spark-master", "spark-worker")


STOPPING = (
    ("airflow-scheduler", "airflow-triggerer", "airflow-dag-processor"),
    ("airflow-api-server", "dashboard"),
    ("spark-worker",),
    ("spark-master",),
    ("kafka", "postgres"),
)
"""Who stops together, in this order: whoever uses a service stops before it."""


def existing(settings: Settings) -> dict[str, Service]:
    """The services that the project has something to run for, by name."""
    return {service.name: service for service in SERVICES if service.exists(settings)}
