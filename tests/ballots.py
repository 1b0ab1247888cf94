"""What tests of casting ask of an election: its stored votes, the official ones, both sides compared; and workers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

from confluent_kafka import Producer

from election.contracts import topics
from election.contracts.messages import ExternalBallot, encode
from election.messaging.clients import SafeProducer
from election.platform import Platform
from election.reconciliation.ballots import Comparison, compare_ballots
from election.storage.elections import Election, election


def tally(platform: Platform, poll: Election) -> dict[int | None, int]:
    """Stored votes by candidate number; None is an invalid ballot."""
    with platform.connect("reader") as connection:
        return dict(
            connection.execute(
                "SELECT candidate_no, count(*) FROM votes WHERE election_no = %s GROUP BY 1", [poll.election_no]
            ).fetchall()
        )


def official(platform: Platform, poll: Election) -> dict[int | None, int]:
    """The same of the official result."""
    with platform.connect("reader") as connection:
        votes: dict[int | None, int] = dict(
            connection.execute(
                "SELECT candidate_no, official_votes FROM candidates WHERE election_no = %s AND official_votes > 0",
                [poll.election_no],
            ).fetchall()
        )
        (invalid,) = connection.execute(
            "SELECT sum(official_invalid)::int FROM contests WHERE election_no = %s", [poll.election_no]
        ).fetchone() or (0,)
    return votes | ({None: invalid} if invalid else {})


def compared(platform: Platform, poll: Election) -> Comparison:
    """The ballots on the topic against those stored, as reconciliation does it."""
    with platform.connect("auditor") as connection:
        return compare_ballots(platform, connection, election(connection, poll.slug))


def worker(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    """A casting worker as a process of its own."""
    command = [sys.executable, "-m", "election.cli", "cast", *arguments]
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def once_votes_are_stored(platform: Platform, poll: Election, then: Callable[[], object]) -> None:
    """Calls ``then`` as soon as a vote of the election is stored."""
    deadline = time.monotonic() + 60
    while not tally(platform, poll):
        assert time.monotonic() < deadline, "no vote was stored in a minute"
        time.sleep(0.1)
    then()


def send(platform: Platform, *ballots: ExternalBallot | bytes | None) -> None:
    """Puts ballots, or bytes that are none, on ballots_topic."""
    producer = SafeProducer(platform.login("feed"))
    put(producer, *ballots)
    producer.flush()


def put(producer: SafeProducer | Producer, *ballots: ExternalBallot | bytes | None) -> None:
    """The same with a producer of the caller's, who sees that they arrive."""
    for ballot in ballots:
        if isinstance(ballot, ExternalBallot):
            producer.produce(topics.BALLOTS, encode(ballot), f"{ballot.election}/{ballot.voter}".encode())
        else:
            producer.produce(topics.BALLOTS, ballot, b"planted")
