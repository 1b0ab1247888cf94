"""One service in a container: there the engine starts, restarts and stops it, and keeps its log."""

import os
import socket
from typing import NoReturn

import psutil

from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack import airflow, postgres, spark
from election.stack.service import Service
from election.stack.services import existing


def serve(settings: Settings, name: str) -> NoReturn:
    """Becomes the service's process: what supervisor runs on the native stack. Raises StackError for an unknown one."""
    service = _service(settings, name)
    service.prepare(settings)
    program = service.program(settings)
    command = [os.fspath(part) for part in program.command]
    os.execvpe(command[0], command, os.environ | program.environment)


def health(settings: Settings, name: str) -> None:
    """Raises NotReachable unless the service answers, as on the native stack, and it is this container's that does."""
    _service(settings, name).ready(settings, psutil.Process(1).create_time())
    if name == "spark-worker" and not spark.has_worker(settings, socket.gethostname()):
        raise NotReachable("The Spark master does not know this worker.")


def initialise(settings: Settings) -> None:
    """What must be there before the services: roles and databases, Airflow's tables and connections."""
    postgres.settle(settings)
    airflow.configure(settings)
    airflow.migrate(settings)
    airflow.import_connections(settings)


def _service(settings: Settings, name: str) -> Service:
    services = existing(settings)
    if name not in services:
        raise StackError(f"No such service: {name}. There are {', '.join(services)}.")
    return services[name]
