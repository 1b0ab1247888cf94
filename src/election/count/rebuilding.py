"""Counts again from the beginning of ``votes_topic``, beside the totals that readers see.

The new count is a new generation with keys of its own. Readers move to it once it has counted as many ballots, so
totals shown never go down; then the old generation's keys are removed.
"""

import shutil
import time
from collections.abc import Callable, Iterator

from election.contracts import topics
from election.count import driver
from election.count.folder import tally_folder
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.platform import Platform

LOG_EVERY = 5.0  # seconds
POLL = 0.5  # seconds
PATIENCE = 180.0  # seconds without a driver at work, or without progress


def rebuild(platform: Platform, log: Callable[[str], None] = print) -> int:
    """Returns the new generation's number when it has counted everything and the old keys are gone.

    Interrupted, it may be run again; the count goes on either way. Raises StageFailed when the new count does not
    get on: the old totals stay.
    """
    folder = tally_folder(platform.settings)
    generation = max([folder.generation, *(found for _, _, found in _keys(platform))]) + 1
    folder.set_generation(generation)
    driver.stop(platform.settings)  # Airflow's DAG starts it again, if it is at work; whoever is first
    driver.start(platform.settings)
    log(f"Generation {generation} counts from the beginning of {topics.VOTES}.")
    _wait(platform, generation, log)
    log(f"{_remove_others(platform, generation):,} totals of older counts removed.")
    for checkpoint in folder.root.glob("generation-*"):
        if checkpoint != folder.checkpoint(generation):
            shutil.rmtree(checkpoint)
    return generation


def _wait(platform: Platform, generation: int, log: Callable[[str], None]) -> None:
    moved, told, lag = time.monotonic(), 0.0, None
    while True:
        known, now = driver.state(platform.settings), time.monotonic()
        if known.phase == "counting" and known.generation == generation and known.lag is not None:
            if known.lag == 0:
                return
            if known.lag != lag:
                moved, lag = now, known.lag
            if now - told > LOG_EVERY:
                log(f"{lag:,} votes to go")
                told = now
        if now - moved > PATIENCE:
            raise StageFailed(
                f"Generation {generation} does not get on: the driver is {known.phase} ({known.error or 'no error'}). "
                "The old totals stay in place. See `election tally status`, then run `election tally rebuild` again."
            )
        time.sleep(POLL)


def _keys(platform: Platform) -> Iterator[tuple[str, bytes, int]]:
    """Every key on the aggregated topics that has a value: topic, key, generation."""
    for topic in topics.AGGREGATES:
        present: set[bytes] = set()
        for record in read(platform.kafka, topic):
            key = record.key() or b""
            (present.discard if record.value() is None else present.add)(key)
        for key in present:
            parts = key.split(b"/", 2)
            if len(parts) == 3 and parts[1].isdigit():
                yield topic, key, int(parts[1])


def _remove_others(platform: Platform, generation: int) -> int:
    producer, removed, others = SafeProducer(platform.kafka), 0, set()
    for topic, key, found in _keys(platform):
        if found != generation:
            producer.produce(topic, None, key)
            others.add(found)
            removed += 1
    for other in others:
        producer.produce(topics.TALLY_PROGRESS, None, b"%d" % other)
    producer.flush()
    return removed
