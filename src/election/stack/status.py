"""`election status`: what runs, what answers, and addresses. Other programs rely on the answer's shape."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from election.errors import NotReachable
from election.settings import Settings
from election.stack.airflow_configuration import MAY, USERS
from election.stack.service import Service
from election.stack.services import existing
from election.stack.supervision import ProcessInfo, Supervisor


def status(settings: Settings) -> dict[str, Any]:
    """``{"ready", "services": [{"name", "state", "ready", "pid", "url"}], "kafka", "postgres", "airflow",
    "dashboard", "results_feed", "metrics", "spark"}``. ``ready``: each service gave a real answer just now."""
    services = existing(settings)
    if settings.runtime == "native":
        processes = Supervisor(settings).processes()
        look = partial(_service, settings, processes)
    else:
        look = partial(_container, settings)
    with ThreadPoolExecutor(len(services)) as pool:
        answers = list(pool.map(look, services.values()))
    return {
        "ready": all(answer["ready"] for answer in answers),
        "services": answers,
        "kafka": {"bootstrap": settings.kafka_bootstrap},
        "postgres": {
            "dsn": settings.dsn("reader", password=False),
            "password_file": settings.shown_secret_file("postgres_reader"),
        },
        "airflow": {
            "url": settings.airflow_page,
            "username": "admin",
            "password_file": settings.shown_secret_file("airflow_admin"),
            "logins": [
                {
                    "username": user,
                    "may": MAY[role],
                    "password_file": settings.shown_secret_file(f"airflow_{user}"),
                }
                for user, role in USERS.items()
            ],
        },
        "dashboard": {"url": settings.dashboard_page},
        "results_feed": {"url": settings.feed_page},
        "metrics": {
            "url": settings.metrics_page,
            "username": "metrics",
            "password_file": settings.shown_secret_file("metrics"),
        },
        "spark": {
            "master": settings.spark_master,
            "url": settings.spark_page,
        },
    }


def _service(settings: Settings, processes: dict[str, ProcessInfo], service: Service) -> dict[str, Any]:
    process = processes.get(service.name)
    answer = {"name": service.name, "state": "stopped", "ready": False, "pid": None, "url": service.url(settings)}
    if process is None or process["statename"] in ("STOPPED", "EXITED"):
        return answer
    answer |= {"state": process["statename"].lower(), "pid": process["pid"] or None}
    try:
        service.ready(settings, process["start"])
    except NotReachable:
        return answer
    return answer | {"ready": process["statename"] == "RUNNING"}


def _container(settings: Settings, service: Service) -> dict[str, Any]:
    """A container is visible from here only by its answer; `docker compose ps` shows its process."""
    try:
        service.ready(settings, 0)
        state = "running"
    except NotReachable:
        state = "unknown"
    ready = state == "running"
    return {"name": service.name, "state": state, "ready": ready, "pid": None, "url": service.url(settings)}
