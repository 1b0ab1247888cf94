"""The rebuild: counts again from the beginning of ``votes_topic``, beside the totals that readers see.

A rebuild starts a new generation with its own keys. Readers switch to it once it has counted as many votes, so shown
totals never go down. Then the keys of all other generations are removed. The new generation skips the messages that are
quarantined at its start.
"""

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from election.contracts import topics
from election.count import driver
from election.count.checkpoint import newest_batch, read_offsets, votes_topic_id
from election.count.folder import Folder, read_json, tally_folder, write_json
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import Offsets, bounds, read
from election.messaging.topics import create_topics
from election.platform import Platform
from election.storage.quarantine import Places, quarantined
from election.storage.removed import removed_elections

Key = tuple[str, bytes, int]
"""A key on an aggregated topic: topic, key, generation."""

LOG_EVERY = 5.0  # seconds
POLL = 0.5  # seconds
PATIENCE = 600.0  # seconds without progress; on a busy machine a new generation's first batch takes minutes


def rebuild(
    platform: Platform, log: Callable[[str], None] = print, started: Callable[[], object] = lambda: None
) -> int:
    """Returns the new generation's number when it has counted all earlier messages and the old keys are removed.

    ``started`` is called once the new generation's driver runs. An interrupted rebuild may be run again; the tally goes
    on meanwhile. Raises StageFailed when the new generation makes no progress (the old totals stay), or when another
    rebuild runs.
    """
    folder = tally_folder(platform.settings)
    with _alone(folder):
        create_topics(platform)  # an older platform has no topic for a new aggregate
        generation = following(folder.generation, emitted(platform))
        issue(folder, generation, *_left_out(platform))
        driver.stop(platform.settings)  # Airflow's DAG may start the next driver, too, if it is unpaused; one wins
        driver.start(platform.settings)
        _, end = bounds(platform.kafka, topics.VOTES)  # the old generation has stopped and read no further
        started()
        log(f"Generation {generation} counts from the beginning of {topics.VOTES}.")
        _wait(platform, generation, end, log)
        log(f"{_remove(platform, others(_keys(platform), generation), generation):,} totals of other counts removed.")
        for checkpoint in older_checkpoints(folder, generation):
            shutil.rmtree(checkpoint)
        return generation


def following(generation: int, taken: Collection[int]) -> int:
    """The number of the generation after ``generation``: the next one that no total on the topics has.

    It is not the largest number plus one, because a planted total with a huge number would use up all numbers.
    """
    number = generation + 1
    while number in taken:
        number += 1
    return number


def issue(folder: Folder, generation: int, left_out: Places, removed: Collection[int] = ()) -> None:
    """Makes the generation the current one. It skips the messages ``left_out`` and those of ``removed`` elections."""
    folder.checkpoint(generation).mkdir(exist_ok=True)
    offsets = {str(partition): sorted(found) for partition, found in left_out.items()}
    write_json(folder.issued(generation), {"quarantined": offsets, "removed": sorted(removed)})
    folder.set_generation(generation)


def emitted(platform: Platform) -> set[int]:
    """The generations that have totals on the topics, planted ones included."""
    return {generation for _, _, generation in _keys(platform)}


def others(keys: Iterable[Key], generation: int) -> list[Key]:
    """The keys of all other generations, in the order in which to remove them.

    Votes per contest come first, because readers choose the generation by them. Otherwise they could choose a wrong
    generation with too many votes while its other totals disappear one by one.
    """
    return sorted((key for key in keys if key[2] != generation), key=lambda key: key[0] != topics.BALLOTS_PER_CONTEST)


def older_checkpoints(folder: Folder, generation: int) -> list[Path]:
    """The checkpoints of earlier generations."""
    found = {path: path.name.removeprefix("generation-") for path in folder.root.glob("generation-*")}
    return [path for path, number in found.items() if number.isdigit() and int(number) < generation]


def leaves_out_all(platform: Platform) -> bool:
    """Whether the current generation skips every message that is quarantined now."""
    folder = tally_folder(platform.settings)
    known = read_json(folder.issued(folder.generation)).get("quarantined", {})
    return all(found <= set(known.get(str(partition), ())) for partition, found in _left_out(platform)[0].items())


def to_go(checkpoint: Path, end: Offsets) -> int:
    """Messages before ``end`` that no finished batch has read."""
    read_to = read_offsets(checkpoint, newest_batch(checkpoint, "commits"))
    return sum(max(0, offset - read_to.get(partition, 0)) for partition, offset in end.items())


@contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    lock = FileLock(folder.rebuilding)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise StageFailed(
            "Another `election tally rebuild` is running, and only one may run at a time. Wait until it is done; "
            "`election tally status` shows its progress."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _wait(platform: Platform, generation: int, end: Offsets, log: Callable[[str], None]) -> None:
    """Returns when the generation's finished batches have read up to ``end``, without waiting for later votes."""
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
                f"Generation {generation} makes no progress: the driver is {known.phase} "
                f"({known.error or 'no error'}). "
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
            if len(parts) == 3 and parts[1].isdigit() and len(parts[1]) <= _DIGITS:
                yield topic, key, int(parts[1])


_DIGITS = 19  # the most digits of a number in a message


def _left_out(platform: Platform) -> tuple[Places, list[int]]:
    """The quarantined messages, and the numbers of removed elections."""
    with platform.connect("reader") as connection:
        return quarantined(connection, votes_topic_id(platform.kafka)), removed_elections(connection)


def _remove(platform: Platform, keys: list[Key], generation: int) -> int:
    """Writes tombstones for the keys, in their order topic by topic, and for the progress of other generations."""
    producer, before = SafeProducer(platform.settings.kafka_login("tally")), None
    for topic, key, _ in keys:
        if topic != before:
            producer.flush()
            before = topic
        producer.produce(topic, None, key)
    for key in {record.key() or b"" for record in read(platform.kafka, topics.TALLY_PROGRESS)} - {b"%d" % generation}:
        producer.produce(topics.TALLY_PROGRESS, None, key)
    producer.flush()
    return len(keys)
