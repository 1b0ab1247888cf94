"""The public dashboard, a Streamlit server."""

import sys

import requests

from election.clients.pages import page
from election.errors import NotReachable
from election.settings import Settings
from election.stack.service import Program, Service

ENTRY = "dashboard/app.py"


def ready(settings: Settings, _since: float) -> None:
    """Streamlit's own health check."""
    try:
        page(f"{settings.dashboard_url}/_stcore/health", seconds=3)
    except requests.RequestException as error:
        raise NotReachable(f"The dashboard does not answer at {settings.dashboard_url}: {error}") from error


def program(settings: Settings) -> Program:
    options = {
        "server.address": settings.host,
        "server.port": str(settings.dashboard_port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return Program(
        (sys.executable, "-m", "streamlit", "run", settings.root / ENTRY, *arguments),
        settings.environment | {"PYTHONPATH": str(settings.root), "ELECTION_KAFKA_USER": "dashboard"},
    )


SERVICE = Service(
    name="dashboard",
    purpose="results for people",
    ports=("dashboard_port",),
    program=program,
    ready=ready,
    url=lambda settings: settings.dashboard_page,
    exists=lambda settings: (settings.root / ENTRY).exists(),
)
