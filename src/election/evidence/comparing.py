"""The log against ``votes_topic``, and the journal against the tables and ``rejected_topic``, as they are now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from election.buckets import compared, named, records, spill
from election.evidence.entries import EntryForm
from election.evidence.heads_topic import check_heads
from election.evidence.journal import Faults, check_journal
from election.evidence.log import entry_form, signer, stored_entries
from election.evidence.rejections import check_rejections
from election.evidence.sealing import from_the_beginning
from election.platform import Platform
from election.storage.elections import election

_NAMED = 20
_ID_BYTES = 16


@dataclass(frozen=True)
class Comparison:
    """``sealed`` are distinct ballots in the log. Of those that are ``gone`` or ``changed``, the first ids are named.

    ``differing`` is how many there are in all. Ballots that are published and not sealed yet are not among them.
    """

    sealed: int
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    differing: int


def compare(platform: Platform, slug: str) -> Comparison:
    """Compares every entry with the topic, in constant memory. Raises UnknownElection and NotReachable."""
    scratch = platform.settings.var / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    gone: list[str] = []
    changed: list[str] = []
    sealed = differing = 0
    with TemporaryDirectory(dir=scratch, prefix="evidence-") as folder:
        with platform.connect("reader") as connection:
            poll = election(connection, slug)
            form = entry_form(connection, poll.election_no)
            log = spill(Path(folder, "log"), _records(form, stored_entries(connection, poll.election_no)))
        topic = spill(Path(folder, "topic"), _records(form, from_the_beginning(platform, poll, form)))
        for bucket in compared(topic, log, _words(form)):  # what the log has and the topic has not
            sealed += bucket.published
            for found, ids in ((bucket.unknown, gone), (bucket.altered, changed)):
                differing += len(found)
                ids.extend(named(found, _NAMED - len(ids)))
    return Comparison(sealed, tuple(gone), tuple(changed), differing)


def check_records(platform: Platform, slug: str) -> Faults:
    """Each head, verdict, decision and rejected record that was changed or taken away since it was signed or chained.

    Raises UnknownElection and NotReachable.
    """
    with platform.connect("auditor") as connection:
        poll = election(connection, slug)
        checked = check_journal(connection, poll, signer(platform, poll).verifier_key)
        found = [
            *check_heads(platform, connection, poll),
            *checked.found,
            *check_rejections(platform, connection, poll),
        ]
        return Faults(checked.entries, found)


def _words(form: EntryForm) -> int:
    """Of 64 bits, for what an entry says beside its id."""
    return -(-(form.size - _ID_BYTES) // 8)


def _records(form: EntryForm, joined: Iterable[bytes]) -> Iterator[NDArray[Any]]:
    """Ballot ids and the rest of the entries, of entries that come joined."""
    for entries in joined:
        found = np.frombuffer(entries, np.uint8).reshape(-1, form.size)
        rest = np.zeros((len(found), 8 * _words(form)), np.uint8)
        rest[:, : form.size - _ID_BYTES] = found[:, _ID_BYTES:]
        yield records(found[:, :_ID_BYTES].tobytes(), *rest.view("<i8").T)
