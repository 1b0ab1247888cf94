"""One service in a container: there the engine starts, restarts and stops it, and keeps its log."""

import os
import socket
from collections.abc import Callable
from typing import NoReturn

import psutil
import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from election.clients.spark import has_worker
from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack import airflow, kafka, postgres
from election.stack.secrets import private_file
from election.stack.service import Service
from election.stack.services import existing


def serve(settings: Settings, name: str) -> NoReturn:
    """Becomes the service's process: what supervisor runs on the native stack. Raises StackError for an unknown one."""
    service = _service(settings, name)
    service.prepare(settings)
    program = service.program(settings)
    command = [os.fspath(part) for part in program.command]
    os.execvpe(command[0], command, os.environ | program.environment)


def run_task(settings: Settings, command: list[str]) -> NoReturn:
    """Becomes the process of one task, in a pod that Airflow's executor started."""
    airflow.configure_task(settings)
    os.execvpe(command[0], command, os.environ | airflow.environment(settings))


def health(settings: Settings, name: str) -> None:
    """Raises NotReachable unless this container's service answers, by the native stack's check."""
    _service(settings, name).ready(settings, psutil.Process(1).create_time())
    if name == "spark-worker" and not has_worker(settings, socket.gethostname()):
        raise NotReachable("The Spark master does not know this worker.")


def initialise(settings: Settings) -> None:
    """Creates what services need: roles and databases, Kafka's users, Airflow's tables and connections."""
    _once_reached(postgres.settle, settings)
    _once_reached(kafka.settle, settings)
    airflow.configure(settings)
    airflow.migrate(settings)
    airflow.import_connections(settings)


def _once_reached(step: Callable[[Settings], None], settings: Settings) -> None:
    """Tries for five minutes: on Kubernetes a job starts with what it needs, not after it."""
    reached = retry_if_exception_type((NotReachable, psycopg.OperationalError))
    Retrying(stop=stop_after_delay(300), wait=wait_fixed(2), retry=reached, reraise=True)(step, settings)


def broker_secret(settings: Settings) -> None:
    """The broker's own login in a file of its own: its image reads it as another user than the project's."""
    file = settings.secret_file("kafka_broker")
    if not file.exists():
        private_file(file, f"login={kafka.own_login(settings)}\n")


def _service(settings: Settings, name: str) -> Service:
    services = existing(settings)
    if name not in services:
        raise StackError(f"No such service: {name}. There are {', '.join(services)}.")
    return services[name]
