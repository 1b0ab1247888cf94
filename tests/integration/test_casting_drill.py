"""The casting drill: two workers are killed and paused again and again, broker and Postgres killed; no ballot is lost
or doubled.

``make drill-casting`` kills at least ten times at each step of the loop and at random times; as a part of the suite
it is short, and its voters are a feed's alone: ``test_election_runs.py`` kills every service while simulated voters
vote. ``DRILL_KILLS`` says how often, ``DRILL_SEED`` repeats a drill.
"""

import logging
import os
import random
import signal
import time
from typing import Any

import pytest
from confluent_kafka import Producer

from election.casting import cast, close_poll
from election.casting.faults import STEPS
from election.contracts.messages import ExternalBallot
from election.errors import NotReachable
from election.messaging.rejected import rejected
from election.reconciliation.offered import unaccounted
from election.stack.services import STORAGE
from election.stack.starting import start
from election.stack.supervision import Supervisor
from election.storage.elections import election
from tests.ballots import compared, official, put, send, tally, worker

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("DRILL_KILLS", "1"))
SEED = int(os.environ.get("DRILL_SEED", random.SystemRandom().randrange(10**9)))
NA_H_EILEANAN_AN_IAR = "S14000027"
PATIENCE = 40
VOTERS = 30_000 * KILLS
FED, FEED_SECONDS = 40, 0.2
# Longer than the consumer group waits for a member (6 s): its partitions are another worker's when it wakes.
PAUSE_SECONDS = 8


def plan(draw):
    """The lives of workers to come: the step and batch at which each dies; or at a random time, some paused before."""
    lives = [f"{step}:{draw.randint(1, 3)}" for step in STEPS for _ in range(KILLS)] + ["random", "paused"] * KILLS
    draw.shuffle(lives)
    return lives


def live(lives, draw, fate, *arguments):
    """One worker after the other, each of which dies as planned; notes in ``fate`` how."""
    while lives:
        planned = lives.pop()
        fault = planned if ":" in planned else None
        environment = {"ELECTION_CASTING_BATCH": "100"} | ({"ELECTION_CASTING_FAULT": fault} if fault else {})
        process = worker(*arguments, **environment)
        yield from until(process, PATIENCE if fault else 2 + 3 * draw.random())
        if planned == "paused":
            process.send_signal(signal.SIGSTOP)
            yield from until(process, PAUSE_SECONDS)
            process.send_signal(signal.SIGCONT)
            yield from until(process, 3)
        ended = process.poll()
        process.kill()
        output = process.communicate()[0].decode()
        if fault and ended is None:
            lives.insert(0, fault)  # the other worker had all the records
        else:
            assert ended in (None, -signal.SIGKILL), output
        fate.append(planned.split(":")[0] if fault is None or ended is not None else "random")


def until(process, seconds):
    """The others go on until the process has ended, or for so many seconds."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        yield


def restart(settings, name):
    """Kills a service and waits until its successor answers."""
    supervisor = Supervisor(settings)
    old = supervisor.processes()[name]["pid"]
    os.kill(old, signal.SIGKILL)
    deadline = time.monotonic() + 90
    while True:
        try:
            process = supervisor.processes()[name]
            if process["statename"] == "RUNNING" and process["pid"] != old:
                break
        except NotReachable:
            pass  # supervisor is busy with what died
        assert time.monotonic() < deadline, f"{name} did not come back"
        time.sleep(0.2)
    start(settings, STORAGE)


def drill(tables, slug, *arguments, meanwhile=lambda: None):
    """Two workers with the planned deaths, the broker and Postgres killed among them."""
    log.warning("casting drill: DRILL_SEED=%s", SEED)
    draw = random.Random(SEED)
    fate: list[Any] = []
    lives = plan(draw)
    planned = len(lives)
    restarts = {planned // 3: "kafka", 2 * planned // 3: "postgres"}
    workers = [live(lives, draw, fate, slug, "--worker", str(number), *arguments) for number in range(2)]
    while workers:
        workers = [working for working in workers if next(working, workers) is not workers]
        for after in [after for after in restarts if len(fate) >= after]:
            restart(tables.settings, restarts.pop(after))
        meanwhile()
        time.sleep(0.05)
    deaths = {how: fate.count(how) for how in sorted(set(fate))}
    log.warning("workers died %s", deaths)
    assert min(deaths.get(how, 0) for how in (*STEPS, "random", "paused")) >= KILLS
    assert restarts == {}


@pytest.mark.skipif("DRILL_KILLS" not in os.environ, reason="`make drill-casting` has it")
@pytest.mark.timeout(1800)
def test_simulated_voters_survive_the_drill(tables, published):
    poll = published("drill-simulated", "uk-general-election-2019", contests=(NA_H_EILEANAN_AN_IAR,))
    # Slow enough that there are voters left for the last death, on a busy machine too.
    drill(tables, poll.slug, "--rate", str(max(8, 60 // KILLS)))
    cast(tables, poll.slug)
    assert close_poll(tables, poll.slug)
    assert tally(tables, poll) == official(tables, poll)
    comparison = compared(tables, poll)
    assert comparison.differing == 0
    assert comparison.stored == comparison.published == sum(official(tables, poll).values())
    assert list(rejected(tables, poll.election_no)) == []


def ballot(poll, voter, more=0):
    return ExternalBallot(1, poll.election_no, voter, 1, 1 + (voter + more) % 3)


@pytest.mark.timeout(1800)
def test_ballots_from_outside_survive_the_drill(tables, published):
    poll = published("drill-external", voters=VOTERS, ballots="external")
    undecided = Producer({**tables.login("feed"), "transactional.id": "feed-drill", "log_level": 0})
    undecided.init_transactions(30)
    fed, times, latest = 0, 0, 0.0

    def feed():
        """A few ballots, one of them once more with another choice, and bytes that are none; by turns in a transaction,
        behind one that comes to nothing, and in none."""
        nonlocal fed, times, latest
        if time.monotonic() - latest < FEED_SECONDS or fed + FED > VOTERS:
            return
        voters = range(fed + 1, fed + FED + 1)
        offered = [*(ballot(poll, voter) for voter in voters), ballot(poll, fed + 1, more=1), b"garbage"]
        if times % 2:
            send(tables, *offered)
        else:
            undecided.begin_transaction()
            put(undecided, *(ballot(poll, voter, more=2) for voter in voters))
            undecided.flush(60)  # what is not on the topic yet is never written
            undecided.abort_transaction(60)
            undecided.begin_transaction()
            put(undecided, *offered)
            undecided.commit_transaction(60)
        fed, times, latest = fed + FED, times + 1, time.monotonic()

    drill(tables, poll.slug, meanwhile=feed)
    assert close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    refused = [record.reason for record in rejected(tables, poll.election_no)]
    comparison = compared(tables, poll)
    assert comparison.differing == 0
    assert comparison.stored == comparison.published == sum(tally(tables, poll).values()) == fed
    assert refused.count("not_json") == refused.count("second_ballot") == times
    assert len(refused) == 2 * times
    with tables.connect("auditor") as connection:
        assert list(unaccounted(tables, connection, election(connection, poll.slug))) == []
