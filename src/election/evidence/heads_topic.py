"""``log_heads_topic``: every signed head of log and journal, outside the database.

A head there that the stored entries do not give shows that they were rewritten.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from confluent_kafka import KafkaException

from election.contracts import topics
from election.contracts.messages import SCHEMA_VERSION, Decoder, LogHead, Unusable, encode
from election.errors import ElectionError
from election.evidence.journal import journal_origin
from election.evidence.log import entries, origin, signer
from election.evidence.notes import BadNote, checkpoint, verified
from election.evidence.tree import Tree
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
        newest, done = dict[bytes, LogHead | None](), self._done
        if done is None:
            newest = {key: found[-1] for key, found in _published(self._platform, self._poll).items()}
            done = {"log": 0, "journal": 0}
        missing = [head for kind in done for head in _stored(connection, self._poll.election_no, kind, done[kind])]
        if missing:
            self._producer = self._producer or SafeProducer(self._platform.kafka)
            for head in missing:
                if newest.get(_key(head)) != head:
                    self._producer.produce(topics.LOG_HEADS, encode(head), _key(head))
            self._producer.flush(_SECONDS)
        self._done = done | {head.kind: head.size for head in missing}


def check_heads(platform: Platform, connection: Connection, poll: Election) -> list[str]:
    """A sentence for each signed head on the topic that the tables contradict, then for heads that are not there.

    A head that is not stored is compared with what the entries give: after a restore, rounds may have ended elsewhere.
    The stored heads of the log must be those that the platform's key signed, of the entries as they are now.
    """
    key = signer(platform, poll).verifier_key
    stored = {_key(head): head for kind in _HEADS for head in _stored(connection, poll.election_no, kind, 0)}
    published = _published(platform, poll)
    signed = [head for found in published.values() for head in found if head and _signed(head, poll, key)]
    unknown = [head for head in signed if _key(head) not in stored]
    roots = _roots(connection, poll.election_no, {head.size for head in (*stored.values(), *unknown)})
    given = _given(connection, poll.election_no, unknown, roots) | {own: head.root for own, head in stored.items()}
    found = [
        f"The {head.kind}'s head of {head.size} entries on {topics.LOG_HEADS} is another than in the database: "
        f"the {head.kind} was rewritten."
        for head in signed
        if given.get(_key(head)) != head.root
    ]
    log = [head for head in stored.values() if head.kind == "log"]
    newest = {own: found[-1] for own, found in published.items()}
    there = {own for own, head in newest.items() if head and _signed(head, poll, key)}
    gone = [head for own, head in stored.items() if own not in there]
    return [
        *found,
        *_first(log, lambda head: roots.get(head.size) != head.root, "do not state what its entries give"),
        *_first(log, lambda head: not _signed(head, poll, key), "are not signed by the platform's key"),
        *(
            f"Heads are not on {topics.LOG_HEADS}, or were taken back there: {len(those)} of the {kind}, the first of "
            f"{those[0].size} entries. `election seal {poll.slug}` publishes them."
            for kind in _HEADS
            if (those := [head for head in gone if head.kind == kind])
        ),
    ]


def _first(heads: list[LogHead], wrong: Callable[[LogHead], bool], what: str) -> Iterator[str]:
    those = [head for head in heads if wrong(head)]
    if those:
        yield f"{len(those)} heads of the log {what}. The first has {those[0].size} entries."


def _roots(connection: Connection, election_no: int, sizes: set[int]) -> dict[int, str]:
    """What the stored entries give at these sizes, in one pass; nothing for more entries than there are."""
    found, tree = dict[int, str](), Tree()
    for entry in entries(connection, election_no):
        tree.extend([entry])
        if tree.size in sizes:
            found[tree.size] = tree.root().hex()
    return found


def _given(connection: Connection, election_no: int, heads: list[LogHead], roots: dict[int, str]) -> dict[bytes, str]:
    """What the stored entries give for these heads; nothing for those of more entries than there are."""
    found = {_key(head): roots[head.size] for head in heads if head.kind == "log" and head.size in roots}
    for head in heads:
        if head.kind == "journal":
            row = connection.execute(
                "SELECT hash FROM journal WHERE election_no = %s AND entry_no = %s", [election_no, head.size]
            ).fetchone()
            found |= {_key(head): row[0].hex()} if row else {}
    return found


def _signed(head: LogHead, poll: Election, key: str) -> bool:
    """Whether the note states what is said beside it, under this key."""
    try:
        stated = checkpoint(verified(head.head, key))
    except BadNote:
        return False
    name = origin(poll) if head.kind == "log" else journal_origin(poll)
    return (*stated[:2], stated.root.hex()) == (name, head.size, head.root)


def _stored(connection: Connection, election_no: int, kind: Kind, after: int) -> Iterator[LogHead]:
    for size, root, head, key, at in connection.execute(_HEADS[kind], [election_no, after]):
        yield LogHead(SCHEMA_VERSION, election_no, kind, size, root.hex(), head, key, at)


def _published(platform: Platform, poll: Election) -> dict[bytes, list[LogHead | None]]:
    """The messages under each key of the election, in order; None where one was taken back or is a stranger's."""
    decode, found = Decoder(LogHead), dict[bytes, list[LogHead | None]]()
    for message in read(platform.kafka, topics.LOG_HEADS):
        key = message.key() or b""
        if key.startswith(b"%d/" % poll.election_no):
            try:
                head = decode(message.value())
            except Unusable:
                head = None
            those, said = found.setdefault(key, []), head if head and _key(head) == key else None
            if not those or those[-1] != said:
                those.append(said)
    return found


def _key(head: LogHead) -> bytes:
    return f"{head.election}/{head.kind}/{head.size}".encode()
