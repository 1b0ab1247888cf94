"""The form of a stored vote on ``votes_topic``.

A ballot id is a keyed BLAKE2b (RFC 7693) under the election's secret key, 16 bytes: of the voter's number, followed by
the vote's position on the ballot paper unless that is the first. Only a holder of the key can recompute it or find the
voter of a ballot.
"""

from binascii import hexlify
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import get_args

import msgspec

from election.contracts.messages import SCHEMA_VERSION, AgeGroup, Gender
from election.contracts.public import Series


def ballot_ids(key: bytes) -> Callable[..., bytes]:
    """A function from a voter's number and a position on the ballot paper, 1 by default, to the 16 bytes of the id."""
    keyed = blake2b(key=key, digest_size=16)

    def ballot_id(voter: int, position: int = 1) -> bytes:
        digest = keyed.copy()
        digest.update(voter.to_bytes(8, "big"))
        if position > 1:
            digest.update(position.to_bytes(2, "big"))
        return digest.digest()

    return ballot_id


@dataclass(frozen=True)
class Choice:
    """A possible vote on a ballot paper: for a candidate, or invalid (``candidate`` None).

    ``district`` is the paper's, by default the one with the contest's number; ``position`` is the contest's there.
    """

    contest: int
    contest_name: str
    candidate: int | None
    candidate_name: str | None
    party: str | None
    district: int = 0
    position: int = 1

    def __post_init__(self) -> None:
        if not self.district:
            object.__setattr__(self, "district", self.contest)


@dataclass(frozen=True)
class Place:
    """A location of an election, as messages name it."""

    location: int
    country: str
    region: str
    city: str


class VoteEncoder:
    """Encodes the votes of one election: the same bytes as ``encode(VoteMessage(...))``, several times faster.

    The parts that repeat (choice, place, demography) are encoded once and joined for each vote.
    """

    def __init__(
        self,
        election: int,
        series: Series,
        choices: list[Choice],
        places: list[Place],
    ) -> None:
        election_member = b'","election":%d,' % election
        self._head = b'{"schema_version":%d,"ballot_id":"' % SCHEMA_VERSION
        self._choice = {(c.district, c.contest, c.candidate): election_member + _of_choice(c) + b"," for c in choices}
        self._place = {p.location: _members(asdict(p)) + b"," for p in places}
        self._people = {
            (gender, group): b'"gender":"%b","age_group":"%b","series":"%b","cast_at":'
            % (gender.encode(), group.encode(), series.encode())
            for gender in get_args(Gender)
            for group in get_args(AgeGroup)
        }
        # All votes of a batch have the same time.
        self._cast_at, self._tail = 0, b"0}"

    def __call__(
        self,
        ballot_id: bytes,
        district: int,
        contest: int,
        candidate: int | None,
        ranking: tuple[int, ...] | None,
        location: int,
        gender: str,
        age_group: str,
        cast_at: int,
    ) -> bytes:
        """The bytes of one vote. Raises KeyError for a choice or place the election does not have."""
        if cast_at != self._cast_at:
            self._cast_at, self._tail = cast_at, b"%d}" % cast_at
        return b"".join(
            (
                self._head,
                hexlify(ballot_id),
                self._choice[district, contest, candidate],
                b'"ranking":[%b],' % ",".join(map(str, ranking)).encode() if ranking else b"",
                self._place[location],
                self._people[gender, age_group],
                self._tail,
            )
        )


def _of_choice(choice: Choice) -> bytes:
    """Its members; district and position are absent where a reader supposes the same."""
    usual = {"district": choice.contest, "position": 1}
    return _members(
        {name: value for name, value in asdict(choice).items() if name not in usual or usual[name] != value}
    )


def _members(part: dict[str, object]) -> bytes:
    return msgspec.json.encode(part)[1:-1]
