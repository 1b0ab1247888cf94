"""Messages on the topics: UTF-8 JSON objects, declared once as msgspec structs.

A reader ignores fields it does not know; a missing or mistyped field makes the message unusable
(``decode`` says why). Times are integers, milliseconds since 1970-01-01 UTC. No ballot and no
aggregate carries a voter's number, name, address or e-mail.
"""

import json
from collections.abc import Sequence
from math import inf
from operator import attrgetter
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from election.contracts.public import Series

SCHEMA_VERSION = 1
Gender = Literal["female", "male", "non-binary"]
AgeGroup = Literal["18-24", "25-34", "35-44", "45-54", "55-64", "65-74", "75+"]
# Columns, numpy and Spark hold 64 bits: a larger number is of a wrong type, not an accident further on.
_MOST = 2**63 - 1
Version = Annotated[int, msgspec.Meta(ge=1, le=_MOST, description="version of this message's form")]
Number = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
Millis = Annotated[int, msgspec.Meta(ge=0, le=_MOST, description="milliseconds since 1970-01-01 UTC")]
Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
BallotId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", description="16 bytes in hexadecimal; also the key")]


class VoterRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """``voters_topic``: one registered voter, as much of them as casting needs. Key ``election/voter``.

    ``due`` is there when a night is replayed: they come to vote so many milliseconds after the poll opened. Each
    partition is in that order.
    """

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

    Lines of one person share a ``candidate_id``; ``kind`` says which are no person. ``unopposed``: no poll is held.
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
    kind: Literal["person", "none-of-the-above", "write-in"] = "person"
    unopposed: bool = False


class ExternalBallot(msgspec.Struct, frozen=True, gc=False):
    """``ballots_topic``: a ballot from a feed outside. ``candidate`` null is an invalid one. Key ``election/voter``."""

    schema_version: Version
    election: Number
    voter: Number
    contest: Number
    candidate: Number | None


class VoteMessage(msgspec.Struct, frozen=True):
    """``votes_topic``: one stored ballot, without its voter. Key: the ballot id's 16 bytes.

    ``candidate``, ``candidate_name`` and ``party`` (abbreviation) are null on an invalid ballot.
    ``series`` says what the count keeps per minute for this election: candidates or parties.
    """

    schema_version: Version
    ballot_id: BallotId
    election: Number
    contest: Number
    contest_name: str
    candidate: Number | None
    candidate_name: str | None
    party: str | None
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

    Its key is ``topic/partition/offset`` of its origin. Casting's have ``/election`` behind that, as elections cast at
    the same time meet the same foreign records. The key without a value takes the rejection back: the record was used
    after all. ``key`` and ``value`` are base64 (null: there was none, or both together have more than
    ``MAX_MESSAGE_BYTES``, of the count's ``MAX_RECORD_BYTES``). ``election`` is null when unknown.
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

    ``head`` is a signed note in the form of a checkpoint, which ``verifier_key`` verifies; ``root`` is hexadecimal, the
    root of the log or the hash of the journal's last entry. Anybody who may write here could add one: verify the note.
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
    """``tally_progress_topic`` (compacted): the stream's latest batch. Key: the generation."""

    schema_version: Version
    generation: Number
    batch: int
    votes: Annotated[int, msgspec.Meta(description="distinct ballots counted by this generation")]
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
    at: Millis  # when this was told, between batches too
    batch_at: Millis | None = None  # when the latest batch was done


Message = TypeVar("Message", bound=msgspec.Struct)
_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""The message's bytes on its topic; equal messages give equal bytes."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises over bytes that are no JSON of a form; the last over JSON that is nested too deeply."""


class Unusable(ValueError):
    """Bytes that are no message of the expected form. ``reason`` is one of ``rejection.Reason``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Decoder(Generic[Message]):
    """Decodes one form of message, of ``most`` bytes or less. Raises ``Unusable`` with the reason, nothing else.

    A message that names a member twice, at any depth, is ``wrong_type``: readers of JSON disagree about which holds.
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
        """What each of the values says, without a call in Python for each; None when any is odd, and a look at each
        says what is wrong with it. Bytes beyond ASCII are odd: the decoder does not look at fields that it skips. So is
        a member that the form does not have.
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


_QUOTE = b'"'


class _Quotes:
    """The quotation marks that messages of a form have at least: two for each member's name, two for each text.

    With no more than these a message has no other member, and none twice. Counting them costs far less than
    reading the members' names.
    """

    def __init__(self, form: type[msgspec.Struct]) -> None:
        self.always = 0
        self._unless_none: list[tuple[attrgetter[Any], int]] = []
        for field in msgspec.inspect.type_info(form).fields:  # type: ignore[attr-defined]
            kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
            quotes = 2 + 2 * any(map(_is_text, kinds))
            if field.required and all(map(_is_text, kinds)):
                self.always += quotes
                continue
            name = 2 * field.required  # there even when the value is null
            self.always += name
            if quotes > name:
                self._unless_none.append((attrgetter(field.name), quotes - name))

    def fewest(self, messages: Sequence[object]) -> int:
        """The number in all of the messages together."""
        number = len(messages)
        fewest = self.always * number
        for value, extra in self._unless_none:
            fewest += extra * (number - list(map(value, messages)).count(None))
        return fewest


def _is_text(kind: msgspec.inspect.Type) -> bool:
    """Whether values of the kind are texts; only such literals are declared here."""
    if isinstance(kind, msgspec.inspect.Metadata):  # a description of the kind
        return _is_text(kind.type)
    return isinstance(kind, (msgspec.inspect.StrType, msgspec.inspect.LiteralType))


def repeats_a_member(value: bytes) -> bool:
    """Whether a JSON text has an object that names a member twice, at any depth, however the name is spelt."""
    try:
        _refuse_repeated_members(value)
    except Unusable:
        return True
    return False


def _refuse_repeated_members(value: bytes) -> None:
    text = value.decode(errors="replace")  # whether the bytes are UTF-8 is asked where it matters
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
