"""Measures what Kafka's logins and rights cost a vote: casting with and without them, alternating, on one broker.

    python -m bench.logins [--voters 200000] [--rounds 4]

For this measurement alone the broker gets one more listener, which asks for nothing. Two workers cast the same number
of ballots through the one and the other, in the order A B B A. Prints votes a second and the processor time of workers
and broker, in microseconds a vote.
"""

import time
from collections.abc import Callable
from itertools import cycle, islice
from statistics import median
from typing import Annotated

import psutil
import typer
from rich.console import Console
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from bench.own_platform import own_platform
from bench.together import together
from election.casting import cast, open_poll
from election.electorate import seed_candidates, seed_voters
from election.errors import NotReachable
from election.messaging.topics import create_topics
from election.platform import Platform, native
from election.preparation import Registration, create_tables, register
from election.publication import publish_candidates, publish_voters
from election.settings import Settings
from election.stack import kafka
from election.stack.services import STORAGE
from election.stack.supervision import Supervisor

ORDER = (True, False, False, True)
Turn = tuple[float, float, float]
"""Votes a second, microseconds of the workers' and of the broker's processor time a vote."""


def main(
    voters: Annotated[int, typer.Option(min=10_000)] = 200_000, rounds: Annotated[int, typer.Option(min=2)] = 4
) -> None:
    turns: dict[bool, list[Turn]] = {True: [], False: []}
    with own_platform("bench-logins", STORAGE) as platform:
        _without_login(platform.settings)
        create_tables(platform)
        create_topics(platform)
        _turn(platform, "warm", voters, login=True)
        for number, login in enumerate(islice(cycle(ORDER), 2 * rounds)):
            turns[login].append(_turn(platform, f"turn-{number}", voters, login=login))
            Console().print("login" if login else "no login", *(f"{figure:,.1f}" for figure in turns[login][-1]))
    for login, found in turns.items():
        rate, workers, broker = (median(figures) for figures in zip(*found, strict=True))
        Console().print(
            f"{'with' if login else 'without'} login: {rate:,.0f} votes/s, workers {workers:.1f} µs a vote, "
            f"broker {broker:.1f} µs a vote (medians of {len(found)})"
        )


def _without_login(settings: Settings) -> None:
    """Gives the broker a listener without a login on the port after its own two."""
    supervisor, file = Supervisor(settings), settings.var / "kafka" / "server.properties"
    supervisor.stop_program("kafka")
    here = f"BROKER://127.0.0.1:{settings.kafka_port},OPEN://127.0.0.1:{_open(settings)}"
    with file.open("a") as properties:
        properties.write(
            f"listeners={here},CONTROLLER://127.0.0.1:{settings.kafka_controller_port}\nadvertised.listeners={here}\n"
            "listener.security.protocol.map=BROKER:SASL_PLAINTEXT,OPEN:PLAINTEXT,CONTROLLER:SASL_PLAINTEXT\n"
            "super.users=User:admin;User:ANONYMOUS\n"
        )
    supervisor.start_program("kafka")
    for attempt in Retrying(
        retry=retry_if_exception_type(NotReachable), stop=stop_after_delay(120), wait=wait_fixed(0.5), reraise=True
    ):
        with attempt:
            kafka.ready(settings, 0)


def _open(settings: Settings) -> int:
    return settings.kafka_controller_port + 1


def _turn(platform: Platform, slug: str, voters: int, *, login: bool) -> Turn:
    register(platform, Registration("single-race", slug, voters=voters))
    seed_candidates(platform, slug)
    seed_voters(platform, slug, _quiet)
    publish_candidates(platform, slug)
    publish_voters(platform, slug, _quiet)
    open_poll(platform, slug)
    broker = psutil.Process(Supervisor(platform.settings).processes()["kafka"]["pid"])
    before = broker.cpu_times()
    each = [(platform.settings, slug, number, login) for number in range(2)]
    began, ended, ballots, used = zip(*together(_work, each), strict=True)
    after, votes = broker.cpu_times(), sum(ballots)
    of_broker = after.user + after.system - before.user - before.system
    return votes / (max(ended) - min(began)), 1e6 * sum(used) / votes, 1e6 * of_broker / votes


def _work(
    begin: Callable[[], object], settings: Settings, slug: str, number: int, login: bool
) -> tuple[float, float, int, float]:
    """A worker as a process: when it began and ended, its ballots and its processor seconds."""
    platform = native(settings)
    if not login:
        anybody = {"bootstrap.servers": f"127.0.0.1:{_open(settings)}"}
        platform = Platform(platform.connect, lambda _user: anybody, settings)
    begin()
    began, used = time.time(), time.process_time()
    ballots = cast(platform, slug, worker=number, log=_quiet).ballots
    return began, time.time(), ballots, time.process_time() - used


def _quiet(_line: str) -> None:
    """What stages say is not measured."""


if __name__ == "__main__":
    typer.run(main)
