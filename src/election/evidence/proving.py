"""Proofs about an election's log, as files that other programs read: a ballot is in it, and it only grew."""

from election.errors import BadInput
from election.evidence.log import Head, entries, entry_form, heads, stored_entries
from election.evidence.notes import consistency_file, inclusion_file
from election.evidence.proofs import consistency, hashes, inclusion, verify_consistency, verify_inclusion
from election.evidence.tree import leaf_hash
from election.platform import Connection, Platform
from election.storage.elections import election


def prove_ballot(platform: Platform, slug: str, ballot: str) -> str:
    """That the ballot with this id, 32 hexadecimal digits, is in the log of the last head: a ``.tlog-proof``.

    Its ``extra`` is the ballot's first entry. Raises UnknownElection, and BadInput when no entry has that id.
    """
    with platform.connect("reader") as connection:
        number = election(connection, slug).election_no
        head = _heads(connection, slug, number)[-1]
        index, entry = _found(connection, slug, number, ballot)
        proof = hashes(inclusion(index, head.size), entries(connection, number))
    verify_inclusion(index, head.size, leaf_hash(entry), proof, head.root)
    return inclusion_file(index, proof, head.head, entry)


def prove_growth(platform: Platform, slug: str, old: int, new: int | None) -> str:
    """That the log of the head of size ``old`` is the beginning of that of size ``new`` (None: the last head).

    A C2SP tlog-witness body. Raises UnknownElection, and BadInput when there is no head of such a size.
    """
    with platform.connect("reader") as connection:
        number = election(connection, slug).election_no
        known = _heads(connection, slug, number)
        older, newer = _of_size(known, slug, old), _of_size(known, slug, known[-1].size if new is None else new)
        if older.size > newer.size:
            raise BadInput(f"The log of {older.size:,} entries is the newer one. Name the smaller size first.")
        proof = hashes(consistency(older.size, newer.size), entries(connection, number))
    verify_consistency(older.size, newer.size, older.root, newer.root, proof)
    return consistency_file(older.size, proof, newer.head)


def _heads(connection: Connection, slug: str, number: int) -> list[Head]:
    known = heads(connection, number)
    if not known:
        raise BadInput(f"{slug} has no log yet. `election seal {slug}` seals what was published.")
    return known


def _of_size(known: list[Head], slug: str, size: int) -> Head:
    for head in known:
        if head.size == size:
            return head
    raise BadInput(f"{slug} has no head of {size:,} entries. `election heads {slug}` lists the heads.")


def _found(connection: Connection, slug: str, number: int, ballot: str) -> tuple[int, bytes]:
    """The index of the ballot's first entry, and the entry."""
    try:
        wanted = bytes.fromhex(ballot)
    except ValueError:
        wanted = b""
    if len(wanted) != 16:
        raise BadInput(f"{ballot!r} is no ballot id: it has 32 hexadecimal digits.")
    before, size = 0, entry_form(connection, number).size
    for stored in stored_entries(connection, number):
        at = stored.find(wanted)
        while at % size and at >= 0:  # in the middle of an entry
            at = stored.find(wanted, at + 1)
        if at >= 0:
            return before + at // size, stored[at : at + size]
        before += len(stored) // size
    raise BadInput(f"No ballot {ballot} is in the log of {slug}: it was not published, or not sealed yet.")
