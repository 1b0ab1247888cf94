"""Messages on the topics: UTF-8 JSON objects, declared once as msgspec structs.

A reader ignores unknown fields. A missing or mistyped field makes the message unusable (``Decoder`` gives the reason).
Times are integers, milliseconds since 1970-01-01 UTC. No ballot and no aggregate carries a voter's number, name,
address or e-mail.
"""

import json
from collections.abc import Sequence
from itertools import chain
from math import inf
from operator import attrgetter
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType

from election.contracts.public import Series

SCHEMA_VERSION = 1
Gender = Literal["female", "male", "non-binary"]
AgeGroup = Literal["18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+"]
# Columns, numpy and Spark hold 64 bits. A larger number is a wrong type here, so that it cannot overflow later.
_MOST = 2**63 - 1
Version = Annotated[int, msgspec.Meta(ge=1, le=_MOST, description="version of this message's form")]
Number = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
Millis = Annotated[int, msgspec.Meta(ge=0, le=_MOST, description="milliseconds since 1970-01-01 UTC")]
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
Ranking = Annotated[tuple[Number, ...], msgspec.Meta(min_length=1, description="candidates, the most preferred first")]
# Casting refuses an empty one with a reason of its own.
OfferedRanking = Annotated[
    tuple[Number, ...],
    msgspec.Meta(description="candidates, the most preferred first", extra_json_schema={"minItems": 1}),
]
BallotId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", description="16 bytes in hexadecimal; also the key")]


class VoterRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """``voters_topic``: the fields of one registered voter that casting needs. Key ``election/voter``.

    ``due`` is set when a night is replayed: the voter votes so many milliseconds after the poll opened. Each partition
    is in that order.
    """

    schema_version: Version
    election: Number
    voter: Number
    district: Number
    location: Number
    gender: Gender
    age_group: AgeGroup
    due: Count | None = None


class _EarlierVoterRecord(msgspec.Struct, frozen=True, gc=False):
    """A voter's record of version 0.1, in which each contest was one district."""

    schema_version: Version
    election: Number
    voter: Number
    contest: Number
    location: Number
    gender: Gender
    age_group: AgeGroup
    due: Count | None = None


class CandidateRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """``candidates_topic`` (compacted): one line on a contest's ballot paper. Key ``election/candidate``.

    Lines of the same person share a ``candidate_id``; ``kind`` marks lines that stand for no person. ``unopposed``: the
    contest holds no poll.
    """

    schema_version: Version
    election: Number
    election_slug: str
    contest: Number
    contest_id: str
    contest_name: str
    candidate: Number
    candidate_name: str
    party: str
    party_name: str
    candidate_id: str | None = None
    kind: Literal["person", "list", "none-of-the-above", "write-in"] = "person"
    unopposed: bool = False


