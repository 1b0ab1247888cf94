"""The sealer: reads ``votes_topic`` and appends the election's ballots to its log, in rounds that others can repeat."""

import re
import struct
from binascii import hexlify
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from threading import Event

import psycopg

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, VoteMessage
from election.errors import NotReachable
from election.evidence.entries import EntryForm
from election.evidence.heads_topic import HeadsTopic
from election.evidence.journal import sign_journal
from election.evidence.log import Head, Round, append, end_of_log, entry_form, heads, require_signed, signer
from election.evidence.rejections import Rejections
from election.evidence.tree import Tree
from election.messaging.reading import Offsets, bounds, read, topic_id
from election.platform import Connection, Platform
from election.storage.elections import Election, election

ROUND_MESSAGES = 65_536
"""A round ends after so many messages, of whichever election, if it has an entry.

Entries of 34 bytes are at most two megabytes a round.
"""
Record = tuple[bytes, bytes]
"""Key and value."""
_ID_BYTES = 16
_HEAD = b'{"schema_version":%d,"ballot_id":"' % SCHEMA_VERSION
_BEGIN = len(_HEAD) + 2 * _ID_BYTES
_TIME_DIGITS = 13  # until the year 2286
_ZERO = ord("0")
_REMEMBERED = 100_000  # texts of some 300 bytes
_LOOK = 1.0  # seconds between rounds while the poll is open
_LOOKS = 10  # rounds of ballots to one of rejected records
_GOES_ON = ("registered", "open")


def seal(
    platform: Platform,
    slug: str,
    *,
    follow: bool = False,
    stop: Event | None = None,
    log: Callable[[str], None] = print,
) -> Head | None:
    """Appends what ``votes_topic`` holds of the election and the log does not; returns the last head.

    With ``follow`` a round each second until the poll is closed or ``stop`` is set. Killed at any moment, it leaves
    whole rounds and goes on from there. None when nothing was published. The log of a certified election stays as it
    is; the journal goes on with recounts. Raises UnknownElection, StageFailed when the platform's key did not sign the
    stored end of the log, and NotReachable when Kafka or Postgres does not answer.
    """
    stop = stop or Event()
    with platform.connect("auditor") as connection:
        connection.autocommit = True
        poll = election(connection, slug)
        rejections, published = Rejections(platform, poll), HeadsTopic(platform, poll)
        refused: str | None = None
        for look in count():
            poll = election(connection, slug)  # its state before the topic's end is read: what is closed is complete
            if poll.state != "certified":
                _until_sealed(partial(_seal_what_is_new, platform, connection, poll, log), log)
            if look % _LOOKS == 0 or poll.state not in _GOES_ON:
                _until_sealed(partial(rejections.seal, connection), log)
            refused, before = sign_journal(platform, connection, poll), refused
            if refused and refused != before:
                log(refused)
            published.publish(connection, log)
            if not follow or poll.state not in _GOES_ON or stop.wait(_LOOK):
                break
        return next(iter(heads(connection, poll.election_no)[-1:]), None)


def from_the_beginning(platform: Platform, poll: Election, form: EntryForm) -> Iterator[bytes]:
    """The entries of all the election's ballots on the topic as it is now, joined by rounds."""
    for found, _ in _rounds(platform, poll, form, "", _offsets(poll.votes_from)):
        yield found.entries


def _until_sealed(seal_rounds: Callable[[], None], log: Callable[[str], None]) -> None:
    while True:
        try:
            seal_rounds()
            return
        except psycopg.errors.UniqueViolation as another:
            log(f"Another process seals the same election: {another.diag.message_primary} Reading on.")


