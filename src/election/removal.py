"""Removes an election: its rows and its ballot key, its records on the compacted topics, its reports and files.

What stays on ``voters_topic``, ``ballots_topic`` and ``votes_topic`` is unreadable as an election: its number is never
given again, and without the key no ballot can be traced to a voter.
"""

import shutil
from collections.abc import Callable

import psycopg

from election.contracts import topics
from election.count import driver
from election.count.folder import tally_folder
from election.count.rebuilding import to_go
from election.errors import StageFailed, UnknownElection
from election.messaging.clients import SafeProducer
from election.messaging.reading import bounds, read
from election.messaging.rejected import rejected, take_back
from election.platform import Platform
from election.quality.reports import write_index
from election.storage.elections import election

_PATIENCE = 60.0  # seconds for ballots that are not counted yet


def remove(platform: Platform, slug: str, by: str, log: Callable[[str], None] = print) -> int:
    """Removes the election of that slug for good; returns how many records got a tombstone.

    Interrupted, it may be run again: what was removed of the slug before is completed. Raises UnknownElection, and
    StageFailed when the election is certified.
    """
    numbers = _remove_rows(platform, slug, by)
    log(f"The rows and the ballot key of {slug} are removed.")
    _let_count_pass(platform, log)
    records = sum(_remove_records(platform, number) for number in numbers)
    log(f"{records:,} records of {slug} on compacted topics are removed.")
    for folder in (platform.settings.data_docs / slug, platform.settings.var / "results" / slug):
        if folder.exists():
            shutil.rmtree(folder)
    write_index(platform)
    log(f"Reports and files of {slug} are removed.")
    return records


def _remove_rows(platform: Platform, slug: str, by: str) -> list[int]:
    """In one transaction; returns the numbers of all elections that had the slug and are gone."""
    try:
        with platform.connect("owner") as connection:
            try:
                election(connection, slug)
            except UnknownElection:
                if not _numbers(connection, slug):
                    raise
            else:
                connection.execute("SELECT remove_election(%s, %s)", [slug, by])
            return _numbers(connection, slug)
    except psycopg.errors.RaiseException as refusal:
        raise StageFailed(" ".join(filter(None, (refusal.diag.message_primary, refusal.diag.message_hint)))) from None


def _numbers(connection: psycopg.Connection, slug: str) -> list[int]:
    rows = connection.execute("SELECT election_no FROM removed_elections WHERE slug = %s ORDER BY 1", [slug])
    return [number for (number,) in rows]


def _let_count_pass(platform: Platform, log: Callable[[str], None]) -> None:
    """Waits for ballots that are published and not counted: their totals would come after the tombstones."""
    folder = tally_folder(platform.settings)
    _, end = bounds(platform.kafka, topics.VOTES)

    def passed() -> bool:
        return not to_go(folder.checkpoint(folder.generation), end)

    if not passed() and not (driver.state(platform.settings).alive and driver.wait_for(passed, _PATIENCE)):
        log("The count has not read all ballots yet. Totals that come later are removed by running this again.")


def _remove_records(platform: Platform, election_no: int) -> int:
    """Gives the election's records on the compacted topics tombstones; returns how many."""
    stage, count, removed = SafeProducer(platform.kafka), SafeProducer(platform.settings.kafka_login("tally")), 0
    for record in rejected(platform, election_no):
        take_back(stage, record)
        removed += 1
    head = b"%d/" % election_no
    for topic in (topics.BALLOTS_PER_CONTEST, *topics.AGGREGATES, topics.CANDIDATES, topics.LOG_HEADS):
        there: set[bytes] = set()
        for message in read(platform.kafka, topic):
            key = message.key() or b""
            if key.startswith(head):
                (there.discard if message.value() is None else there.add)(key)
        for key in there:
            (stage if topic in (topics.CANDIDATES, topics.LOG_HEADS) else count).produce(topic, None, key)
        removed += len(there)
        count.flush()
    stage.flush()
    return removed