class ExternalVote(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A voter's choice in one contest: a ``candidate`` (null: an invalid vote), or a ``ranking`` of candidates."""

    contest: Number
    candidate: Number | UnsetType | None = UNSET
    ranking: OfferedRanking | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.candidate is UNSET and self.ranking is UNSET:
            raise ValueError("Object missing required field `candidate` or `ranking`")


class ExternalBallot(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """``ballots_topic``: a ballot from a feed. Key ``election/voter``.

    ``votes`` has one vote for each contest on the paper of the voter's district: a ``contest`` with either a
    ``candidate`` (null: an invalid vote) or a ``ranking``. A ballot with a single vote may have ``contest`` and
    ``candidate`` in the place of ``votes``.
    """

    schema_version: Version
    election: Number
    voter: Number
    contest: Number | UnsetType = UNSET
    candidate: Number | UnsetType | None = UNSET
    votes: tuple[ExternalVote, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.votes is UNSET and (self.contest is UNSET or self.candidate is UNSET):
            missing = "contest" if self.contest is UNSET else "candidate"
            raise ValueError(f"Object missing required field `{missing}`, or `votes` in its place")

    @property
    def each(self) -> tuple[ExternalVote, ...]:
        """The votes, in whichever of the two forms."""
        if self.votes is UNSET:
            assert self.contest is not UNSET
            return (ExternalVote(self.contest, self.candidate),)
        return self.votes


class VoteMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``votes_topic``: one stored vote, without its voter. Key: the ballot id's 16 bytes.

    ``candidate``, ``candidate_name`` and ``party`` (abbreviation) are null on an invalid vote. A ``ranking`` names
    candidates, the most preferred first; ``candidate`` is then its first.
    ``district`` is where the voter is registered; absent: the district with the contest's number. ``position`` is the
    contest's place on the district's ballot paper; absent: 1. A voter has one vote for each position.
    ``series`` says whether the tally keeps votes per minute by candidate or by party.
    """

    schema_version: Version
    ballot_id: BallotId
    election: Number
    contest: Number
    contest_name: str
    candidate: Number | None
    candidate_name: str | None
    party: str | None
    district: Number | None = None
    position: Number | None = None
    ranking: Ranking | None = None
    location: Number
    country: str
    region: str
    city: str
    gender: Gender
    age_group: AgeGroup
    series: Series
    cast_at: Millis


class RejectedRecord(msgspec.Struct, frozen=True):
    """``rejected_topic``: a record that could not be used, with its bytes.

    The key is ``topic/partition/offset`` of the record's origin. Casting appends ``/election``, because elections that
    are cast at the same time can reject the same record. The key without a value withdraws the rejection: the record
    was used after all. ``key`` and ``value`` are base64. They are null if the record had none, or if both together
    exceed ``MAX_MESSAGE_BYTES`` (``MAX_RECORD_BYTES`` for the tally). ``election`` is null when unknown.
    """

    schema_version: Version
    stage: Literal["casting", "count"]
    election: int | None
    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    reason: str
    detail: str
    rejected_at: Millis


class LogHead(msgspec.Struct, frozen=True):
    """``log_heads_topic`` (compacted): a signed head of an election's log or journal. Key: ``election/kind/size``.

    ``head`` is a signed note in the form of a checkpoint, which ``verifier_key`` verifies. ``root`` is hexadecimal: the
    root of the log, or the hash of the journal's last entry. Every writer of the topic could add a head, so verify the
    note.
    """

    schema_version: Version
    election: Number
    kind: Literal["log", "journal"]
    size: Number
    root: str
    head: str
    verifier_key: str
    sealed_at: Millis


class TallyProgress(msgspec.Struct, frozen=True):
    """``tally_progress_topic`` (compacted): the tally's latest batch. Key: the generation."""

    schema_version: Version
    generation: Number
    batch: int
    votes: Annotated[int, msgspec.Meta(description="distinct votes counted by this generation")]
    duplicates: Annotated[int, msgspec.Meta(description="redelivered ballots dropped since the driver started")]
    rejected: Annotated[int, msgspec.Meta(description="unusable messages since the driver started")]
    lag: Annotated[int, msgspec.Meta(description="messages on votes_topic not yet read")]
    input_rate: Annotated[float, msgspec.Meta(description="messages a second arriving")]
    processed_rate: Annotated[float, msgspec.Meta(description="messages a second processed in the last batch")]
    batch_ms: int
    state_rows: Annotated[int, msgspec.Meta(description="ballots remembered, each a row of the state that grows")]
    state_bytes: int
    application_id: str
    ui_url: str
    at: Millis  # when the message was written, also between batches
    batch_at: Millis | None = None  # when the latest batch ended


Message = TypeVar("Message", bound=msgspec.Struct)
_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""The message's bytes on its topic; equal messages give equal bytes."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Exceptions that msgspec raises for bytes that it cannot decode; RecursionError for JSON that is nested too deeply."""


class Unusable(ValueError):
    """Bytes that are not a message of the expected form. ``reason`` is one of ``rejection.Reason``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Decoder(Generic[Message]):
    """Decodes one form of message, of at most ``most`` bytes. Raises ``Unusable`` with the reason, nothing else.

    A message that names a member twice, at any depth, is ``wrong_type``: JSON readers disagree about which one counts.
    """

    def __init__(self, form: type[Message], most: float = inf) -> None:
        self._decode, self._most = msgspec.json.Decoder(form).decode, most
        self._version = attrgetter("schema_version")
        self._quotes = _Quotes(form)

    def __call__(self, value: bytes | None) -> Message:
        if value is None:
            raise Unusable("null", "the record has no value")
        if len(value) > self._most:
            raise Unusable("too_large", f"{len(value):,} bytes, {self._most:,} are read")
        try:
            message = self._decode(value)
        except UNREADABLE as error:
            raise _why(value, error) from None
        quotes = value.count(_QUOTE)
        if quotes > self._quotes.always and quotes > self._quotes.fewest([message]):
            _refuse_repeated_members(value)
        if message.schema_version != SCHEMA_VERSION:  # type: ignore[attr-defined]
            raise Unusable("unknown_version", f"schema_version is {message.schema_version}, known is {SCHEMA_VERSION}")  # type: ignore[attr-defined]
        return message

    def every(self, values: Sequence[bytes | None]) -> list[Message] | None:
        """Decodes all values at once, without a Python call for each. Returns None if any value needs a closer check.

        The caller then decodes each value alone and learns what is wrong with it. A closer check is also needed for
        bytes beyond ASCII, because the decoder does not validate the fields that it skips, and for unknown members.
        """
        there = [value for value in values if value is not None]
        odd = len(there) < len(values) or max(map(len, there), default=0) > self._most
        if odd or not all(map(bytes.isascii, there)):
            return None
        try:
            messages = list(map(self._decode, there))
        except UNREADABLE:
            return None
        if b"".join(there).count(_QUOTE) > self._quotes.fewest(messages):
            return None
        return messages if {*map(self._version, messages)} <= {SCHEMA_VERSION} else None


class VoterDecoder(Decoder[VoterRecord]):
    """Also decodes records of version 0.1: an election may be open while the platform is upgraded."""

    def __init__(self, most: float = inf) -> None:
        super().__init__(VoterRecord, most)
        self._earlier = Decoder(_EarlierVoterRecord, most)

    def __call__(self, value: bytes | None) -> VoterRecord:
        try:
            return super().__call__(value)
        except Unusable as why:
            if why.reason != "wrong_type":
                raise
            try:
                earlier = self._earlier(value)
            except Unusable:
                raise why from None
        return VoterRecord(*(getattr(earlier, name) for name in _EarlierVoterRecord.__struct_fields__))


_QUOTE = b'"'


class _Quotes:
    """The least number of quotation marks in messages of a form: two for each member's name, two for each text.

    A message with no more than these has no unknown and no repeated member. Counting quotation marks costs far less
    than reading the members' names. Members of objects in an array count too.
    """

    def __init__(self, form: type[msgspec.Struct]) -> None:
        self.always = 0
        # Of members that may be absent or null: how to read them, the value when they are, what they have otherwise.
        # A member that is there with that value has more: the message is then looked at more closely.
        self._unless: list[tuple[attrgetter[Any], object, int]] = []
        self._within: list[tuple[attrgetter[Any], _Quotes]] = []
        for field in msgspec.inspect.type_info(form).fields:  # type: ignore[attr-defined]
            kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
            quotes = 2 + 2 * any(map(_is_text, kinds))
            for kind in kinds:
                if isinstance(kind, msgspec.inspect.VarTupleType) and isinstance(
                    kind.item_type, msgspec.inspect.StructType
                ):
                    self._within.append((attrgetter(field.name), _Quotes(kind.item_type.cls)))
            if field.required and all(map(_is_text, kinds)):
                self.always += quotes
                continue
            name = 2 * field.required  # present even when the value is null
            self.always += name
            if quotes > name:
                # msgspec reports a default of UNSET as none at all.
                absent = field.default if field.default is not NODEFAULT else None if field.required else UNSET
                self._unless.append((attrgetter(field.name), absent, quotes - name))

    def fewest(self, messages: Sequence[object]) -> int:
        """The least number in all messages together."""
        number = len(messages)
        fewest = self.always * number
        for value, absent, extra in self._unless:
            fewest += extra * (number - list(map(value, messages)).count(absent))
        for value, quotes in self._within:
            fewest += quotes.fewest(list(chain.from_iterable(filter(None, map(value, messages)))))
        return fewest


def _is_text(kind: msgspec.inspect.Type) -> bool:
    """Whether values of the kind are texts. All literals that are declared here are texts."""
    if isinstance(kind, msgspec.inspect.Metadata):  # a description of the kind
        return _is_text(kind.type)
    return isinstance(kind, (msgspec.inspect.StrType, msgspec.inspect.LiteralType))


def repeats_a_member(value: bytes) -> bool:
    """Whether a JSON text has an object that names a member twice, at any depth, however the name is escaped."""
    try:
        _refuse_repeated_members(value)
    except Unusable:
        return True
    return False


def _refuse_repeated_members(value: bytes) -> None:
    text = value.decode(errors="replace")  # callers check UTF-8 where it matters
    try:
        json.loads(text, strict=False, object_pairs_hook=_different, parse_int=str, parse_float=str)
    except RecursionError:
        raise Unusable("not_json", "nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        raise Unusable("not_json", str(error)) from None


def _different(members: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in members:
        if name in seen:
            raise Unusable("wrong_type", f"duplicate member {name!r}")
        seen.add(name)


def _why(value: bytes, error: Exception) -> Unusable:
    try:
        value.decode()
    except UnicodeDecodeError as bad:
        return Unusable("not_utf8", str(bad))
    try:
        found = msgspec.json.decode(value)
    except RecursionError:
        return Unusable("not_json", "nested too deeply to be read")
    except UNREADABLE as bad:
        return Unusable("not_json", str(bad))
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        return Unusable("unknown_version", f"schema_version is {version}, known is {SCHEMA_VERSION}")
    return Unusable("wrong_type", str(error))
