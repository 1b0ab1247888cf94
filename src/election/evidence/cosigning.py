"""A second key under the log's heads: who holds it, an auditor, remembers what was signed and signs no log that forks.

Forms: C2SP's ``tlog-cosignature`` and ``tlog-witness`` (https://c2sp.org).
"""

import json
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple

from election.errors import BadInput, StageFailed
from election.evidence.log import Head, entries, heads, origin
from election.evidence.notes import BadNote, Checkpoint, Cosigner, checkpoint, verified
from election.evidence.proofs import BadProof, consistency, hashes, verify_consistency
from election.platform import Connection, Platform
from election.storage.elections import election

_KEY_BYTES = 32


class Cosigned(NamedTuple):
    """The head that was cosigned, and the key that verifies the new signature."""

    head: Head
    verifier_key: str


def new_key(file: Path) -> None:
    """Writes a new private key into a file that only its owner may read. Raises BadInput if the file exists."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as key:
            key.write(secrets.token_hex(_KEY_BYTES) + "\n")
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}. Name a new file.") from error


def cosign(platform: Platform, slug: str, file: Path, name: str) -> Cosigned:
    """Signs the newest head with the private key in ``file``, if its log continues every head signed before.

    What was signed is remembered in ``file`` with the suffix ``.seen``, so that the platform cannot show this key
    another log. Raises UnknownElection, BadInput when the key cannot be used, and StageFailed when the log was
    rewritten.
    """
    signer = _cosigner(file, name)
    seen = _Seen(file.with_name(f"{file.name}.seen"))
    with platform.connect("auditor") as connection:
        poll = election(connection, slug)
        known = heads(connection, poll.election_no)
        if not known:
            raise BadInput(f"{slug} has no log yet. `election seal {slug}` seals what was published.")
        head = known[-1]
        stated = _require_signed(head, origin(poll))
        before = seen.of(stated.origin)
        if seen.key(stated.origin) not in ("", head.verifier_key):
            raise StageFailed(
                f"The log's heads are signed by another key, {head.verifier_key}, than when this key signed: "
                f"{seen.key(stated.origin)}. Nothing is signed."
            )
        if before is not None:
            _require_continued(connection, poll.election_no, before, stated)
        seen.keep(stated, head.verifier_key)  # first: a kill leaves a head remembered and not signed, never the reverse
        connection.execute(
            """INSERT INTO log_cosignatures (election_no, size, verifier_key, line) VALUES (%s, %s, %s, %s)
               ON CONFLICT DO NOTHING""",
            [poll.election_no, head.size, signer.verifier_key, signer.cosign(str(stated), int(time.time()))],
        )
    return Cosigned(head, signer.verifier_key)


def _require_signed(head: Head, name: str) -> Checkpoint:
    try:
        stated = checkpoint(verified(head.head, head.verifier_key))
    except BadNote as error:
        raise StageFailed(f"The head of {head.size:,} entries is not signed: {error}. Nothing is signed.") from error
    if (stated.origin, stated.size) != (name, head.size):
        raise StageFailed(f"The head of {head.size:,} entries states {stated.origin}, {stated.size:,} entries.")
    return stated


def _require_continued(connection: Connection, number: int, before: Checkpoint, now: Checkpoint) -> None:
    """By hashing the log itself: what the entries give is compared with both heads."""
    try:
        if before.size > now.size:
            raise BadProof(f"it has {now.size:,} entries now")
        proof = hashes(consistency(before.size, now.size), entries(connection, number))
        verify_consistency(before.size, now.size, before.root, now.root, proof)
    except BadProof as error:
        raise StageFailed(
            f"The log was rewritten since this key signed its {before.size:,} entries: {error}. Nothing is signed. "
            "Keep both heads: they prove it."
        ) from error


def _cosigner(file: Path, name: str) -> Cosigner:
    try:
        if file.stat().st_mode & 0o077:
            raise BadInput(f"{file} can be read by others. `chmod 600 {file}`, or make a new key with --new.")
        private = bytes.fromhex(file.read_text().strip())
    except FileNotFoundError as error:
        raise BadInput(f"There is no {file}. Make a key with --new.") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} is no private key: {error}. Make one with --new in another file.") from error
    if len(private) != _KEY_BYTES:
        raise BadInput(f"{file} is no private key of {_KEY_BYTES} bytes. Make one with --new in another file.")
    try:
        return Cosigner(name, private)
    except BadNote as error:
        raise BadInput(f"{error}. Choose another --name.") from error


class _Seen:
    """The newest head of each log that a key has signed, and the log's own key."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, list[str | int]] = json.loads(file.read_text()) if file.exists() else {}

    def of(self, origin: str) -> Checkpoint | None:
        if origin not in self._known:
            return None
        size, root, *_ = self._known[origin]
        return Checkpoint(origin, int(size), bytes.fromhex(str(root)))

    def key(self, origin: str) -> str:
        """Empty if none is remembered."""
        return str([*self._known.get(origin, ()), "", "", ""][2])

    def keep(self, head: Checkpoint, verifier_key: str) -> None:
        self._known[head.origin] = [head.size, head.root.hex(), verifier_key]
        draft = self._file.with_name(f"{self._file.name}.new")
        draft.write_text(json.dumps(self._known, indent=1) + "\n")
        draft.replace(self._file)
