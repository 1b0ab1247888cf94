"""What the tests of the containers do to a deployment: hold elections, kill, wait, and say how long it took."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from confluent_kafka import KafkaException

from election.casting import open_polls
from election.errors import BadInput, ElectionError, NotReachable
from election.reconciliation import Verdict, reconcile
from election.storage.elections import elections
from tests.compose.conftest import Deployment

log = logging.getLogger("compose")
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request
CONTEST, REGISTERED = "W07000041", 51_925  # Ynys Môn in 2019
AWAY = (ElectionError, KafkaException, psycopg.Error)
"""What asking a platform raises while parts of it are down."""


def bring_up(deployment: Deployment, *options: str) -> Deployment:
    with told("built"):
        deployment.compose("build")
        deployment.run("docker/secrets")
    with told("started"):
        deployment.compose("up", "--detach", "--wait", *options)
    return deployment


class Polling:
    """Elections one after the other, so that ballots are being cast whenever something happens to the platform.

    ``rate`` is ballots a second: slow enough for what is to happen meanwhile, and when a poll ends the next one opens.
    """

    def __init__(self, up: Deployment, name: str, rate: int) -> None:
        self.up, self._name, self._rate = up, name, rate
        self.slugs: list[str] = []
        self._triggered = True

    def await_casting(self) -> None:
        """Ballots are being stored just now, and more than a few are to come."""
        seen: dict[str, int] = {}

        def casting() -> bool:
            try:
                self._begin_when_over()
                polls = [poll for poll in open_polls(self.up.platform) if poll.election == self.slugs[-1]]
            except AWAY:
                return False
            going_on = [p for p in polls if seen.get(p.election, p.done) < p.done < p.total - 15 * self._rate]
            seen.update({poll.election: poll.done for poll in polls})
            return bool(going_on)

        until(casting, 600, f"the poll of {self.slugs[-1] if self.slugs else self._name} is open and ballots are cast")

    def exact(self) -> None:
        """Every election that was held ends well, and each of its ballots is stored, published and counted once."""
        for slug in self.slugs:
            exact(self.up, slug)

    def _begin_when_over(self) -> None:
        if self._triggered and (not self.slugs or _state(self.up, self.slugs[-1]) not in ("", "registered", "open")):
            self.slugs.append(f"{self._name}-{len(self.slugs) + 1}")
            self._triggered = False
        if not self._triggered:
            begin(self.up, self.slugs[-1], self._rate)
            self._triggered = True


def begin(up: Deployment, slug: str, rate: int, **parameters: object) -> None:
    """Starts a run, once, however often it is called."""
    conf = {"scenario": "uk-general-election-2019", "slug": slug, "contests": [CONTEST], "rate": rate}
    try:
        up.airflow().trigger("election_run", slug, conf | {"auto_certify": True} | parameters)
    except BadInput:
        log.info("%s was started already: the answer got lost", slug)


def exact(up: Deployment, slug: str, registered: int = REGISTERED) -> None:
    """The run ends well, and all that was cast is stored, published and counted once."""

    def ended() -> bool:
        try:
            state = up.airflow().run("election_run", slug)["state"]
        except NotReachable:  # the API server is starting
            return False
        assert state != "failed", why(up, slug)
        return bool(state == "success")

    with told(f"{slug} ended"):
        until(ended, 900, f"the run of {slug} ends")
    verdict: Verdict = reconcile(up.platform, slug)
    assert verdict.ok, verdict.differences[:5]
    assert verdict.registered == registered and verdict.stored == verdict.counted == verdict.published > 0
    log.info("%s is exact: %d ballots", slug, verdict.stored)


def why(up: Deployment, slug: str) -> str:
    """The end of the log of each task that failed."""
    dag, airflow = "election_run", up.airflow()
    failed = [task for task in airflow.tasks(dag, slug) if task["state"] == "failed"]
    return "\n".join("\n".join([task["task_id"], *airflow.log_tail(dag, slug, task)]) for task in failed)


def known(up: Deployment) -> list[str]:
    with up.platform.connect("reader") as connection:
        return [poll.slug for poll in elections(connection)]


def kill(up: Deployment, service: str) -> None:
    """As a crash, and waits until the engine has started it again: it does not after `docker kill`, a stop by hand."""
    container = up.compose("ps", "--quiet", service).strip()
    process, begun, image, _ = inspect(up, container)
    up.run("docker", "run", "--rm", "--pid=host", "--user=0", "--entrypoint=sh", image, "-c", f"kill -9 {process}")

    def again() -> bool:
        now, started, *_ = inspect(up, container)
        return now != "0" and started != begun

    until(again, 300, f"{service} is started again")


def healthy(up: Deployment, service: str) -> bool:
    return inspect(up, up.compose("ps", "--quiet", "--all", service).strip())[3] == "healthy"


def inspect(up: Deployment, container: str) -> list[str]:
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


def _state(up: Deployment, slug: str) -> str:
    """The election's state; empty before its run has registered it, also while there are no tables."""
    with up.platform.connect("reader") as connection:
        if connection.execute("SELECT to_regclass('elections')").fetchone() == (None,):
            return ""
        row = connection.execute("SELECT state FROM elections WHERE slug = %s", [slug]).fetchone()
    return row[0] if row else ""
