"""The journal: an election's verdicts, decisions, audits and rejected records, each entry chained to all before it.

The database writes it (``storage/journal.sql``). An entry is a line of JSON, ``{"row": {COLUMN: VALUE}, "table":
TABLE}``. Its hash is SHA-256 of the hash before it, 32 bytes, and the line in UTF-8.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from psycopg import sql

from election.evidence.log import origin, signer
from election.evidence.notes import BadNote, Checkpoint, checkpoint, verified
from election.platform import Connection, Platform
from election.storage.elections import Election, election

BEGINNING = bytes(32)
"""The hash before the first entry."""
KEYS = {
    "verdicts": ("verdict_no",),
    "certifications": ("certification_no",),
    "lots": ("lot_no",),
    "quarantines": ("quarantine_no",),
    "quarantined_messages": ("topic_id", "partition_no", "offset_no"),
    "rejection_rounds": ("round_no",),
    "certified_documents": ("format", "verdict_no"),
    "audits": ("audit_no",),
    "audit_digits": ("audit_no", "part_no"),
    "audit_risks": ("audit_no", "contest_no", "round_no"),
    "audit_hand_counts": ("audit_no", "contest_no", "candidate_no"),
    "audit_signatures": ("audit_no",),
}
"""Journaled tables, with the columns that tell their rows apart."""


class Entry(NamedTuple):
    """An entry as it is stored, and the hash that is stored beside it."""

    line: str
    hash: bytes


class JournalHead(NamedTuple):
    """How many entries, the hash of the last one, and the signed note that states both."""

    size: int
    hash: bytes
    head: str
    verifier_key: str


class Faults(NamedTuple):
    """A sentence for each thing that is wrong with a journal of ``entries``."""

    entries: int
    found: list[str]


def chained(lines: Iterable[str], before: bytes = BEGINNING) -> Iterator[bytes]:
    """The hash of each entry, where ``before`` is the hash of the one before the first."""
    for line in lines:
        before = sha256(before + line.encode()).digest()
        yield before


def journal(connection: Connection, election_no: int, after: int = 0) -> Iterator[Entry]:
    """The entries after so many. The connection must not be in autocommit: a server-side cursor reads."""
    with connection.cursor(name="journal") as cursor:
        cursor.itersize = 50  # a verdict on hundreds of contests has hundreds of kilobytes
        cursor.execute(
            "SELECT entry, hash FROM journal WHERE election_no = %s AND entry_no > %s ORDER BY entry_no",
            [election_no, after],
        )
        for line, own in cursor:
            yield Entry(line, bytes(own))


def journal_heads(connection: Connection, election_no: int) -> list[JournalHead]:
    """Every head of the journal, the oldest first."""
    rows = connection.execute(
        "SELECT size, hash, head, verifier_key FROM public_journal_heads WHERE election_no = %s ORDER BY size",
        [election_no],
    )
    return [JournalHead(size, bytes(own), head, key) for size, own, head, key in rows]


def newest_note(platform: Platform, slug: str) -> str | None:
    """The newest signed head of the election's journal; None before there is one. Raises UnknownElection."""
    with platform.connect("reader") as connection:
        known = journal_heads(connection, election(connection, slug).election_no)
    return known[-1].head if known else None


def journal_origin(poll: Election) -> str:
    """The journal's name, the first line of its heads. They are signed by the key of the log."""
    return f"{origin(poll)}/journal"


