"""An entry of the log: what the public can count of one published ballot, in 34 bytes."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple, get_args

from election.contracts.messages import AgeGroup, Gender, VoteMessage

GENDERS: tuple[Gender, ...] = get_args(Gender)
AGE_GROUPS: tuple[AgeGroup, ...] = get_args(AgeGroup)
_GENDER = {gender: number for number, gender in enumerate(GENDERS)}
_AGE_GROUP = {group: number for number, group in enumerate(AGE_GROUPS)}
_FORM = Struct(">16sIIIBBI")
ENTRY_BYTES = _FORM.size


class Entry(NamedTuple):
    """A ballot; its bytes are these fields in this order, big endian, without padding.

    ``ballot`` is the ballot's id (16 bytes), ``candidate`` 0 on an invalid ballot, ``gender`` and ``age_group`` are
    positions in GENDERS and AGE_GROUPS (1 byte each), ``minute`` is cast_at in whole minutes since 1970-01-01 UTC.
    """

    ballot: bytes
    contest: int
    candidate: int
    location: int
    gender: int
    age_group: int
    minute: int

    def pack(self) -> bytes:
        return _FORM.pack(*self)


def entry(vote: VoteMessage) -> bytes:
    """The entry of a message on ``votes_topic``. Raises struct.error when a number of it has no place in an entry."""
    return _FORM.pack(
        bytes.fromhex(vote.ballot_id),
        vote.contest,
        vote.candidate or 0,
        vote.location,
        _GENDER[vote.gender],
        _AGE_GROUP[vote.age_group],
        vote.cast_at // 60_000,
    )


def unpack(entries: bytes) -> Iterator[Entry]:
    """The entries of their bytes, one after the other. Raises struct.error when the bytes end within one."""
    return map(Entry._make, _FORM.iter_unpack(entries))
