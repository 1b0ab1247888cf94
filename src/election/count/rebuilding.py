"""Counts again from the beginning of ``votes_topic``, beside the totals that readers see.

The new count is a new generation with keys of its own. Readers move to it once it has counted as many ballots, so
totals shown never go down; then the old generations' keys are removed.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from election.contracts import topics
from election.count import driver
from election.count.checkpoint import newest_batch, read_offsets
from election.count.folder import Folder, tally_folder
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import Offsets, bounds, read
from election.platform import Platform
from election.settings import Settings

Key = tuple[str, bytes, int]
"""A key on an aggregated topic: topic, key, generation."""

LOG_EVERY = 5.0  # seconds
POLL = 0.5  # seconds
PATIENCE = 180.0  # seconds without a driver at work, or without progress


def rebuild(
    platform: Platform, log: Callable[[str], None] = print, started: Callable[[], object] = lambda: None
) -> int:
    """Returns the new generation's number when it has counted all that was there and the old keys are gone.

    ``started`` is called once the new generation's driver runs. Interrupted, it may be run again; the count goes on
    either way. Raises StageFailed when the new count does not get on (the old totals stay), or another rebuild is at
    work.
    """
    folder = tally_folder(platform.settings)
    with _alone(folder):
        generation = max(folder.generation, emitted(platform) or 0) + 1
        folder.set_generation(generation)
        driver.stop(platform.settings)  # Airflow's DAG starts it again, if it is at work; whoever is first
        driver.start(platform.settings)
        _, end = bounds(platform.kafka, topics.VOTES)  # the old count has read no further, and goes no further
        started()
        log(f"Generation {generation} counts from the beginning of {topics.VOTES}.")
        _wait(platform, generation, end, log)
        log(f"{_remove(platform, older(_keys(platform), generation)):,} totals of older counts removed.")
        for checkpoint in older_checkpoints(folder, generation):
            shutil.rmtree(checkpoint)
        return generation


def emitted(platform: Platform) -> int | None:
    """The newest generation that has totals on the topics."""
    return max((generation for _, _, generation in _keys(platform)), default=None)


def older(keys: Iterable[Key], generation: int) -> list[Key]:
    """The keys of the generations before, in the order to remove them.

    Readers choose the generation by its ballots per contest: without these first, one whose ballots say too much would
    be shown while its other totals vanish one by one.
    """
    return sorted((key for key in keys if key[2] < generation), key=lambda key: key[0] != topics.BALLOTS_PER_CONTEST)


def older_checkpoints(folder: Folder, generation: int) -> list[Path]:
    """The checkpoints of the generations before."""
    found = {path: path.name.removeprefix("generation-") for path in folder.root.glob("generation-*")}
    return [path for path, number in found.items() if number.isdigit() and int(number) < generation]


def to_go(checkpoint: Path, end: Offsets) -> int:
    """Messages before ``end`` that no finished batch has read."""
    read_to = read_offsets(checkpoint, newest_batch(checkpoint, "commits"))
    return sum(max(0, offset - read_to.get(partition, 0)) for partition, offset in end.items())


@contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    with folder.rebuilding.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageFailed(
                "Another `election tally rebuild` is at work, and there is one at a time. Wait until it is done; "
                "`election tally status` shows how far it is."
            ) from error
        yield


def _wait(platform: Platform, generation: int, end: Offsets, log: Callable[[str], None]) -> None:
    """Returns when the generation's finished batches have read up to ``end``: votes that come later are no reason to
    wait."""
    checkpoint = tally_folder(platform.settings).checkpoint(generation)
    moved, told, before = time.monotonic(), 0.0, None
    while left := to_go(checkpoint, end):
        now = time.monotonic()
        if left != before:
            moved, before = now, left
        if now - told > LOG_EVERY:
            log(f"{left:,} votes to go")
            told = now
        if now - moved > PATIENCE:
            known = driver.state(platform.settings)
            raise StageFailed(
                f"Generation {generation} does not get on: the driver is {known.phase} ({known.error or 'no error'}). "
                "The old totals stay in place. See `election tally status`, then run `election tally rebuild` again."
            )
        time.sleep(POLL)


def _keys(platform: Platform) -> Iterator[Key]:
    """Every key on the aggregated topics that has a value."""
    for topic in topics.AGGREGATES:
        present: set[bytes] = set()
        for record in read(platform.kafka, topic):
            key = record.key() or b""
            (present.discard if record.value() is None else present.add)(key)
        for key in present:
            parts = key.split(b"/", 2)
            if len(parts) == 3 and parts[1].isdigit():
                yield topic, key, int(parts[1])


def as_the_count(settings: Settings) -> dict[str, str]:
    """How to reach Kafka to write totals: where it has logins, only the count's may."""
    return (settings.model_copy(update={"kafka_user": "tally"}) if settings.kafka_user else settings).kafka_client


def _remove(platform: Platform, keys: list[Key]) -> int:
    """Gives the keys tombstones, in their order topic by topic."""
    producer, before = SafeProducer(as_the_count(platform.settings)), None
    for topic, key, _ in keys:
        if topic != before:
            producer.flush()
            before = topic
        producer.produce(topic, None, key)
    for generation in {generation for _, _, generation in keys}:
        producer.produce(topics.TALLY_PROGRESS, None, b"%d" % generation)
    producer.flush()
    return len(keys)
