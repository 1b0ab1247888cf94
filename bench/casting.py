"""Measures what casting, publication and the electorate reach of their limits, on a platform of its own.

    python -m bench.casting [--voters 1000000] [--rounds 3]     (make bench-casting)

Each limit is the least that the machine must do for the same rows, and takes turns with the product in one run:

- casting with one and with two workers against COPY + INSERT of the same votes into the same table with the same
  keys and the same trigger: one writer, batches of the same size, their text made before the clock starts;
- ballots with two votes against ballots with one: a second vote costs less than the first;
- publication against a bare loop that produces the same keys and values from memory;
- the electorate against COPY of the same rows from memory (``bench.electorate``);
- the pace of two workers who are asked for 0.8 of what they just reached.

Then the whole stack comes up and Spark counts beside two workers: votes a second from the first worker's start to the
last total, of a stream that has just started, and of the same stream when it has counted some minutes of 2,000 votes a
second, as one that runs for weeks has. Its limit is the rate at which Spark reads and parses the same votes while
nothing else works. Every election is a new one. Prints one table and writes var/bench/casting.json.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Annotated

import typer
from confluent_kafka import Producer
from psycopg import sql
from rich.console import Console
from rich.table import Table

from bench import electorate
from bench.own_platform import own_platform, pause_the_scheduled_look
from bench.parsing import a_second, parsed
from bench.together import together
from bench.votes import Electorate, produce
from election.casting import cast, open_poll
from election.casting.storing import prepare
from election.clients.airflow import Airflow
from election.contracts import topics
from election.count import driver
from election.count.waiting import wait_until_counted
from election.electorate import seed_candidates, seed_voters
from election.messaging.reading import bounds, read
from election.messaging.topics import create_topics
from election.platform import Platform, native
from election.preparation import Registration, create_tables, register
from election.publication import publish_candidates, publish_voters
from election.settings import PROJECT, Settings
from election.stack.services import STORAGE
from election.stack.starting import start
from election.storage.elections import Election, election

NULL = r"\N"  # in COPY's text format
# What the stream counts until most of its Java is compiled: the number of an election that is in no database, votes a
# second, seconds.
AGING, AGING_RATE, AGING_SECONDS = 1_000_000, 2_000, 180


def main(
    voters: Annotated[int, typer.Option(min=50_000)] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    counted: Annotated[int, typer.Option(help="voters of the election that Spark counts; 0: none")] = 4_000_000,
) -> None:
    rates: dict[str, list[float]] = {}

    def note(what: str, rate: float) -> None:
        rates.setdefault(what, []).append(rate)
        Console().print(f"{datetime.now(UTC):%H:%M:%S} {what}: {rate:,.0f}/s, load {os.getloadavg()[0]:.1f}")

    with own_platform("bench-casting", STORAGE) as platform:
        create_tables(platform)
        create_topics(platform)
        for turn in range(rounds):
            one = _open(platform, f"one-{turn}", voters, note)
            note("one worker", _cast(platform, one, 1)[0])
            both = _open(platform, f"both-{turn}", voters, note, "mixed-parliament")
            note("one worker, two votes a ballot", _cast(platform, both, 1)[0])
            two = _open(platform, f"two-{turn}", voters, note)
            note("two workers", _cast(platform, two, 2)[0])
            limit = _open(platform, f"limit-{turn}", voters, note)
            note("one writer, nothing else", _insert(platform, _votes(platform, one), limit))
            note("bare produce loop", _produce(platform, two))
            _empty(platform)
        paced = _open(platform, "paced", voters, note)
        asked = 0.8 * median(rates["two workers"])
        note("pace asked for, two workers", asked)
        _cast(platform, paced, 2, asked)
        note("pace held", _pace(platform, paced))
        for what, found in zip(("plain COPY", "electorate"), electorate.loaded(platform, voters, rounds), strict=True):
            for rate in found:
                note(what, rate)
        if counted:
            start(platform.settings)
            pause_the_scheduled_look(platform.settings)
            for turn in range(1 + rounds):
                stream = "warm" if turn else "just started"
                # Its publication is not noted: the limit of that had the machine alone.
                poll = _open(platform, f"counted-{turn}", counted, lambda _what, _rate: None)
                note(f"two workers and the count ({stream}), whole stack up", _cast_and_count(platform, poll))
                if not turn:
                    produce(platform, Electorate(AGING), AGING_SECONDS * AGING_RATE, AGING_RATE)
            Airflow(platform.settings).pause("tally_stream", True)
            driver.stop(platform.settings)
            batches = parsed(platform.settings)
            note("Spark reads and parses", a_second(batches[1:] or batches))  # Java compiles in the first
    _show({what: [round(rate) for rate in found] for what, found in rates.items()}, voters)


def _open(
    platform: Platform, slug: str, voters: int, note: Callable[[str, float], None], scenario: str = "single-race"
) -> Election:
    """A new election whose poll is open."""
    register(platform, Registration(scenario, slug, voters=voters))
    seed_candidates(platform, slug)
    seed_voters(platform, slug, _quiet)
    publish_candidates(platform, slug)
    began = time.perf_counter()
    publish_voters(platform, slug, _quiet)
    note("publication", voters / (time.perf_counter() - began))
    open_poll(platform, slug)
    with platform.connect("app") as connection:
        return election(connection, slug)


def _cast(platform: Platform, poll: Election, workers: int, rate: float = 0) -> tuple[float, float]:
    """Ballots a second of workers that begin together, from then until the last one has seen the end; and when it was
    that they began, in seconds since 1970."""
    each = [(platform.settings, poll.slug, number, rate) for number in range(workers)]
    began, ended, ballots = zip(*together(_work, each), strict=True)
    return sum(ballots) / (max(ended) - min(began)), min(began)


def _work(
    begin: Callable[[], object], settings: Settings, slug: str, number: int, rate: float
) -> tuple[float, float, int]:
    """A worker as a process: when it began and ended, and its ballots. What it imports is not measured."""
    platform = native(settings)
    begin()
    began = time.time()
    ballots = cast(platform, slug, worker=number, rate=rate, log=_quiet).ballots
    return began, time.time(), ballots


def _pace(platform: Platform, poll: Election) -> float:
    """Ballots a second from the first stored to the last."""
    with platform.connect("app") as connection:
        row = connection.execute(
            """SELECT (count(*) - 1) / extract(epoch FROM max(cast_at) - min(cast_at))::float8 FROM votes
               WHERE election_no = %s""",
            [poll.election_no],
        ).fetchone()
    return float(row[0]) if row else 0.0


def _cast_and_count(platform: Platform, poll: Election) -> float:
    began = _cast(platform, poll, 2)[1]
    with platform.connect("app") as connection:  # the poll is not closed: this is not a run
        connection.execute("UPDATE elections SET state = 'closed' WHERE election_no = %s", [poll.election_no])
    stored = float(wait_until_counted(platform, poll.slug, _quiet)["stored"])
    return stored / (_last_total(platform, poll) - began)


def _last_total(platform: Platform, poll: Election) -> float:
    """When the election's last total came to its topic, in seconds since 1970.

    The waiting process learns of it seconds later: totals of all elections, and of each batch, are read before it.
    """
    head = b"%d/" % poll.election_no
    records = read(platform.kafka, list(topics.AGGREGATES))
    return max(record.timestamp()[1] for record in records if (record.key() or b"").startswith(head)) / 1000


def _votes(platform: Platform, poll: Election) -> list[tuple[int, int, int | None]]:
    """(voter, contest, candidate) of every vote, by voter: the order that costs Postgres the least."""
    with platform.connect("app") as connection:
        return connection.execute(
            "SELECT voter_no, contest_no, candidate_no FROM votes WHERE election_no = %s ORDER BY voter_no",
            [poll.election_no],
        ).fetchall()


def _insert(platform: Platform, votes: list[tuple[int, int, int | None]], poll: Election) -> float:
    """Votes a second of one writer that does nothing but store them for ``poll``."""
    size = platform.settings.casting_batch
    texts = [
        "".join(
            f"{voter}\t1\t{contest}\t{candidate or NULL}\t{NULL}\n" for voter, contest, candidate in votes[i : i + size]
        )
        for i in range(0, len(votes), size)
    ]
    with platform.connect("app") as connection:
        connection.autocommit = True
        prepare(connection)
        began = time.perf_counter()
        for text in texts:
            with connection.transaction():
                with connection.cursor().copy("COPY batch FROM STDIN") as copy:
                    copy.write(text)
                connection.execute(
                    """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, ranking, cast_at)
                       SELECT %s, voter_no, position, contest_no, candidate_no, ranking, now() FROM batch""",
                    [poll.election_no],
                )
        return len(votes) / (time.perf_counter() - began)


def _produce(platform: Platform, poll: Election) -> float:
    """Voters a second of a loop that produces what publication produced, in its order, from memory."""
    begin = {int(partition): offset for partition, offset in (poll.voters_from or {}).items()}
    end = bounds(platform.kafka, topics.VOTERS)[1]
    records = [
        (message.value(), message.key(), message.partition() or 0)
        for message in read(platform.kafka, topics.VOTERS, begin)
        if (message.offset() or 0)
        < min((poll.voters_to or {})[str(message.partition())], end[message.partition() or 0])
    ]
    records.sort(key=lambda record: int((record[1] or b"").rpartition(b"/")[2]))
    producer = Producer(
        {**platform.kafka, "enable.idempotence": True, "linger.ms": 50, "compression.type": "lz4",
         "queue.buffering.max.messages": 1_000_000, "queue.buffering.max.kbytes": 1_000_000}
    )  # fmt: skip
    began = time.perf_counter()
    for value, key, partition in records:
        while True:
            try:
                producer.produce(topics.VOTERS, value, key, partition)
                break
            except BufferError:
                producer.poll(0.01)
    producer.flush()
    return len(records) / (time.perf_counter() - began)


def _empty(platform: Platform) -> None:
    """The next round begins with empty tables. The triggers that refuse TRUNCATE are off meanwhile."""
    with platform.connect("owner") as connection:
        guarded = connection.execute(
            """SELECT relnamespace::regnamespace::text, relname FROM pg_class
               JOIN pg_trigger ON tgrelid = pg_class.oid WHERE tgname = 'not_emptied'"""
        )
        tables = [sql.Identifier(*name) for name in guarded]
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER not_emptied").format(table))
        connection.execute("TRUNCATE elections CASCADE")
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER not_emptied").format(table))


def _show(rates: dict[str, list[int]], voters: int) -> None:
    middle = {what: round(median(found)) for what, found in rates.items()}
    limits = {
        "one worker": ("one writer, nothing else", 0.5),
        "one worker, two votes a ballot": ("one worker", 0.5),
        "two workers": ("one writer, nothing else", 0.5),
        "publication": ("bare produce loop", 0.6),
        "electorate": ("plain COPY", 0.4),
        "pace held": ("pace asked for, two workers", 0.95),
        # 50,000 where reading and parsing did 379,000.
        "two workers and the count (warm), whole stack up": ("Spark reads and parses", 0.132),
    }
    ratios = {what: round(middle[what] / middle[limit], 3) for what, (limit, _) in limits.items() if limit in middle}
    table = Table(title=f"Casting, publication, electorate: {voters:,} voters", caption="medians, a second")
    for column in ("measured", "a second", "of its limit", "asked for"):
        table.add_column(column, justify="left" if column == "measured" else "right")
    for what, rate in middle.items():
        asked = f"{limits[what][1]}" if what in limits else ""
        table.add_row(what, f"{rate:,}", f"{ratios[what]}" if what in ratios else "", asked)
    Console().print(table)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "voters": voters,
        "a_second": rates,
        "ratios": ratios,
    }
    file = PROJECT / "var" / "bench" / "casting.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2) + "\n")


def _quiet(_line: str) -> None:
    """What stages say is not measured."""


if __name__ == "__main__":
    typer.run(main)
