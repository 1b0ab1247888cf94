"""`election status`: what runs, what answers, and where everything is. The answer's shape is kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from election.errors import NotReachable
from election.settings import Settings
from election.stack.airflow import MAY, USERS
from election.stack.service import Service
from election.stack.services import existing
from election.stack.supervision import ProcessInfo, Supervisor


def status(settings: Settings) -> dict[str, Any]:
    """``{"ready", "services": [{"name", "state", "ready", "pid", "url"}], "kafka", "postgres", "airflow",
    "dashboard", "spark"}``; ``ready`` means that each service gave a real answer just now."""
    processes = Supervisor(settings).processes()
    services = existing(settings)
    with ThreadPoolExecutor(len(services)) as pool:
        answers = list(pool.map(lambda s: _service(settings, s, processes.get(s.name)), services.values()))
    return {
        "ready": all(answer["ready"] for answer in answers),
        "services": answers,
        "kafka": {"bootstrap": settings.kafka_bootstrap},
        "postgres": {
            "dsn": settings.dsn("reader", password=False),
            "password_file": str(settings.secret_file("postgres_reader")),
        },
        "airflow": {
            "url": settings.airflow_url,
            "username": "admin",
            "password_file": str(settings.secret_file("airflow_admin")),
            "logins": [
                {
                    "username": user,
                    "may": MAY[role],
                    "password_file": str(settings.secret_file(f"airflow_{user}")),
                }
                for user, role in USERS.items()
            ],
        },
        "dashboard": {"url": settings.dashboard_url},
        "spark": {
            "master": settings.spark_master,
            "url": f"http://{settings.spark_host}:{settings.spark_master_ui_port}",
        },
    }


def _service(settings: Settings, service: Service, process: ProcessInfo | None) -> dict[str, Any]:
    answer = {"name": service.name, "state": "stopped", "ready": False, "pid": None, "url": service.url(settings)}
    if process is None or process["statename"] in ("STOPPED", "EXITED"):
        return answer
    answer |= {"state": process["statename"].lower(), "pid": process["pid"] or None}
    try:
        service.ready(settings, process["start"])
    except NotReachable:
        return answer
    return answer | {"ready": process["statename"] == "RUNNING"}
