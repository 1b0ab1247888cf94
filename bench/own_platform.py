"""A platform of a measurement's own: ports and a folder that meet no other, removed afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from election.clients.airflow import Airflow
from election.platform import Platform, native
from election.settings import PROJECT, Settings
from election.stack.account import unprivileged
from election.stack.starting import start
from election.stack.stopping import remove, stop

PORTS = 9_000  # added to the usual ports


@contextmanager
def own_platform(name: str, only: tuple[str, ...] = (), *, keep: bool = False) -> Iterator[Platform]:
    """The stack, or ``only`` some of its services, in var/NAME; ``keep`` stops it and leaves the folder there.

    ``ELECTION_BENCH_PORTS`` is added to the usual ports in place of 9,000.
    """
    more = int(os.environ.get("ELECTION_BENCH_PORTS", PORTS))
    for variable in [variable for variable in os.environ if variable.startswith("ELECTION_")]:
        del os.environ[variable]
    ports = {field: info.default + more for field, info in Settings.model_fields.items() if field.endswith("_port")}
    settings = Settings.model_validate({"var": PROJECT / "var" / name, **ports})
    os.environ.update(settings.environment)
    unprivileged(Settings.model_validate({"var": PROJECT / "var"}))
    try:
        start(settings, only)
        if not only:
            pause_the_scheduled_look(settings)
        yield native(settings)
    finally:
        stop(settings) if keep else remove(settings)


def pause_the_scheduled_look(settings: Settings) -> None:
    """What is measured is an election, not the look at its data beside it."""
    Airflow(settings).pause("data_quality", True)
    print("The DAG data_quality is paused while this measures.")  # noqa: T201
