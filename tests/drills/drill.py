"""An election under fire: it is cast and counted, a fault strikes in the middle, and every total must be exact."""

import logging
import os
import random
import time
from collections.abc import Callable

from election.count import driver, wait_until_counted
from election.platform import Platform
from election.reconciliation.verdict import reconcile
from election.storage.elections import Election
from tests import count_faults
from tests.ballots import once_votes_are_stored, worker
from tests.integration.conftest import Published

log = logging.getLogger(__name__)
SEED = os.environ.get("DRILL_SEED", str(time.time_ns() % 1_000_000))
VOTERS, RATE = 4_000, 400  # some six seconds of casting
STRIKE_WITHIN = 3.0  # seconds after the first vote was stored
COUNT_AGAIN = 400.0  # seconds, on a busy machine; a task whose runner was killed is missed by Airflow after 120

Strike = Callable[[Platform], None]


class Drill:
    """Strikes elections and asks afterwards whether all is exact. ``draw`` gives the moments."""

    def __init__(self, platform: Platform, published: Published, name: str) -> None:
        log.warning("drill %s: DRILL_SEED=%s", name, SEED)
        self.platform, self.draw = platform, random.Random(f"{SEED} {name}")
        self._published, self._name, self._elections = published, name, 0
        self._emitted = count_faults.Emitted(platform)

    def election(self) -> Election:
        """The next election, whose poll is open."""
        self._elections += 1
        return self._published(f"drill-{self._name}-{self._elections}", voters=VOTERS)

    def strike(self, what: str, fault: Strike, *, outlived: bool = False) -> None:
        """An election is cast, struck at a random moment, counted to its end and compared.

        ``outlived``: by the driver, which is the same one afterwards.
        """
        poll = self.election()
        self.wait_until_it_counts()
        before = driver.state(self.platform.settings).identity
        casting = worker(poll.slug, "--rate", str(RATE))
        moment = self.draw.uniform(0, STRIKE_WITHIN)
        once_votes_are_stored(self.platform, poll, lambda: time.sleep(moment))
        fault(self.platform)
        struck = time.monotonic()
        if casting.wait(COUNT_AGAIN):  # a worker that begins while Kafka is away fails, and its task is tried again
            assert casting.stdout
            log.warning("a casting worker failed, and is tried again: %s", casting.stdout.read().decode().strip())
            assert worker(poll.slug).wait(COUNT_AGAIN) == 0
        self.assert_exact(poll.slug)
        assert not outlived or driver.state(self.platform.settings).identity == before, "the same driver counts on"
        log.warning("%s: %s exact %.0f s after the strike", what, poll.slug, time.monotonic() - struck)

    def wait_until_it_counts(self) -> None:
        assert driver.wait_for(lambda: driver.state(self.platform.settings).phase == "counting", COUNT_AGAIN)

    def assert_exact(self, slug: str) -> None:
        wait_until_counted(self.platform, slug, timeout_stalled_s=COUNT_AGAIN)
        assert reconcile(self.platform, slug).differences == ()
        assert self._emitted.went_down() == []
