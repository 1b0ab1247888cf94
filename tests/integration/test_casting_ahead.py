"""A worker fetches the next batch while Postgres stores the last: what becomes of both when that is disturbed."""

import logging
import threading
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, KafkaException

from election.casting import cast, close_poll
from election.casting import worker as casting_worker
from election.casting.intake import Intake
from election.casting.pace import Rate
from election.contracts import topics
from election.contracts.messages import ExternalBallot
from election.messaging.reading import read
from tests.ballots import compared, once_votes_are_stored, send, tally, worker


def test_a_worker_that_joins_during_a_batch_is_offered_none_of_it(tables, published):
    poll, joined = published("ahead-joined", voters=20_000), []
    working = worker(poll.slug, ELECTION_CASTING_BATCH="20")
    joining = threading.Thread(target=lambda: joined.append(cast(tables, poll.slug, worker=1)))
    once_votes_are_stored(tables, poll, joining.start)
    output, _ = working.communicate(timeout=90)
    joining.join(90)
    assert working.returncode == 0, output.decode()
    comparison = compared(tables, poll)
    assert (comparison.duplicates, comparison.differing) == (0, 0)
    assert 0 < joined[0].ballots < comparison.stored


def test_a_batch_that_was_begun_and_dropped_leaves_nothing_behind(tables, published):
    poll = published("ahead-dropped", voters=100)
    records = [
        message
        for message in read(tables.kafka, topics.VOTERS)
        if f'"election":{poll.election_no},'.encode() in (message.value() or b"")
    ]
    with tables.connect("app") as connection:
        connection.autocommit = True
        intake = Intake(tables, connection, poll)
        intake.begin(records)
        intake.drop()
        intake.drop()
        assert tally(tables, poll) == {}
        assert intake.take(records).ballots == sum(tally(tables, poll).values()) > 50
    assert compared(tables, poll).duplicates == 0


def test_a_fetch_that_fails_while_a_batch_is_stored_costs_the_batch_and_nothing_else(
    tables, published, monkeypatch, caplog
):
    poll = published("ahead-failed", voters=2_000)
    told: list[str] = []
    stored: list[dict[int | None, int]] = []
    ahead = Rate.ahead

    def failing_once(self, most):
        if not stored:
            stored.append(tally(tables, poll))
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return ahead(self, most)

    monkeypatch.setattr(Rate, "ahead", failing_once)
    with caplog.at_level(logging.WARNING):
        done = cast(tables, poll.slug, log=told.append)
    assert stored == [{}]
    assert "begins again" in told[0]
    assert caplog.records == []
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.duplicates, comparison.differing) == (done.ballots, 0, 0)


def test_what_was_fetched_before_the_partitions_went_is_dropped(tables, published, monkeypatch):
    poll, told = published("ahead-gone", voters=100), []
    assigned = Rate.assigned

    def noting(self, partitions):
        told.append(len(partitions))
        assigned(self, partitions)

    monkeypatch.setattr(Rate, "assigned", noting)
    cast(tables, poll.slug, log=lambda line: None)
    had, left = told
    assert had > left == 0


def test_a_worker_that_dies_with_the_next_batch_in_hand_leaves_it_to_others(tables, published, monkeypatch):
    poll = published("ahead-died", voters=400, ballots="external")
    send(tables, *(ExternalBallot(1, poll.election_no, voter, 1, 1) for voter in range(1, 401)))
    monkeypatch.setattr(casting_worker, "_LOOK_SECONDS", 0)  # so that it looks between any two batches
    begin, begun = Intake.begin, []

    def dying(self, records):
        begun.append(len(records))
        if sum(begun) > 100:
            raise MemoryError
        begin(self, records)

    monkeypatch.setattr(Intake, "begin", dying)
    with pytest.raises(MemoryError):
        cast(replace(tables, settings=tables.settings.model_copy(update={"casting_batch": 20})), poll.slug)
    monkeypatch.setattr(Intake, "begin", begin)
    assert close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.duplicates, comparison.differing) == (400, 0, 0)
