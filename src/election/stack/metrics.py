"""The service that Prometheus scrapes: `metrics/`, served by uvicorn."""

import sys

import requests

from election.clients.pages import page
from election.errors import NotReachable
from election.settings import Settings
from election.stack.service import Program, Service


def ready(settings: Settings, _since: float) -> None:
    """Its own health check, which reads no source."""
    try:
        page(f"{settings.metrics_url}/health", seconds=3)
    except requests.RequestException as error:
        raise NotReachable(f"The metrics do not answer at {settings.metrics_url}: {error}") from error


def program(settings: Settings) -> Program:
    return Program(
        (sys.executable, "-m", "metrics"),
        settings.environment | {"PYTHONPATH": str(settings.root), "ELECTION_KAFKA_USER": "metrics"},
    )


SERVICE = Service(
    name="metrics",
    purpose="figures for Prometheus",
    ports=("metrics_port",),
    program=program,
    ready=ready,
    url=lambda settings: settings.metrics_page,
    exists=lambda settings: (settings.root / "metrics").exists(),
)
