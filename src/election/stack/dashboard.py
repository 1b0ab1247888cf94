"""The public dashboard, a Streamlit server."""

import sys

import httpx

from election.errors import NotReachable
from election.settings import Settings
from election.stack.pages import pages
from election.stack.service import Program, Service, settings_environment

ENTRY = "dashboard/app.py"


def ready(settings: Settings, _since: float) -> None:
    """Streamlit's own health check."""
    try:
        pages().get(f"{settings.dashboard_url}/_stcore/health", timeout=3).raise_for_status()
    except httpx.HTTPError as error:
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
        settings_environment(settings) | {"PYTHONPATH": str(settings.root)},
    )


SERVICE = Service(
    name="dashboard",
    ports=("dashboard_port",),
    program=program,
    ready=ready,
    url=lambda settings: settings.dashboard_page,
    exists=lambda settings: (settings.root / ENTRY).exists(),
)
