"""Ballots come at the pace that was asked for: at a rate over all workers, or as in a night that is replayed."""

import json
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from election import nights
from election.casting import cast, close_poll, night
from election.casting.progress import open_polls
from election.cli import app
from election.contracts import topics
from election.contracts.messages import VoterRecord, encode
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.errors import BadInput
from election.messaging.clients import SafeProducer
from election.messaging.reading import bounds, read
from election.parameters import Run
from election.preparation import Registration, register
from election.preparation.registration import checked
from election.publication import publish_voters
from election.publication.voters import record_range
from election.storage.elections import election
from tests.ballots import compared, official, tally

NIGHT = 20  # seconds
LATE = 10.0  # seconds
OF_TWO = {"scenario": "uk-general-election-2019", "contests": ("W07000041", "S14000027")}


def cast_at(platform, poll):
    """When ballots were stored, in seconds, and of which contest; in this order."""
    with platform.connect("reader") as connection:
        return connection.execute(
            "SELECT extract(epoch FROM cast_at)::float8, contest_no FROM votes WHERE election_no = %s ORDER BY 1",
            [poll.election_no],
        ).fetchall()


def working(platform, slug, **parameters):
    # Silent: what a thread prints would end up in the answer of a command that a test runs beside it.
    quiet = {"log": lambda line: None}
    thread = threading.Thread(target=cast, args=(platform, slug), kwargs=quiet | parameters)
    thread.start()
    return thread


def test_a_rate_is_held_over_all_workers_also_when_one_leaves(tables, published):
    rate = 400
    poll, stop = published("pace-rate", voters=9_000), threading.Event()
    workers = [working(tables, poll.slug, rate=rate), working(tables, poll.slug, rate=rate, stop=stop)]
    time.sleep(6)  # the time in which both work is the measurement
    stop.set()
    for worker in workers:
        worker.join(60)
    moments = [at for at, _ in cast_at(tables, poll)]
    assert len(moments) > 5_000
    held = (len(moments) - 1) / (moments[-1] - moments[0])
    # The share of the one that leaves stands still until the other has heard of it.
    assert 0.85 * rate < held < 1.05 * rate
    close_poll(tables, poll.slug)


def test_a_worker_that_waits_for_minutes_keeps_nobody_from_joining(tables, published):
    poll, stop = published("pace-slow", voters=10_000), threading.Event()
    told: list[str] = []
    slow = working(tables, poll.slug, rate=0.001, stop=stop, log=told.append)
    deadline = time.monotonic() + 60
    while not cast_at(tables, poll):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    fast = working(tables, poll.slug)
    try:
        while len(cast_at(tables, poll)) < 500:
            assert time.monotonic() < deadline, "\n".join(told)
            time.sleep(0.1)
    finally:
        stop.set()
    for worker in (slow, fast):
        worker.join(60)
        assert not worker.is_alive()
    assert compared(tables, poll).differing == 0
    close_poll(tables, poll.slug)


def test_a_rate_that_cannot_be_held_is_told(tables, published):
    poll = published("pace-too-fast", voters=3_000)
    told: list[str] = []
    small = replace(tables, settings=tables.settings.model_copy(update={"casting_batch": 500}))
    cast(small, poll.slug, rate=10_000_000, log=told.append)
    assert any("10,000,000 a second is not held" in line for line in told)
    close_poll(tables, poll.slug)


def test_status_tells_how_far_an_open_poll_is(tables, published):
    poll, stop = published("pace-status", voters=20_000), threading.Event()

    def told():
        answer = CliRunner().invoke(app, ["status", "--json"], catch_exceptions=False)
        return next((p for p in json.loads(answer.output)["polls"] if p["election"] == poll.slug), None)

    assert (told()["done"], told()["total"], told()["remaining_s"]) == (0, 20_000, None)
    half = working(tables, poll.slug, rate=300, stop=stop)
    deadline = time.monotonic() + 60
    while told()["rate"] < 10:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stop.set()
    half.join(30)
    progress = told()
    assert 0 < progress["done"] < 20_000
    assert progress["remaining_s"] == pytest.approx((20_000 - progress["done"]) / progress["rate"], rel=0.05)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    assert told() is None


def test_an_election_opened_before_its_voters_were_published_hides_no_others_progress(tables, published):
    poll = published("pace-beside", voters=1_000)
    register(tables, Registration("single-race", "pace-by-hand", voters=1_000))
    with tables.connect("app") as connection:
        connection.execute("UPDATE elections SET state = 'open' WHERE slug = 'pace-by-hand'")
    shown = {progress.election for progress in open_polls(tables)}
    assert poll.slug in shown and "pace-by-hand" not in shown
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)


