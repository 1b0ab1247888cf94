"""Ballots from outside: a feed says who voted for whom, and casting takes each in once or says why not."""

import json
import threading
from collections import Counter

import pytest

from election.casting import cast, close_poll, open_poll, records, replay
from election.contracts import topics
from election.contracts.messages import ExternalBallot, encode
from election.count.driver import wait_for
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.messaging.reading import bounds
from election.messaging.rejected import rejected
from election.preparation import Registration, register
from election.publication import publish_voters
from election.reconciliation.offered import unaccounted
from election.storage.elections import election, elections
from tests.ballots import compared, send, tally

VOTERS = 200
OF_TWO = {"scenario": "uk-general-election-2019", "contests": ("W07000041", "S14000027"), "ballots": "external"}


@pytest.fixture(scope="module")
def feed(published):
    """An open poll that takes ballots from outside."""
    return lambda slug: published(slug, voters=VOTERS, ballots="external")


def ballots(poll, voters, candidate=1):
    return [ExternalBallot(1, poll.election_no, voter, 1, candidate) for voter in voters]


def reasons(platform, poll):
    return sorted(record.reason for record in rejected(platform, poll.election_no))


def offered(platform, poll):
    """Records on ballots_topic since the election was registered."""
    _, end = bounds(platform.kafka, topics.BALLOTS)
    return sum(offset - poll.ballots_from[str(partition)] for partition, offset in end.items())


def test_ballots_are_taken_in_until_the_poll_is_closed_and_are_late_after_that(tables, feed):
    poll = feed("feed-night")
    working = threading.Thread(target=cast, args=(tables, poll.slug))
    working.start()
    send(tables, *ballots(poll, range(1, 51)))
    send(tables, *ballots(poll, range(51, 101), candidate=None))
    assert close_poll(tables, poll.slug)
    send(tables, *ballots(poll, range(101, 111)))
    working.join(timeout=60)
    assert not working.is_alive()
    assert tally(tables, poll) == {1: 50, None: 50}
    send(tables, *ballots(poll, range(111, 121)))
    assert cast(tables, poll.slug).ballots == 0  # a worker after the poll finds the late ones, and nothing else
    assert reasons(tables, poll) == ["late"] * 20
    assert offered(tables, poll) == 100 + 20
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.differing) == (100, 0)
    assert not close_poll(tables, poll.slug)


def test_a_ballot_before_the_poll_opens_is_refused(tables):
    slug = "feed-early"
    poll = register(tables, Registration("single-race", slug, voters=VOTERS, ballots="external"))
    seed_candidates(tables, slug)
    seed_voters(tables, slug)
    check_electorate(tables, slug)
    send(tables, *ballots(poll, [1, 2]))
    publish_voters(tables, slug)
    open_poll(tables, slug)
    send(tables, *ballots(poll, [2, 3]))
    close_poll(tables, slug)
    cast(tables, slug)
    assert tally(tables, poll) == {1: 2}
    assert reasons(tables, poll) == ["not_open", "not_open"]