def sign_journal(platform: Platform, connection: Connection, poll: Election) -> str | None:
    """Signs a head if there are entries after the last one. Returns why not, if these do not continue it.

    Hashes only the new entries. The connection is in autocommit.
    """
    with connection.transaction():
        row = connection.execute(
            "SELECT size, hash, head FROM journal_heads WHERE election_no = %s ORDER BY size DESC LIMIT 1",
            [poll.election_no],
        ).fetchone()
        sign = signer(platform, poll)
        size, so_far = (row[0], bytes(row[1])) if row else (0, BEGINNING)
        for fault in _unsigned(JournalHead(size, so_far, row[2], ""), poll, sign.verifier_key) if row else ():
            return f"{fault} No head is signed."
        for entry in journal(connection, poll.election_no, size):
            (so_far,) = chained([entry.line], so_far)
            size += 1
            if so_far != entry.hash:
                return f"Entry {size} of the journal does not continue what was signed: no head is signed."
        if size > (row[0] if row else 0):
            connection.execute(
                """INSERT INTO journal_heads (election_no, size, hash, head, verifier_key)
                   VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
                [
                    poll.election_no,
                    size,
                    so_far,
                    sign.sign(str(Checkpoint(journal_origin(poll), size, so_far))),
                    sign.verifier_key,
                ],
            )
    return None


def check_journal(connection: Connection, poll: Election, verifier_key: str) -> Faults:
    """Hashes the journal again, and compares it with its heads, signed by this key, and with the tables row by row."""
    found: list[str] = []
    heads = {head.size: head for head in journal_heads(connection, poll.election_no)}
    for head in heads.values():
        found.extend(_unsigned(head, poll, verifier_key))
    so_far, size, noted = BEGINNING, 0, list[dict[str, Any]]()
    for size, entry in enumerate(journal(connection, poll.election_no), 1):
        (now,) = chained([entry.line], so_far)
        if now != entry.hash:
            found.append(f"Entry {size} of the journal was changed, or one before it taken away: its hash is another.")
        if size in heads and heads[size].hash != now:
            found.append(f"The first {size} entries of the journal are not those that were signed.")
        so_far = entry.hash  # what follows is judged by itself
        noted.append(_parsed(entry.line))
    if heads and max(heads) > size:
        found.append(f"The journal has {size} entries, and {max(heads)} were signed.")
    rows = {table: _rows(connection, table, poll.election_no) for table in KEYS}
    found.extend(differing(noted, rows))
    return Faults(size, found)


def differing(entries: Iterable[dict[str, Any]], rows: Mapping[str, Sequence[dict[str, Any]]]) -> list[str]:
    """Rows that are not as the journal has them, as sentences. Columns of a later version are not compared."""
    found, noted = [], set[tuple[Any, ...]]()
    now = {(table, *_key(table, row)): row for table, those in rows.items() for row in those}
    for entry in entries:
        table, row = entry["table"], entry["row"]
        if table not in KEYS:
            continue  # of a later version
        key = (table, *_key(table, row))
        noted.add(key)
        if key not in now:
            found.append(f"{_named(*key)} is in the journal and no longer in the table.")
        elif changed := sorted(name for name, value in row.items() if now[key].get(name) != value):
            found.append(f"{_named(*key)} has another {', '.join(changed)} than in the journal.")
    return found + [f"{_named(*key)} is not in the journal." for key in now if key not in noted]


def _unsigned(head: JournalHead, poll: Election, verifier_key: str) -> Iterator[str]:
    try:
        stated = checkpoint(verified(head.head, verifier_key))
    except BadNote as error:
        yield f"The journal's head of {head.size} entries is not signed: {error}."
    else:
        if stated != (journal_origin(poll), head.size, head.hash):
            yield f"The journal's head of {head.size} entries states something else: {stated.origin}, {stated.size}."


def _rows(connection: Connection, table: str, election_no: int) -> list[dict[str, Any]]:
    connection.execute("SET LOCAL timezone = 'UTC'")
    connection.execute("SET LOCAL bytea_output = 'hex'")
    through_audit = table.startswith("audit_")  # its rows name no election themselves
    own = "audit_no IN (SELECT audit_no FROM audits WHERE election_no = %s)" if through_audit else "election_no = %s"
    rows = connection.execute(
        sql.SQL("SELECT (to_jsonb(t) - 'digests')::text FROM {} t WHERE {}").format(
            sql.Identifier(table), sql.SQL(own)
        ),
        [election_no],
    )
    return [_parsed(row) for (row,) in rows]


def _parsed(line: str) -> dict[str, Any]:
    """Numbers as they are written, however long."""
    return dict(json.loads(line, parse_float=str, parse_int=str))


def _key(table: str, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEYS[table])


def _named(table: str, *key: Any) -> str:
    return f"Row {'/'.join(map(str, key))} of {table}"
