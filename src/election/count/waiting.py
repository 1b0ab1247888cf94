"""Waits until the tally has counted every vote of an election."""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from election.contracts import topics
from election.count import driver
from election.count.folder import tally_folder
from election.count.rebuilding import to_go
from election.errors import StageFailed
from election.messaging.clients import consume, consumer
from election.messaging.reading import Offsets, bounds, partitions
from election.platform import Connection, Platform
from election.storage.elections import election, move
from election.totals import Totals

LOG_EVERY = 5.0  # seconds
POLL = 0.5  # seconds


def wait_until_counted(
    platform: Platform, slug: str, log: Callable[[str], None] = print, timeout_stalled_s: float = 120
) -> dict[str, Any]:
    """Returns ``{"election", "stored", "counted", "seconds"}`` when the totals of every topic equal the stored votes.

    Sets the election's state to ``counted``. Raises StageFailed when more votes are counted than stored, or when
    nothing moves for ``timeout_stalled_s`` seconds: neither the election's totals nor the tally's position on the
    topic, where a rebuild or another election may come first.
    """
    with platform.connect("app") as connection:
        number = election(connection, slug).election_no
        stored, ranked = _stored(connection, number)
    _, end = bounds(platform.kafka, topics.VOTES)
    totals = Totals(only=number)
    reader = consumer(platform.kafka)
    began = moved = told = time.monotonic()
    counted, told_counted, left = 0, 0, -1
    try:
        reader.assign(
            [
                TopicPartition(topic, partition, OFFSET_BEGINNING)
                for topic in topics.AGGREGATES
                for partition in partitions(platform.kafka, topic)
            ]
        )
        while True:
            for record in consume(reader, 10_000, POLL):
                totals.apply(str(record.topic()), record.key(), record.value())
            now, before, left_before = time.monotonic(), counted, left
            counted, most = totals.ballots_everywhere(number), totals.ballots(number)
            if counted == most == stored and totals.ranked(number) == ranked:
                break
            if most > stored:
                raise StageFailed(
                    f"{most:,} votes of {slug} are counted, but {stored:,} are stored. "
                    f"`election reconcile {slug}` names the ballots; `election quarantine {slug}` has the tally skip "
                    "those that are forged."
                )
            left = _left(platform, end)
            if (counted, left) != (before, left_before):
                moved = now
            if now - told >= LOG_EVERY:
                rate = (counted - told_counted) / (now - told)
                log(f"{counted:,} of {stored:,} votes counted, {rate:,.0f}/s")
                told, told_counted = now, counted
            if now - moved > timeout_stalled_s:
                raise StageFailed(_why_nothing_moves(platform, slug, counted, stored, now - moved))
    finally:
        reader.close()
    with platform.connect("app") as connection:
        move(connection, number, "counted")
    seconds = round(time.monotonic() - began, 3)
    log(f"All {stored:,} votes of {slug} are counted ({seconds:.1f} s).")
    return {"election": slug, "stored": stored, "counted": counted, "seconds": seconds}


def _left(platform: Platform, end: Offsets) -> int:
    """Votes before ``end`` that the tally has not read; all of them if its checkpoint is on another machine."""
    folder = tally_folder(platform.settings)
    return to_go(folder.checkpoint(folder.generation), end)


def _stored(connection: Connection, election_no: int) -> tuple[int, int]:
    """(votes, votes with a ranking)."""
    row = connection.execute(
        "SELECT count(*), count(ranking) FROM votes WHERE election_no = %s", [election_no]
    ).fetchone()
    return row or (0, 0)


def _why_nothing_moves(platform: Platform, slug: str, counted: int, stored: int, seconds: float) -> str:
    known = driver.state(platform.settings)
    said = f"{counted:,} of {stored:,} votes of {slug} are counted, and nothing has moved for {seconds:.0f} s."
    if known.alive:
        return (
            f"{said} The count's driver is {known.phase} (batch {known.batch}, {known.ui_url}). "
            f"`election tally status` shows more; `election reconcile {slug}` says whether votes are missing."
        )
    last = f" It ended with: {known.error}" if known.error else ""
    remedy = "Unpause the DAG tally_stream, or `election tally start`; then clear this task."
    return f"{said} No driver of the count runs.{last} {remedy}"
