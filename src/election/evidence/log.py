"""The log as it is stored: its rounds in ``log_rounds``, the last of which says where the next one begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from election.errors import StageFailed
from election.evidence.entries import EntryForm
from election.evidence.notes import BadNote, Checkpoint, Signer, checkpoint, verified
from election.evidence.tree import HASH_BYTES, Tree
from election.messaging.reading import Offsets
from election.platform import Connection, Platform
from election.storage.elections import Election

_NOT_CONTINUED = (
    "The log of {0} was changed: its head of {1:,} entries {2}. Nothing is sealed. `election heads {0} --check`."
)


@dataclass(frozen=True)
class Head:
    """A head of an election's log: the entries so far, their root, and the checkpoint that states both, signed."""

    size: int
    root: bytes
    head: str
    verifier_key: str
    sealed_at: datetime
    state: str


class End(NamedTuple):
    """Where the log ends: its tree, the offsets that it covers of the topic with this id, and its last signed head."""

    tree: Tree
    topic_id: str
    offsets: Offsets
    head: str


class Round(NamedTuple):
    """Messages of a topic, by partition from one offset to before another, and the entries that they gave."""

    topic_id: str
    begin: Offsets
    end: Offsets
    entries: bytes


def heads(connection: Connection, election_no: int) -> list[Head]:
    """Every head of the log, the oldest first."""
    with connection.cursor(row_factory=class_row(Head)) as cursor:
        return cursor.execute(
            """SELECT size, root, head, verifier_key, sealed_at, state FROM public_log_heads
               WHERE election_no = %s ORDER BY size""",
            [election_no],
        ).fetchall()


def entry_form(connection: Connection, election_no: int) -> EntryForm:
    """The form of the election's entries, by its ballot papers and the contests that are decided by rankings."""
    row = connection.execute(
        """SELECT EXISTS (SELECT FROM public_papers
                          WHERE election_no = %(no)s AND (district_no, position) <> (contest_no, 1)),
                  (SELECT count(*) FROM public_candidates
                   JOIN public_contests AS contests USING (election_no, contest_no)
                   WHERE election_no = %(no)s AND contests.kind = 'ranking'
                   GROUP BY contest_no ORDER BY 1 DESC LIMIT 1)""",
        {"no": election_no},
    ).fetchone()
    assert row is not None
    return EntryForm(row[0], row[1] or 0)


def entries(connection: Connection, election_no: int) -> Iterator[bytes]:
    """Every entry of the log in its order and in constant memory."""
    form = entry_form(connection, election_no)
    for stored in stored_entries(connection, election_no):
        yield from form.split(stored)


def stored_entries(connection: Connection, election_no: int) -> Iterator[bytes]:
    """The entries of each round, joined. The connection must not be in autocommit: a server-side cursor reads."""
    with connection.cursor(name="log_entries") as cursor:
        cursor.itersize = 4
        cursor.execute("SELECT entries FROM log_rounds WHERE election_no = %s ORDER BY first_entry", [election_no])
        for (stored,) in cursor:
            yield bytes(stored)


def end_of_log(connection: Connection, election_no: int) -> End | None:
    """None before the first round."""
    row = connection.execute(
        """SELECT size, frontier, topic_id, offsets_to, head FROM log_rounds
           WHERE election_no = %s ORDER BY first_entry DESC LIMIT 1""",
        [election_no],
    ).fetchone()
    if row is None:
        return None
    size, frontier, topic_id, offsets, head = row
    hashes = [bytes(frontier[at : at + HASH_BYTES]) for at in range(0, len(frontier), HASH_BYTES)]
    return End(Tree(size, hashes), topic_id, {int(partition): offset for partition, offset in offsets.items()}, head)


def require_signed(known: End, poll: Election, verifier_key: str) -> None:
    """Raises StageFailed unless this key signed the end that is stored: only then may the log go on."""
    tree = known.tree
    try:
        stated = checkpoint(verified(known.head, verifier_key))
    except BadNote as error:
        raise StageFailed(_NOT_CONTINUED.format(poll.slug, tree.size, f"is not signed: {error}")) from error
    if stated != Checkpoint(origin(poll), tree.size, tree.root()):
        raise StageFailed(_NOT_CONTINUED.format(poll.slug, tree.size, "states something else than the table"))


def append(connection: Connection, poll: Election, form: EntryForm, signer: Signer, tree: Tree, sealed: Round) -> None:
    """Adds a round: its entries to ``tree``, the tree's end before it, and all of it with a signed head to the table.

    Raises psycopg.errors.UniqueViolation when another process has sealed a round since the tree was read.
    """
    first, stored = tree.size, sealed.entries
    tree.extend(form.split(stored))
    root = tree.root()
    connection.execute(
        """INSERT INTO log_rounds (election_no, first_entry, size, root, head, verifier_key, topic_id, offsets_from,
                                   offsets_to, frontier, entries)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %b)""",
        [
            poll.election_no,
            first,
            tree.size,
            root,
            signer.sign(str(Checkpoint(origin(poll), tree.size, root))),
            signer.verifier_key,
            sealed.topic_id,
            Jsonb(sealed.begin),
            Jsonb(sealed.end),
            b"".join(tree.frontier),
            stored,
        ],
    )


def origin(poll: Election) -> str:
    """The log's name. An election's number is never given again, its slug may be."""
    return f"election/{poll.slug}/{poll.election_no}"


def signer(platform: Platform, poll: Election) -> Signer:
    """Signs heads of that election with the platform's key. Raises StackError when there is no key yet."""
    return Signer(origin(poll), bytes.fromhex(platform.settings.secret("evidence_key")))