def test_every_unusable_ballot_is_rejected_with_its_reason(tables, published):
    poll = published("feed-bad", **OF_TWO)
    with tables.connect("reader") as connection:
        contests = connection.execute(
            """SELECT contest_no, first_voter_no, min(candidate_no) FROM papers
               JOIN districts USING (election_no, district_no) JOIN candidates USING (election_no, contest_no)
               WHERE election_no = %s GROUP BY 1, 2 ORDER BY 1""",
            [poll.election_no],
        ).fetchall()
        simulated = connection.execute(
            "SELECT election_no FROM elections WHERE parameters ->> 'ballots' = 'simulated' LIMIT 1"
        ).fetchone()
    (here, voter, own), (there, _, other) = contests
    no = poll.election_no
    expected = {
        ExternalBallot(1, no, voter, here, own): None,
        ExternalBallot(1, no, 10**9, here, own): "unknown_voter",
        ExternalBallot(1, no, voter + 1, 77, own): "unknown_contest",
        ExternalBallot(1, no, voter + 2, there, other): "other_contest",
        ExternalBallot(1, no, voter + 3, here, other): "unknown_candidate",
        ExternalBallot(1, no, voter + 4, here, 10**6): "unknown_candidate",
        ExternalBallot(1, 10**6, voter + 5, here, own): "unknown_election",
        ExternalBallot(2, no, voter + 6, here, own): "unknown_version",
        b'{"schema_version":1,"election":%d,"voter":-1,"contest":1,"candidate":1}' % no: "wrong_type",
        b'{"schema_version":1,"election":%d,"voter":1,"contest":1}' % no: "wrong_type",
        b'{"schema_version":1,"election":%d,"voter":%d,"contest":%d,"candidate":%d,"candidate":%d}'
        % (no, voter + 8, here, own, own + 1): "wrong_type",
        b"[]": "wrong_type",
        b"{": "not_json",
        b"[" * 5_000: "not_json",
        b'{"schema_version":1,"more":' + b"[" * 30_000 + b"]" * 30_000 + b"}": "not_json",
        b"\xff": "not_utf8",
        encode(ExternalBallot(1, no, voter + 7, here, own))[:-1] + b',"sent_by":"\xff"}': "not_utf8",
        b"x" * 65_537: "too_large",
        None: "null",
    }
    if simulated:  # an election whose voters are simulated takes no ballots from outside
        expected[ExternalBallot(1, simulated[0], 1, 1, 1)] = "unknown_election"
    send(tables, *expected)
    close_poll(tables, poll.slug)
    done = cast(tables, poll.slug)
    assert tally(tables, poll) == {own: 1}
    assert reasons(tables, poll) == sorted(filter(None, expected.values()))
    assert (done.ballots, done.rejected) == (1, len(expected) - 1)
    assert compared(tables, poll).differing == 0


def test_the_first_ballot_of_a_voter_counts_and_another_choice_is_rejected(tables, feed):
    poll = feed("feed-twice")
    first = ballots(poll, [1, 2, 3], candidate=1)
    send(tables, *first, *ballots(poll, [1], candidate=2))  # in the same batch
    stop = threading.Event()
    working = threading.Thread(target=cast, args=(tables, poll.slug), kwargs={"stop": stop})
    working.start()
    send(tables, *first, *ballots(poll, [2], candidate=None))  # perhaps in another
    close_poll(tables, poll.slug)
    working.join(timeout=60)
    assert tally(tables, poll) == {1: 3}
    assert reasons(tables, poll) == ["second_ballot"] * 2
    comparison = compared(tables, poll)
    assert (comparison.stored, comparison.published, comparison.differing) == (3, 3, 0)


def test_elections_fed_at_the_same_time_do_not_mix(tables, feed):
    one, two = feed("feed-one"), feed("feed-two")
    pairs = zip(ballots(one, range(1, 101), 1), ballots(two, range(1, 101), 2), strict=True)
    send(tables, b"garbage", *(ballot for pair in pairs for ballot in pair))
    for poll in (one, two):
        close_poll(tables, poll.slug)
        cast(tables, poll.slug)
    assert (tally(tables, one), tally(tables, two)) == ({1: 100}, {2: 100})
    # What belongs to nobody is reported to both, each once.
    assert (reasons(tables, one), reasons(tables, two)) == (["not_json"], ["not_json"])


def test_a_feed_of_unknown_elections_does_not_ask_the_database_for_each_record(tables, feed, monkeypatch):
    poll, asked = feed("feed-hostile"), []

    def noted(connection):
        asked.append(connection)
        return elections(connection)

    monkeypatch.setattr(records, "elections", noted)
    send(tables, *(ExternalBallot(1, 10**6 + number, 1, 1, 1) for number in range(500)))
    close_poll(tables, poll.slug)
    cast(tables, poll.slug)
    assert reasons(tables, poll) == ["unknown_election"] * 500
    assert len(asked) < 50, "once a batch, and once at the start"