def test_of_many_open_polls_the_newest_can_be_asked_for(tables, published):
    polls = [published(f"pace-of-several-{n}", voters=1_000) for n in range(3)]
    cast(tables, polls[1].slug)
    told = open_polls(tables, 2)
    assert [(one.election, one.done, one.total) for one in told] == [
        (polls[2].slug, 0, 1_000),
        (polls[1].slug, 1_000, 1_000),
    ]
    for poll in polls:
        cast(tables, poll.slug)
        close_poll(tables, poll.slug)


def test_voters_of_a_night_are_published_in_the_order_in_which_they_are_due(tables, published):
    poll = published("pace-order", voters=5_000, night="1h")
    due: dict[int | None, list[int]] = {}
    begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
    for message in read(tables.kafka, topics.VOTERS, begin):
        voter = json.loads(message.value() or b"{}")
        if voter["election"] == poll.election_no:
            due.setdefault(message.partition(), []).append(voter["due"])
    assert len(due) == tables.settings.voters_partitions
    assert all(moments == sorted(moments) for moments in due.values())
    assert sorted(moment for moments in due.values() for moment in moments) == [720 * n for n in range(1, 5_001)]


def test_contests_of_a_night_are_complete_when_they_were_declared(tables, published, monkeypatch):
    monkeypatch.setattr(night, "_HELD_BYTES", 100_000)  # so that partitions are paused and resumed on the way
    poll = published("pace-night", night=f"{NIGHT}s", **OF_TWO)
    with tables.connect("reader") as connection:
        contests = connection.execute(
            "SELECT contest_no, contest_id, declared_at FROM contests WHERE election_no = %s ORDER BY 1",
            [poll.election_no],
        ).fetchall()
    shares = nights.completions([(contest_id, declared) for _, contest_id, declared in contests], poll.seed)
    workers = [working(tables, poll.slug) for _ in range(2)]
    for worker in workers:
        worker.join(90)
    close_poll(tables, poll.slug)
    assert tally(tables, poll) == official(tables, poll)
    assert compared(tables, poll).differing == 0
    opened = poll.opened_at.timestamp()
    for (contest_no, *_), share in zip(contests, shares, strict=True):
        moments = [at - opened for at, own in cast_at(tables, poll) if own == contest_no]
        # Evenly until then: half of the ballots in half of the time. A slow machine is behind with the first contest.
        assert -1.5 < moments[-1] - NIGHT * share < LATE
        assert -1.5 < moments[len(moments) // 2] - NIGHT * share / 2 < LATE


def test_a_night_that_is_late_is_caught_up_and_told(tables, published):
    poll = published("pace-late", voters=2_000, night="2s")
    told: list[str] = []
    producer = SafeProducer(tables.kafka)
    producer.produce(topics.VOTERS, b"[" * 5_000, b"planted", 0)  # when this is due nobody can say
    never = VoterRecord(1, poll.election_no, 10**6, 1, 1, "female", "25-34", due=2**40)
    producer.produce(topics.VOTERS, encode(never), b"planted", 0)
    producer.flush()
    with tables.connect("app") as connection:
        begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
        record_range(connection, poll.election_no, begin, bounds(tables.kafka, topics.VOTERS)[1])
    while datetime.now(poll.opened_at.tzinfo) < poll.opened_at + timedelta(seconds=8):
        time.sleep(0.1)  # the night goes on without a worker
    done = cast(tables, poll.slug, log=told.append)
    assert done.ballots > 1_000
    assert done.rejected == 2
    assert done.seconds < 10
    assert any("behind the night" in line for line in told)


@pytest.mark.parametrize(
    ("slug", "parameters", "why"),
    [
        ("pace-both", {"night": "10s"}, "rate and night exclude each other"),
        ("pace-fed", {"ballots": "external"}, "rate and ballots=external exclude each other"),
    ],
)
def test_a_rate_where_others_say_when_ballots_come_is_refused_and_the_poll_stays_shut(tables, slug, parameters, why):
    register(tables, Registration("single-race", slug, voters=10, **parameters))
    seed_candidates(tables, slug)
    seed_voters(tables, slug)
    check_electorate(tables, slug)
    publish_voters(tables, slug)
    answer = CliRunner().invoke(app, ["cast", slug, "--rate", "100"])
    assert answer.exit_code == 1
    assert why in answer.output
    with tables.connect("reader") as connection:
        assert election(connection, slug).state == "registered"


@pytest.mark.parametrize(
    ("parameters", "rate", "why"),
    [
        ({"night": "soon"}, 0, "10m"),
        ({"night": "10m", "ballots": "external"}, 0, "exclude"),
        ({"night": "10m"}, 100, "exclude"),
        ({"ballots": "external"}, 100, "exclude"),
        ({"ballots": "postal"}, 0, "postal"),
    ],
)
def test_paces_that_exclude_each_other_are_refused(tables, parameters, rate, why):
    with pytest.raises(BadInput, match=why):
        checked(tables, Run(scenario="single-race", slug="pace-refused", voters=10, rate=rate, **parameters))
