"""``log_heads_topic``: every head lies outside the database as well, and shows that one was rewritten."""

from typing import Any

import msgspec
import pytest

from election.casting import cast, close_poll
from election.contracts import topics
from election.contracts.messages import Decoder, LogHead
from election.errors import NotReachable
from election.evidence import heads_topic, log, sealing
from election.evidence.comparing import check_records
from election.evidence.journal import journal_heads
from election.evidence.notes import Checkpoint, Signer
from election.evidence.sealing import seal
from election.evidence.tree import leaf_hash
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.removal import _remove_records
from tests.certifying import counted, verdict
from tests.integration.test_evidence_journal import tamper


def published_heads(platform, poll) -> list[Any]:
    """Every record of the election, None for a tombstone."""
    decode = Decoder(LogHead)
    return [
        decode(message.value()) if message.value() else None
        for message in read(platform.kafka, topics.LOG_HEADS)
        if (message.key() or b"").startswith(b"%d/" % poll.election_no)
    ]


@pytest.fixture
def sealed(tables, published, monkeypatch):
    """An election with several heads of its log and one of its journal."""
    monkeypatch.setattr(sealing, "ROUND_MESSAGES", 100)

    def make(slug):
        poll = published(slug, voters=300)
        cast(tables, poll.slug)
        close_poll(tables, poll.slug)
        counted(tables, poll.slug)
        verdict(tables, poll.slug)
        seal(tables, poll.slug)
        return poll

    return make


def test_every_head_of_log_and_journal_is_published_once(tables, sealed):
    poll = sealed("heads-published")
    with tables.connect("reader") as connection:
        known = log.heads(connection, poll.election_no)
        noted = journal_heads(connection, poll.election_no)
    assert len(known) > 1 and len(noted) == 1
    found = published_heads(tables, poll)
    assert [(one.kind, one.size, one.root, one.head) for one in found] == [
        *(("log", head.size, head.root.hex(), head.head) for head in known),
        *(("journal", head.size, head.hash.hex(), head.head) for head in noted),
    ]
    seal(tables, poll.slug)
    assert published_heads(tables, poll) == found
    assert check_records(tables, poll.slug).found == []


def test_a_head_that_is_missing_is_published_at_the_next_round(tables, sealed):
    poll = sealed("heads-missing")
    found = published_heads(tables, poll)
    producer = SafeProducer(tables.kafka)
    producer.produce(topics.LOG_HEADS, None, b"%d/log/%d" % (poll.election_no, found[0].size))
    producer.flush()
    seal(tables, poll.slug)
    assert published_heads(tables, poll) == [*found, None, found[0]]


def test_sealing_goes_on_while_heads_cannot_be_published_and_tells_once(tables, published, monkeypatch):
    poll, told = published("heads-away", voters=100), list[str]()
    cast(tables, poll.slug)

    def away(*_):
        raise NotReachable("It is away.")

    with monkeypatch.context() as patched:
        patched.setattr(heads_topic, "read", away)
        out = heads_topic.HeadsTopic(tables, poll)
        patched.setattr(sealing, "HeadsTopic", lambda *_: out)
        assert seal(tables, poll.slug, log=told.append) is not None
        seal(tables, poll.slug, log=told.append)
    assert told == ["Heads are not on log_heads_topic yet: It is away."]
    assert published_heads(tables, poll) == []
    seal(tables, poll.slug, log=told.append)
    assert len(published_heads(tables, poll)) == 1


def test_a_log_or_journal_that_was_rewritten_in_the_database_is_found_by_its_heads_on_the_topic(tables, sealed):
    poll = sealed("heads-rewritten")
    tamper(
        tables,
        f"DELETE FROM log_rounds WHERE election_no = {poll.election_no} AND first_entry = 0",
        f"UPDATE journal_heads SET hash = sha256('other') WHERE election_no = {poll.election_no}",
    )
    first = published_heads(tables, poll)[0].size
    found = check_records(tables, poll.slug).found
    assert f"The log's head of {first} entries on log_heads_topic is another than in the database: " in found[0]
    assert "The journal's head of 1 entries on log_heads_topic is another than in the database: " in found[1]


def test_a_head_of_another_round_that_the_entries_give_is_right_as_after_a_restore(tables, sealed):
    poll = sealed("heads-restored")
    sign = log.signer(tables, poll)
    producer = SafeProducer(tables.kafka)
    with tables.connect("reader") as connection:
        first = next(log.entries(connection, poll.election_no))
    for root, faults in ((leaf_hash(first), 0), (leaf_hash(b"other"), 1)):
        note = sign.sign(str(Checkpoint(log.origin(poll), 1, root)))
        head = LogHead(1, poll.election_no, "log", 1, root.hex(), note, sign.verifier_key, 0)
        producer.produce(topics.LOG_HEADS, msgspec.json.encode(head), b"%d/log/1" % poll.election_no)
        producer.flush()
        assert len(check_records(tables, poll.slug).found) == faults


