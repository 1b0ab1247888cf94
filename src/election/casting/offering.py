"""From records on ``voters_topic`` to ballots: who may vote, and what they decide."""

import numpy as np
from confluent_kafka import Message

from election.behaviour import Behaviour
from election.casting.storing import Ballot
from election.contracts.messages import Decoder, Unusable, VoterRecord
from election.platform import Connection
from election.storage.elections import Election

Refused = list[tuple[int, Unusable]]
"""(position in the batch, why) of the records that cannot be used."""

_decode = Decoder(VoterRecord)


class Offering:
    """Offers the ballot to the voters of one election. Records of other elections in between are passed over."""

    def __init__(self, connection: Connection, poll: Election, behaviour: Behaviour) -> None:
        self._connection, self._poll, self._behaviour = connection, poll, behaviour
        contests = connection.execute(
            "SELECT contest_no, first_voter_no, registered FROM contests WHERE election_no = %s ORDER BY first_voter_no",
            [poll.election_no],
        ).fetchall()
        self._contest_no, self._first, registered = (
            np.array(column, np.int64) for column in zip(*contests, strict=True)
        )
        self._last = int(self._first[-1] + registered[-1] - 1)
        self._locations = {
            no
            for (no,) in connection.execute(
                "SELECT location_no FROM locations WHERE election_no = %s", [poll.election_no]
            )
        }
        self._known = self._elections()

    def ballots(self, messages: list[Message]) -> tuple[list[Ballot], Refused]:
        """The ballots of those who vote, and the records that were refused with the reason."""
        positions, records, refused = self._decoded(messages)
        if not records:
            return [], refused
        voters = np.array([record.voter for record in records], np.int64)
        contests = np.array([record.contest for record in records], np.int64)
        own = self._contest_no[np.clip(np.searchsorted(self._first, voters, "right") - 1, 0, None)]
        places = np.array([record.location in self._locations for record in records])
        usable = (voters <= self._last) & (own == contests) & places
        for i in np.flatnonzero(~usable):
            refused.append((positions[i], self._why(records[i])))
        kept = np.flatnonzero(usable).tolist()
        decisions = self._behaviour.decide([records[i] for i in kept]).tolist()
        ballots = [
            Ballot(positions[i], r.voter, r.contest, decision or None, r.location, r.gender, r.age_group)
            for i, r, decision in ((i, records[i], decision) for i, decision in zip(kept, decisions, strict=True))
            if decision >= 0
        ]
        return ballots, refused

    def _decoded(self, messages: list[Message]) -> tuple[list[int], list[VoterRecord], Refused]:
        positions, records, refused = [], [], []
        for position, message in enumerate(messages):
            try:
                record = _decode(message.value())
                if record.election != self._poll.election_no:
                    self._check_known(record.election)
                    continue
            except Unusable as why:
                refused.append((position, why))
                continue
            positions.append(position)
            records.append(record)
        return positions, records, refused

    def _check_known(self, election_no: int) -> None:
        if election_no not in self._known:
            self._known = self._elections()  # it may have been registered since
            if election_no not in self._known:
                raise Unusable("unknown_election", f"election {election_no} is not registered")

    def _elections(self) -> set[int]:
        known = {no for (no,) in self._connection.execute("SELECT election_no FROM elections")}
        self._connection.commit()
        return known

    def _why(self, record: VoterRecord) -> Unusable:
        if record.voter > self._last:
            return Unusable("unknown_voter", "no voter of the election has this number")
        if record.contest not in self._contest_no:
            return Unusable("unknown_contest", f"the election has no contest {record.contest}")
        if record.location not in self._locations:
            return Unusable("wrong_type", f"the election has no location {record.location}")
        return Unusable("other_contest", f"the voter does not belong to contest {record.contest}")
