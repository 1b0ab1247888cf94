"""An entry of the log: what the public can count of one published vote. In most elections it has 34 bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple, get_args

from election.contracts.messages import AgeGroup, Gender, VoteMessage

GENDERS: tuple[Gender, ...] = get_args(Gender)
AGE_GROUPS: tuple[AgeGroup, ...] = get_args(AgeGroup)
_GENDER = {gender: number for number, gender in enumerate(GENDERS)}
_AGE_GROUP = {group: number for number, group in enumerate(AGE_GROUPS)}


class Entry(NamedTuple):
    """A vote; its bytes are these fields, big endian, without padding, with ``minute`` as the last of them.

    ``ballot`` is the ballot's id (16 bytes), ``candidate`` 0 on an invalid vote, ``gender`` and ``age_group`` are
    positions in GENDERS and AGE_GROUPS (1 byte each), ``minute`` is cast_at in whole minutes since 1970-01-01 UTC.
    ``district`` is 0 in elections whose entries do not have it; ``ranking`` are candidates, the most preferred first.
    """

    ballot: bytes
    contest: int
    candidate: int
    location: int
    gender: int
    age_group: int
    minute: int
    district: int = 0
    ranking: tuple[int, ...] = ()


@dataclass(frozen=True)
class EntryForm:
    """The one form of all entries of an election.

    ``district``: before the minute are 4 bytes with the voter's district, because it is not the contest's number
    everywhere. ``preferences``: then 2 bytes for each candidate of a ranking, up to so many, with zeros after the last.
    """

    district: bool = False
    preferences: int = 0
    _struct: Struct = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        more = "I" * self.district + "H" * self.preferences
        object.__setattr__(self, "_struct", Struct(f">16sIIIBB{more}I"))

    @property
    def size(self) -> int:
        """The length of an entry, in bytes."""
        return self._struct.size

    def entry(self, vote: VoteMessage) -> bytes:
        """The entry of a message on ``votes_topic``.

        Raises struct.error or ValueError if a part of the message has no place in an entry: such a message is no vote
        of the election.
        """
        district = vote.district or vote.contest
        if not self.district and district != vote.contest:
            raise ValueError("the district's number is not the contest's")
        return self.pack(
            Entry(
                bytes.fromhex(vote.ballot_id),
                vote.contest,
                vote.candidate or 0,
                vote.location,
                _GENDER[vote.gender],
                _AGE_GROUP[vote.age_group],
                vote.cast_at // 60_000,
                district if self.district else 0,
                vote.ranking or (),
            )
        )

    def pack(self, entry: Entry) -> bytes:
        """Raises struct.error if a number or the ranking has no place."""
        *fields, minute, district, ranking = entry
        after = [0] * (self.preferences - len(ranking))
        return self._struct.pack(*fields, *([district] if self.district else ()), *ranking, *after, minute)

    def unpack(self, entries: bytes) -> Iterator[Entry]:
        """The entries of their bytes, one after the other. Raises struct.error when the bytes end within one."""
        for ballot, contest, candidate, location, gender, group, *more, minute in self._struct.iter_unpack(entries):
            district = more.pop(0) if self.district else 0
            ranking = tuple(number for number in more if number)
            yield Entry(ballot, contest, candidate, location, gender, group, minute, district, ranking)

    def split(self, entries: bytes) -> Iterator[bytes]:
        """Entries that come joined, one by one."""
        size = self.size
        for at in range(0, len(entries), size):
            yield entries[at : at + size]


SIMPLE = EntryForm()
"""Each district votes in the contest of its own number, for one candidate: 34 bytes."""
