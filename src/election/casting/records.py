"""The common part of all sources of ballots: decodes one election's records from a topic that all elections share."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from election.casting.storing import Vote
from election.contracts.messages import Decoder, ExternalBallot, Unusable, VoterRecord
from election.contracts.topics import MAX_RECORD_BYTES
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election, elections

Refused = list[tuple[int, Unusable]]
"""(place in the batch, reason) of the records that cannot be used."""


class Source(Protocol):
    """A source of ballots: turns records of ``topic`` into ballots."""

    topic: str

    def votes(self, records: Sequence[Origin], poll: Election) -> tuple[list[Vote], Refused]:
        """The votes in a batch and the records that cannot be used. ``poll`` is the current row of the election.

        A ballot's votes follow one another, by position. Either all of them are there or its record is refused.
        """


Form = TypeVar("Form", VoterRecord, ExternalBallot)


class Decoding(Generic[Form]):
    """Decodes the records of one election and skips those of other elections.

    With ``again``, for records that were rejected before, records of other elections are refused: no other election
    would take them.
    """

    def __init__(self, connection: Connection, poll: Election, decoder: Decoder[Form], again: bool = False) -> None:
        """``decoder`` reads records of up to MAX_RECORD_BYTES."""
        self._connection, self._poll, self._again = connection, poll, again
        self._decode: Decoder[Form] = decoder
        self._known = self._elections()
        self._looked = False

    def __call__(self, records: Sequence[Origin]) -> tuple[list[int], list[Form], Refused]:
        """(places in the batch, decoded records at these places, refused records)."""
        every: list[Form] | None = self._decode.every([record.value() for record in records])
        if every is not None and {message.election for message in every} <= {self._poll.election_no}:
            return list(range(len(every))), every, []
        return self._each(records)

    def _each(self, records: Sequence[Origin]) -> tuple[list[int], list[Form], Refused]:
        places, decoded, refused = [], [], []
        self._looked = False
        for place, record in enumerate(records):
            try:
                message = self._decode(_checked(record.value()))
                if message.election != self._poll.election_no:
                    self._check_other(message.election, record)
                    continue
            except Unusable as why:
                refused.append((place, why))
                continue
            places.append(place)
            decoded.append(message)
        return places, decoded, refused

    def _check_other(self, election_no: int, record: Origin) -> None:
        if election_no not in self._known and not self._looked:
            # It may have been registered since. One check per batch is enough: a later election has no record in it.
            self._known, self._looked = self._elections(), True
        other = self._known.get(election_no)
        if other is None:
            raise Unusable("unknown_election", f"election {election_no} is not registered, or takes no such record")
        if self._again:
            raise Unusable("unknown_election", f"the record is of election {election_no}, not of this one")
        if self._poll.ballots == "external" and _before(record, other.ballots_from):
            raise Unusable("unknown_election", f"election {election_no} was not registered when the record came")

    def _elections(self) -> dict[int, Election]:
        """The elections whose records may be on this poll's topic: all for voters, external ones for ballots."""
        every, feed = elections(self._connection), self._poll.ballots == "external"
        return {other.election_no: other for other in every if not feed or other.ballots == "external"}


def _checked(value: bytes | None) -> bytes | None:
    """The value, if it is UTF-8: the decoder does not check fields that it skips. It refuses large values itself."""
    if value is None or value.isascii() or len(value) > MAX_RECORD_BYTES:
        return value
    try:
        value.decode()
    except UnicodeDecodeError as bad:
        raise Unusable("not_utf8", str(bad)) from None
    return value


def _before(record: Origin, begin: dict[str, int] | None) -> bool:
    return (record.offset() or 0) < (begin or {}).get(str(record.partition()), 0)
