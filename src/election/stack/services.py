"""The services of the stack, in the order in which they start; they stop in the reverse order."""

from election.settings import Settings
from election.stack import kafka, postgres, spark
from election.stack.service import Service

SERVICES: tuple[Service, ...] = (
    postgres.SERVICE,
    kafka.SERVICE,
    spark.MASTER,
    spark.WORKER,
)

STORAGE = ("postgres", "kafka")
SPARK = (*STORAGE, "spark-master", "spark-worker")


def existing(settings: Settings) -> dict[str, Service]:
    """The services that the project has something to run for, by name."""
    return {service.name: service for service in SERVICES if service.exists(settings)}
