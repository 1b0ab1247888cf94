"""The results feed, which answers programs: JSON over HTTP, served by uvicorn."""

import sys

import requests

from election.clients.pages import page
from election.errors import NotReachable
from election.settings import Settings
from election.stack.service import Program, Service


def ready(settings: Settings, _since: float) -> None:
    """The feed's own health check."""
    try:
        page(f"{settings.feed_url}/health", seconds=3)
    except requests.RequestException as error:
        raise NotReachable(f"The results feed does not answer at {settings.feed_url}: {error}") from error


def program(settings: Settings) -> Program:
    return Program(
        (sys.executable, "-m", "results_feed"),
        settings.environment | {"PYTHONPATH": str(settings.root), "ELECTION_KAFKA_USER": "results_feed"},
    )


SERVICE = Service(
    name="results-feed",
    purpose="results for programs",
    ports=("feed_port",),
    program=program,
    ready=ready,
    url=lambda settings: settings.feed_page,
    exists=lambda settings: (settings.root / "results_feed").exists(),
)
