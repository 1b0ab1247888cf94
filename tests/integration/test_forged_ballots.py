"""Ballots on ``votes_topic`` that nobody cast: the reconciliation names each, whatever it looks like."""

import json

from election.casting import cast
from election.contracts import topics
from election.contracts.aggregates import ContestTotal
from election.contracts.messages import Unusable, VoteMessage, encode
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.messaging.rejected import reject
from election.reconciliation.verdict import reconcile
from tests.ballots import compared, tally


def test_a_forged_an_altered_and_a_missing_ballot_are_named(tables, published):
    poll = published("cast-forged", voters=500)
    cast(tables, poll.slug)
    votes = [
        (m.key() or b"", m.value() or b"")
        for m in read(tables.kafka, topics.VOTES, {int(p): o for p, o in poll.votes_from.items()})
        if b'"election":%d,' % poll.election_no in (m.value() or b"")
    ]
    key, value = votes[0]
    altered = value.replace(b'"gender":"female"', b'"gender":"male"')
    if altered == value:
        altered = value.replace(b'"gender":"male"', b'"gender":"female"')
    forged_id = b"\x42" * 16
    producer = SafeProducer(tables.kafka)
    producer.produce(topics.VOTES, altered, key)
    producer.produce(topics.VOTES, value.replace(key.hex().encode(), forged_id.hex().encode()), forged_id)
    producer.flush()
    with tables.connect("app") as connection:  # stored, but never published: as if the worker had died in between
        connection.execute(
            """INSERT INTO votes (election_no, voter_no, position, contest_no, cast_at)
               SELECT election_no, voter_no, 1, district_no, now() FROM voters v
               WHERE election_no = %s AND NOT EXISTS
                   (SELECT FROM votes WHERE election_no = v.election_no AND voter_no = v.voter_no) LIMIT 1""",
            [poll.election_no],
        )
    comparison = compared(tables, poll)
    assert comparison.forged == (forged_id.hex(),)
    assert comparison.altered == (key.hex(),)
    assert len(comparison.missing) == 1
    assert comparison.differing == 3


def test_a_ballot_that_was_forged_before_its_election_was_registered_is_named(tables, published):
    number = published("cast-before", voters=10).election_no + 1
    own, producer = b"\x42" * 16, SafeProducer(tables.kafka)
    forged = VoteMessage(
        schema_version=1, ballot_id=own.hex(), election=number, contest=1, contest_name="A", candidate=1,
        candidate_name="N", party="P", location=1, country="country", region="region", city="city", gender="female",
        age_group="25-34", series="candidate", cast_at=0,
    )  # fmt: skip
    producer.produce(topics.VOTES, encode(forged), own)
    producer.flush()
    poll = published("cast-after", voters=10)
    assert poll.election_no == number
    cast(tables, poll.slug)
    total = ContestTotal(
        schema_version=1,
        generation=1,
        election=number,
        votes=sum(tally(tables, poll).values()) + 1,
        district=1,
        contest=1,
        contest_name="A",
        position=1,
        validity="valid",
    )
    counting = SafeProducer(tables.login("tally"))  # nobody else may write a total
    counting.produce(topics.BALLOTS_PER_CONTEST, encode(total), f"{number}/1/1/1/1/valid".encode())
    counting.flush()
    named = {difference.key for difference in reconcile(tables, poll.slug).differences if "forged" in difference.what}
    assert named == {own.hex()}


def test_what_the_count_reads_as_a_ballot_and_nobody_else_does_is_named(tables, published):
    poll = published("cast-loose", voters=500)
    cast(tables, poll.slug)
    key, value = next(
        (m.key() or b"", m.value() or b"")
        for m in read(tables.kafka, topics.VOTES, {int(p): o for p, o in poll.votes_from.items()})
        if b'"election":%d,' % poll.election_no in (m.value() or b"")
    )
    producer = SafeProducer(tables.kafka)
    own = {name: bytes([number]) * 16 for number, name in enumerate(("trailing", "mistyped", "rejected"), start=1)}
    planted = {name: value.replace(key.hex().encode(), ballot_id.hex().encode()) for name, ballot_id in own.items()}
    producer.produce(topics.VOTES, planted["trailing"] + b"}", own["trailing"])
    producer.produce(topics.VOTES, json.dumps(json.loads(planted["mistyped"]) | {"city": 5}).encode(), own["mistyped"])
    producer.produce(topics.VOTES, planted["rejected"] + b"]", own["rejected"])
    producer.flush()
    refused = next(m for m in read(tables.kafka, topics.VOTES) if m.key() == own["rejected"])
    reject(producer, "count", refused, Unusable("wrong_type", "as the count would say"), poll.election_no)
    producer.flush()
    assert set(compared(tables, poll).forged) == {own["trailing"].hex(), own["mistyped"].hex()}