def test_a_head_that_a_stranger_put_there_says_nothing(tables, sealed):
    poll = sealed("heads-strange")
    producer = SafeProducer(tables.kafka)
    known, stranger = published_heads(tables, poll)[0], Signer(log.origin(poll), bytes(32))
    note = stranger.sign(str(Checkpoint(log.origin(poll), 6, bytes(32))))
    for key, value in (
        (b"%d/log/5" % poll.election_no, altered(known, size=5, head="no note")),
        (
            b"%d/log/6" % poll.election_no,
            altered(known, size=6, root=bytes(32).hex(), head=note, verifier_key=stranger.verifier_key),
        ),
        (b"%d/log/9" % poll.election_no, b"no JSON"),
        (b"%d/log/8" % poll.election_no, altered(known, size=8)),
        (b"%d/log/7" % poll.election_no, altered(known, size=8, root="no digits")),
    ):
        producer.produce(topics.LOG_HEADS, value, key)
    producer.flush()
    assert check_records(tables, poll.slug).found == []


def altered(head: LogHead, /, **other: Any) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(head, **other))


def test_heads_of_an_election_that_is_removed_get_tombstones(tables, sealed):
    poll = sealed("heads-removed")
    found = published_heads(tables, poll)
    assert _remove_records(tables, poll.election_no) >= len(found)
    assert published_heads(tables, poll) == [*found, *[None] * len(found)]
    assert _remove_records(tables, poll.election_no) == 0


def test_a_log_that_was_changed_and_kept_its_heads_is_found_by_its_entries(tables, sealed):
    poll = sealed("heads-changed")
    tamper(
        tables,
        f"""UPDATE log_rounds SET entries = set_byte(entries, 20, get_byte(entries, 20) # 1)
            WHERE election_no = {poll.election_no} AND first_entry = 0""",
    )
    known = [head for head in published_heads(tables, poll) if head.kind == "log"]
    assert check_records(tables, poll.slug).found == [
        f"{len(known)} heads of the log do not state what its entries give. The first has {known[0].size} entries."
    ]


def test_heads_that_were_signed_again_with_another_key_are_found(tables, sealed):
    poll = sealed("heads-resigned")
    stranger = Signer(log.origin(poll), bytes(32))
    with tables.connect("reader") as connection:
        head = log.heads(connection, poll.election_no)[-1]
    note = stranger.sign(str(Checkpoint(log.origin(poll), head.size, head.root)))
    tamper(
        tables,
        f"""UPDATE log_rounds SET head = '{note}', verifier_key = '{stranger.verifier_key}'
            WHERE election_no = {poll.election_no} AND size = {head.size}""",
    )
    found = check_records(tables, poll.slug).found
    assert f"1 heads of the log are not signed by the platform's key. The first has {head.size} entries." in found


@pytest.mark.parametrize("over", [None, b"no JSON"])
def test_a_head_that_was_taken_back_or_hidden_still_counts_is_named_and_comes_again(tables, sealed, over):
    poll = sealed(f"heads-hidden-{len(over or b'')}")
    known = published_heads(tables, poll)[0]
    producer = SafeProducer(tables.kafka)
    producer.produce(topics.LOG_HEADS, over, b"%d/log/%d" % (poll.election_no, known.size))
    producer.flush()
    (hidden,) = check_records(tables, poll.slug).found
    assert hidden.startswith("Heads are not on log_heads_topic, or were taken back there: 1 of the log, the first of ")
    tamper(tables, f"DELETE FROM log_rounds WHERE election_no = {poll.election_no} AND first_entry = 0")
    found = check_records(tables, poll.slug).found
    assert found[0].startswith(f"The log's head of {known.size} entries on log_heads_topic is another than in the")


def test_a_second_signed_head_of_one_size_is_named_though_a_later_message_replaces_it(tables, sealed):
    poll = sealed("heads-second")
    sign = log.signer(tables, poll)
    known = published_heads(tables, poll)[0]
    note = sign.sign(str(Checkpoint(log.origin(poll), known.size, bytes(32))))
    other = altered(known, root=bytes(32).hex(), head=note)
    producer = SafeProducer(tables.kafka)
    for value in (other, altered(known)):
        producer.produce(topics.LOG_HEADS, value, b"%d/log/%d" % (poll.election_no, known.size))
    producer.flush()
    (found,) = check_records(tables, poll.slug).found
    assert found.startswith(f"The log's head of {known.size} entries on log_heads_topic is another than in the")
