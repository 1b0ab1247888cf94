"""``log_heads_topic``: every signed head of log and journal, outside the database. A head there that the tables do not
have shows that they were rewritten.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from confluent_kafka import KafkaException

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, LogHead, Unusable, encode
from election.errors import ElectionError
from election.evidence.journal import journal_origin
from election.evidence.log import origin, signer
from election.evidence.notes import BadNote, checkpoint, verified
from election.messaging.clients import SafeProducer
from election.messaging.reading import read
from election.platform import Connection, Platform
from election.storage.elections import Election

Kind = Literal["log", "journal"]
_SECONDS = 5.0  # for the broker to take them; what it does not take by then is offered again
_HEADS: dict[Kind, str] = {
    "log": """SELECT size, root, head, verifier_key, (extract(epoch FROM sealed_at) * 1000)::bigint FROM log_rounds
              WHERE election_no = %s AND size > %s ORDER BY size""",
    "journal": """SELECT size, hash, head, verifier_key, (extract(epoch FROM sealed_at) * 1000)::bigint
                  FROM journal_heads WHERE election_no = %s AND size > %s ORDER BY size""",
}


class HeadsTopic:
    """Publishes an election's heads. The first time, and after a failure, it finds out which ones are there."""

    def __init__(self, platform: Platform, poll: Election) -> None:
        self._platform, self._poll = platform, poll
        self._done: dict[Kind, int] | None = None
        self._told = ""
        self._producer: SafeProducer | None = None

    def publish(self, connection: Connection, log: Callable[[str], None]) -> None:
        """Publishes the heads that are stored and not on the topic. A failure is logged; the next call tries again."""
        try:
            self._publish(connection)
            self._told = ""
        except (ElectionError, KafkaException) as error:
            self._done = self._producer = None
            if str(error) != self._told:
                log(f"Heads are not on {topics.LOG_HEADS} yet: {error}")
            self._told = str(error)

    def _publish(self, connection: Connection) -> None:
        there, done = set[bytes](), self._done
        if done is None:
            there, done = {_key(head) for head in _published(self._platform, self._poll)}, {"log": 0, "journal": 0}
        missing = [head for kind in done for head in _stored(connection, self._poll.election_no, kind, done[kind])]
        if missing:
            self._producer = self._producer or SafeProducer(self._platform.kafka)
            for head in missing:
                if _key(head) not in there:
                    self._producer.produce(topics.LOG_HEADS, encode(head), _key(head))
            self._producer.flush(_SECONDS)
        self._done = done | {head.kind: head.size for head in missing}


def check_heads(platform: Platform, connection: Connection, poll: Election) -> list[str]:
    """A sentence for each head on the topic, signed by a key of this election, that the tables do not have."""
    stored = {_key(head): head for kind in _HEADS for head in _stored(connection, poll.election_no, kind, 0)}
    keys = {signer(platform, poll).verifier_key, *(head.verifier_key for head in stored.values())}
    found = []
    for head in _published(platform, poll):
        own = stored.get(_key(head))
        if _signed(head, poll, keys) and (own is None or own.root != head.root):
            found.append(
                f"The {head.kind}'s head of {head.size} entries on {topics.LOG_HEADS} is another than in the database: "
                f"the {head.kind} was rewritten."
            )
    return found


def _signed(head: LogHead, poll: Election, keys: set[str]) -> bool:
    """Whether the note states what the message says, under a key that the platform used for this election."""
    try:
        stated = checkpoint(verified(head.head, head.verifier_key))
    except BadNote:
        return False
    name = origin(poll) if head.kind == "log" else journal_origin(poll)
    return head.verifier_key in keys and (*stated[:2], stated.root.hex()) == (name, head.size, head.root)


def _stored(connection: Connection, election_no: int, kind: Kind, after: int) -> Iterator[LogHead]:
    for size, root, head, key, at in connection.execute(_HEADS[kind], [election_no, after]):
        yield LogHead(SCHEMA_VERSION, election_no, kind, size, root.hex(), head, key, at)


def _published(platform: Platform, poll: Election) -> Iterator[LogHead]:
    """The newest message under each key of the election, unless it was taken back."""
    decode, newest = Decoder(LogHead), dict[bytes, LogHead]()
    for message in read(platform.kafka, topics.LOG_HEADS):
        key = message.key() or b""
        if key.startswith(b"%d/" % poll.election_no):
            newest.pop(key, None)
            try:
                head = decode(message.value())
            except Unusable:
                continue  # a tombstone, or put there by a stranger
            if _key(head) == key:
                newest[key] = head
    yield from newest.values()


def _key(head: LogHead) -> bytes:
    return f"{head.election}/{head.kind}/{head.size}".encode()
