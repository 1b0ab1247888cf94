"""A recount of certified elections, on real Postgres and Kafka: the result stands, or what differs is named."""

import hashlib
import secrets

import msgspec
import pytest

from election.casting import cast, republish
from election.contracts import topics
from election.contracts.messages import Decoder, VoteMessage, encode
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.nist import written
from election.reconciliation import record, recount
from election.results import checked, nist_report, record_documents, results
from tests.certifying import certified, counted
from tests.nist_format import json_problems


@pytest.fixture
def poll(tables, published, request):
    """A certified election of the test's own, cast through Kafka."""
    made = published(f"recount-{abs(hash(request.node.name)) % 10**9}", voters=300)
    cast(tables, made.slug)
    certified(tables, made.slug)
    return made


def published_votes(platform, poll):
    decode = Decoder(VoteMessage)
    begin = {int(partition): offset for partition, offset in poll.votes_from.items()}
    votes = [decode(message.value()) for message in read(platform.kafka, topics.VOTES, begin)]
    return [vote for vote in votes if vote.election == poll.election_no]


def publish(platform, *votes):
    producer = SafeProducer(platform.kafka)
    for vote in votes:
        producer.produce(topics.VOTES, encode(vote), bytes.fromhex(vote.ballot_id))
    producer.flush()


def test_a_certified_result_stands_and_ballots_that_came_twice_count_once(tables, poll):
    republish(tables, poll.slug)
    verdict = recount(tables, poll.slug)
    assert (verdict.ok, verdict.kind, verdict.differences) == (True, "recount", ())
    ballots = {vote.ballot_id for vote in published_votes(tables, poll)}
    assert verdict.stored == verdict.published == verdict.counted == len(ballots)
    record(tables, poll.slug, verdict)
    with tables.connect("dashboard") as connection:
        newest = connection.execute(
            "SELECT ok, kind, counted FROM public_verdicts WHERE election_no = %s ORDER BY verdict_no DESC LIMIT 1",
            [poll.election_no],
        ).fetchone()
    assert newest == (True, "recount", verdict.counted)
    made = nist_report(tables, poll.slug)
    assert (made.status, made.recount and made.recount.ok) == ("recount", True)
    assert json_problems(written(made, "json")) == []
    assert results(tables, poll.slug)["documents"] == {}, "those of the certification state no recount"
    record_documents(tables, poll.slug)
    digest = hashlib.sha256(written(made, "xml")).hexdigest()
    assert results(tables, poll.slug)["documents"]["nist-xml"] == digest
    assert checked(tables, poll.slug, "nist-xml", written(made, "xml")) is True
    assert checked(tables, poll.slug, "nist-xml", b"other") is False


def test_a_forged_ballot_on_the_topic_is_named_with_whom_it_favours(tables, poll):
    known = next(vote for vote in published_votes(tables, poll) if vote.candidate)
    forged = msgspec.structs.replace(known, ballot_id=secrets.token_hex(16))
    publish(tables, forged)
    verdict = recount(tables, poll.slug)
    assert {(d.what, d.key.split(" in ")[0]) for d in verdict.differences} == {
        ("forged ballot on votes_topic", forged.ballot_id),
        ("ballots on votes_topic for", known.candidate_name),
    }
    (total,) = [d for d in verdict.differences if d.what == "ballots on votes_topic for"]
    assert isinstance(total.expected, int) and total.found == total.expected + 1
    with pytest.raises(
        StageFailed, match=rf"does not stand: 2 difference[\s\S]*{forged.ballot_id}[\s\S]*stays as it is"
    ):
        verdict.require_ok()


def test_a_forged_ballot_for_a_contest_that_cannot_be_is_named_too(tables, poll):
    known = next(vote for vote in published_votes(tables, poll) if vote.candidate)
    forged = msgspec.structs.replace(known, ballot_id=secrets.token_hex(16), contest=2**40)
    publish(tables, forged)
    assert [(d.what, d.key.partition(" in ")[2]) for d in recount(tables, poll.slug).differences][-1] == (
        "ballots on votes_topic for",
        f"contest {2**40}",
    )


def test_votes_that_the_owner_changed_against_all_rules_are_found(tables, poll):
    with tables.connect("owner") as connection:
        connection.execute("ALTER TABLE votes DISABLE TRIGGER USER")
        changed = connection.execute(
            """UPDATE votes SET candidate_no = 1 WHERE election_no = %s AND candidate_no = 2
               AND voter_no = (SELECT min(voter_no) FROM votes WHERE election_no = %s AND candidate_no = 2)""",
            [poll.election_no, poll.election_no],
        ).rowcount
        connection.execute("ALTER TABLE votes ENABLE TRIGGER USER")
    assert changed == 1
    verdict = recount(tables, poll.slug)
    stored = [d for d in verdict.differences if d.what == "stored ballots for"]
    assert sorted(int(d.found or 0) - int(d.expected or 0) for d in stored) == [-1, 1]
    assert [d.what for d in verdict.differences if d not in stored] == ["altered ballot on votes_topic"]


def test_what_is_not_certified_is_not_recounted(tables, published):
    made = published("recount-counted", voters=10)
    counted(tables, made.slug)
    with pytest.raises(StageFailed, match="is counted: only a certified result can be recounted"):
        recount(tables, made.slug)