def test_a_worker_takes_ballots_for_a_candidate_who_was_added_after_it_began(tables, feed):
    poll = feed("feed-mended")
    working = threading.Thread(target=cast, args=(tables, poll.slug), daemon=True)
    working.start()
    send(tables, *ballots(poll, range(1, 11)), *ballots(poll, [20], candidate=9))
    assert wait_for(lambda: reasons(tables, poll) == ["unknown_candidate"], 30)
    with tables.connect("owner") as connection:
        connection.execute(
            """INSERT INTO candidates SELECT (jsonb_populate_record(c, '{"candidate_no": 9}')).* FROM candidates c
               WHERE election_no = %s AND candidate_no = 1""",
            [poll.election_no],
        )
    send(tables, *ballots(poll, range(11, 16), candidate=9))
    assert replay(tables, poll.slug).accepted == 1
    close_poll(tables, poll.slug)
    working.join(60)
    assert not working.is_alive()
    assert tally(tables, poll) == {1: 10, 9: 6}
    assert reasons(tables, poll) == []
    assert compared(tables, poll).differing == 0


def test_a_worker_stores_nothing_while_the_poll_is_being_closed(tables, feed):
    poll = feed("feed-closing-first")
    _, end = bounds(tables.kafka, topics.BALLOTS)
    with tables.connect("app") as closing:
        closing.execute("SELECT pg_advisory_xact_lock(1, %s)", [poll.election_no])
        send(tables, *ballots(poll, range(1, 11)))
        working = threading.Thread(target=cast, args=(tables, poll.slug), daemon=True)
        working.start()
        working.join(timeout=3)
        assert tally(tables, poll) == {}
        closing.execute(
            "UPDATE elections SET state = 'closed', closed_at = now(), ballots_to = %s WHERE election_no = %s",
            [json.dumps(end), poll.election_no],
        )
    working.join(timeout=60)
    assert not working.is_alive()
    assert tally(tables, poll) == {}
    assert reasons(tables, poll) == ["late"] * 10


def test_the_poll_is_closed_between_two_batches_never_within_one(tables, feed):
    poll = feed("feed-closing")
    send(tables, *ballots(poll, range(1, VOTERS + 1)))
    with tables.connect("app") as worker:
        worker.execute("SELECT pg_advisory_xact_lock_shared(1, %s)", [poll.election_no])
        closing = threading.Thread(target=close_poll, args=(tables, poll.slug))
        closing.start()
        closing.join(timeout=1)
        assert closing.is_alive()  # it waits for the batch
        worker.rollback()
    closing.join(timeout=30)
    with tables.connect("reader") as connection:
        assert election(connection, poll.slug).state == "closed"
    cast(tables, poll.slug)
    assert tally(tables, poll) == {1: VOTERS}


def accounts(platform, poll):
    """What reconciliation finds unaccounted for, without where it is."""
    with platform.connect("auditor") as connection:
        found = list(unaccounted(platform, connection, election(connection, poll.slug)))
    return [(what, ballots) for what, _, ballots in found]


def test_reconciliation_accounts_for_every_ballot_that_was_offered(tables, feed):
    poll = feed("feed-offered")
    again = ballots(poll, range(1, 51))
    send(tables, *again, *again, *ballots(poll, [1], candidate=2), b"garbage", *ballots(poll, [10**9]))
    close_poll(tables, poll.slug)
    send(tables, *ballots(poll, [60]))  # late, and no matter until a worker rejects it
    kinds = Counter(what for what, _ in accounts(tables, poll))
    assert kinds == {"record neither used nor rejected": 1, "ballot neither stored nor rejected": 2 * 50 + 2}
    cast(tables, poll.slug)
    assert accounts(tables, poll) == []
    with tables.connect("owner") as connection:
        connection.execute("DELETE FROM votes WHERE election_no = %s AND voter_no = 7", [poll.election_no])
        connection.execute(
            "INSERT INTO votes VALUES (%(no)s, 70, 1, 1, now(), 1), (%(no)s, 71, 1, 1, now(), 1)",
            {"no": poll.election_no},
        )
    # Voter 7's ballot was offered twice.
    lost = ("ballot neither stored nor rejected", 1)
    assert accounts(tables, poll) == [lost, lost, ("ballots stored but never offered", 2)]
