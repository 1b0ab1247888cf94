"""The services of the stack, in the order of their dependencies."""

from election.settings import Settings
from election.stack import airflow, dashboard, kafka, postgres, results_feed, spark
from election.stack.service import Service

SERVICES: tuple[Service, ...] = (
    postgres.SERVICE,
    kafka.SERVICE,
    spark.MASTER,
    spark.WORKER,
    *airflow.SERVICES,
    dashboard.SERVICE,
    results_feed.SERVICE,
)

PAGES = ("dashboard", "results-feed")
"""What no run needs. They start last, so that they take no processor time from what a run needs."""

STORAGE = ("postgres", "kafka")
SPARK = (*STORAGE, "spark-master", "spark-worker")


STOPPING = (
    ("airflow-scheduler", "airflow-triggerer", "airflow-dag-processor"),
    ("airflow-api-server", "dashboard", "results-feed"),
    ("spark-worker",),
    ("spark-master",),
    ("kafka", "postgres"),
)
"""Services that stop together, in this order: a service stops before what it uses."""


def existing(settings: Settings) -> dict[str, Service]:
    """The services that this checkout contains, by name."""
    return {service.name: service for service in SERVICES if service.exists(settings)}