def _seal_what_is_new(platform: Platform, connection: Connection, poll: Election, log: Callable[[str], None]) -> None:
    topic = topic_id(platform.kafka, topics.VOTES)
    if topic is None:
        raise NotReachable(f"Kafka has no topic {topics.VOTES!r}; `election prepare` creates the topics.")
    known = end_of_log(connection, poll.election_no)
    tree, sign = known.tree if known else Tree(), signer(platform, poll)
    form = entry_form(connection, poll.election_no)
    if known:
        require_signed(known, poll, sign.verifier_key)
    # A topic that was created again holds nothing that was sealed: the log goes on with all of it.
    begin = known.offsets if known and known.topic_id == topic else _offsets(poll.votes_from)
    left_out = 0
    for sealed, odd in _rounds(platform, poll, form, topic, begin):
        append(connection, poll, form, sign, tree, sealed)
        left_out += odd
    if left_out:
        log(f"{left_out:,} messages that name the election cannot be read as its ballots: no entries.")


def _rounds(
    platform: Platform, poll: Election, form: EntryForm, topic: str, begin: Offsets
) -> Iterator[tuple[Round, int]]:
    """Rounds with at least one entry, each with the number of the election's messages that gave none."""
    first, last = bounds(platform.kafka, topics.VOTES, committed=True)
    begin = {partition: begin.get(partition, first[partition]) for partition in last}
    took, reader = begin.copy(), Entries(poll.election_no, form)
    got: defaultdict[int, list[Record]] = defaultdict(list)
    count = 0
    for message in read(platform.kafka, topics.VOTES, begin, last):
        partition = message.partition() or 0
        got[partition].append((message.key() or b"", message.value() or b""))
        took[partition], count = (message.offset() or 0) + 1, count + 1
        if count == ROUND_MESSAGES:
            made, odd = reader(got)
            if made:
                yield Round(topic, begin, took.copy(), made), odd
                begin = took.copy()
            got.clear()
            count = 0
    made, odd = reader(got)
    if made:
        yield Round(topic, begin, last, made), odd


class Entries:
    """The entries of an election's messages: partitions in ascending order, each in the order of its offsets.

    Messages differ in few places. What is between ballot id and time is decoded once and remembered.
    """

    def __init__(self, election_no: int, form: EntryForm) -> None:
        self._form = form
        self._election, self._decode = election_no, Decoder(VoteMessage, topics.MAX_RECORD_BYTES)
        self._usual = b'"election":%d,' % election_no
        self._any = re.compile(rb'"election"\s*:\s*%d\b' % election_no)
        self._known: dict[bytes, bytes] = {}

    def __call__(self, got: Mapping[int, Sequence[Record]]) -> tuple[bytes, int]:
        """The entries, joined, and how many messages that name the election gave none."""
        made = [self._entry(value, key) for partition in sorted(got) for key, value in got[partition]]
        return b"".join(filter(None, made)), made.count(b"")

    def _entry(self, value: bytes, key: bytes) -> bytes | None:
        """None if the message does not name the election; empty if it is not a ballot of the election."""
        at = value.rfind(b":") + 1
        text, cast_at = value[_BEGIN:at], value[at:-1]
        usual = (
            cast_at.isdigit()
            and len(cast_at) <= _TIME_DIGITS
            and (cast_at[0] != _ZERO or len(cast_at) == 1)
            and value[:_BEGIN] == _HEAD + hexlify(key)
            and value[-1:] == b"}"
        )
        if usual and text in self._known:
            return key + self._known[text] + (int(cast_at) // 60_000).to_bytes(4, "big")
        if self._usual not in value and not self._any.search(value):
            return None
        made = self._decoded(value, key)
        # Without a backslash every quote ends a text: the last member is the time, and nothing else depends on it.
        if made and usual and text.endswith(b',"cast_at":') and b"\\" not in text:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = made[_ID_BYTES:-4]
        return made

    def _decoded(self, value: bytes, key: bytes) -> bytes:
        try:
            vote = self._decode(value)
            made = self._form.entry(vote)
        except (ValueError, struct.error):  # no message, or one of which a part has no place in an entry
            return b""
        return made if vote.election == self._election and made[:_ID_BYTES] == key else b""


def _offsets(stored: dict[str, int]) -> Offsets:
    return {int(partition): offset for partition, offset in stored.items()}
