"""What every source of ballots has in common: records of one election, taken from a topic that all elections share."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from election.casting.storing import Ballot
from election.contracts.messages import Decoder, Unusable
from election.contracts.topics import MAX_RECORD_BYTES
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election, elections

Refused = list[tuple[int, Unusable]]
"""(position in the batch, why) of the records that cannot be used."""


class Source(Protocol):
    """Where an election's ballots come from: turns records of ``topic`` into ballots."""

    topic: str

    def ballots(self, records: Sequence[Origin], poll: Election) -> tuple[list[Ballot], Refused]:
        """The ballots in a batch and the records that cannot be used. ``poll`` is the election as it is now."""


class _Form(Protocol):
    @property
    def election(self) -> int: ...


Form = TypeVar("Form", bound=_Form)


class Decoding(Generic[Form]):
    """Decodes the records of one election. Those of other elections in between are passed over."""

    def __init__(self, connection: Connection, poll: Election, form: type[Form]) -> None:
        self._connection, self._poll = connection, poll
        self._decode: Decoder = Decoder(form)  # type: ignore[type-arg]
        self._known = self._elections()

    def __call__(self, records: Sequence[Origin]) -> tuple[list[int], list[Form], Refused]:
        """(positions in the batch, what stands in the records there, records that are none)."""
        positions, decoded, refused = [], [], []
        for position, record in enumerate(records):
            try:
                value = record.value()
                if value is not None and len(value) > MAX_RECORD_BYTES:
                    raise Unusable("too_large", f"{len(value):,} bytes, {MAX_RECORD_BYTES:,} are read")
                message = self._decode(value)
                if message.election != self._poll.election_no:
                    self._check_known(message.election)
                    continue
            except Unusable as why:
                refused.append((position, why))
                continue
            positions.append(position)
            decoded.append(message)
        return positions, decoded, refused

    def _check_known(self, election_no: int) -> None:
        if election_no not in self._known:
            self._known = self._elections()  # it may have been registered since
            if election_no not in self._known:
                raise Unusable("unknown_election", f"election {election_no} is not registered, or takes no such record")

    def _elections(self) -> set[int]:
        return {other.election_no for other in elections(self._connection) if other.ballots == self._poll.ballots}
