"""What the tests of the containers do to a deployment: start elections, kill, wait, and say how long it took."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from election.casting import open_polls
from election.errors import ElectionError
from election.reconciliation import Verdict, reconcile
from tests.compose.conftest import Deployment

log = logging.getLogger("compose")
CONTEST, REGISTERED = "W07000041", 51_925  # Ynys Môn in 2019


def bring_up(deployment: Deployment, *options: str) -> Deployment:
    with told("built"):
        deployment.compose("build")
        deployment.run("docker/secrets")
    with told("started"):
        deployment.compose("up", "--detach", "--wait", *options)
    return deployment


def begin(up: Deployment, slug: str, rate: int) -> None:
    conf = {
        "scenario": "uk-general-election-2019",
        "slug": slug,
        "contests": [CONTEST],
        "rate": rate,
        "auto_certify": True,
    }
    up.airflow().trigger("election_run", slug, conf)


def exact(up: Deployment, slug: str) -> None:
    """The run ends well, and all that was cast is stored, published and counted once."""

    def ended() -> bool:
        try:
            state = up.airflow().run("election_run", slug)["state"]
        except ElectionError:  # the API server is starting
            return False
        assert state != "failed"
        return state == "success"

    with told(f"{slug} ended"):
        until(ended, 420, f"the run of {slug} ends")
    verdict: Verdict = reconcile(up.platform, slug)
    assert verdict.ok, verdict.differences[:5]
    assert verdict.registered == REGISTERED and verdict.stored == verdict.counted == verdict.published


def await_polling(up: Deployment, slug: str) -> None:
    """Some ballots are cast, and more are to come."""

    def polling() -> bool:
        try:
            return any(poll.election == slug and 0 < poll.done < poll.total for poll in open_polls(up.platform))
        except (ElectionError, KafkaException):  # what it asks was just killed
            return False

    until(polling, 180, f"the poll of {slug} is open")


def kill(up: Deployment, service: str) -> None:
    """As a crash, and waits until the engine has started it again: it does not after `docker kill`, a stop by hand."""
    container = up.compose("ps", "--quiet", service).strip()
    process, begun, image, _ = state(up, container)
    up.run("docker", "run", "--rm", "--pid=host", "--user=0", "--entrypoint=sh", image, "-c", f"kill -9 {process}")

    def again() -> bool:
        now, started, *_ = state(up, container)
        return now != "0" and started != begun

    until(again, 60, f"{service} is started again")


def healthy(up: Deployment, service: str) -> bool:
    return state(up, up.compose("ps", "--quiet", "--all", service).strip())[3] == "healthy"


def state(up: Deployment, container: str) -> list[str]:
    """Main process on the host, time of the start, image, health."""
    wanted = "{{.State.Pid}} {{.State.StartedAt}} {{.Image}} {{.State.Health.Status}}"
    return up.run("docker", "inspect", "--format", wanted, container).split()


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)


@contextmanager
def told(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    log.info("%s after %.0f s", what, time.monotonic() - begun)
