"""What Spark's master and worker report on their own pages."""

from typing import Any

import requests

from election.clients.pages import page
from election.errors import NotReachable
from election.settings import Settings


def master_state(settings: Settings) -> dict[str, Any]:
    """What the master reports about itself, its workers and applications. Raises NotReachable."""
    return _state("master", settings.spark_host, settings.spark_master_ui_port)


def worker_state(settings: Settings, host: str) -> dict[str, Any]:
    """What the worker reports about itself and its executors. Raises NotReachable."""
    return _state("worker", host, settings.spark_worker_ui_port)


def has_worker(settings: Settings, host: str) -> bool:
    """Whether the master lists a worker of that host as alive."""
    return any(w["state"] == "ALIVE" and w["host"] == host for w in master_state(settings)["workers"])


def _state(role: str, host: str, port: int) -> dict[str, Any]:
    url = f"http://{host}:{port}/json/"
    try:
        return dict(page(url, seconds=3).json())
    except (requests.RequestException, ValueError) as error:
        raise NotReachable(f"The Spark {role} does not answer at {url}: {error}") from error
