"""Turns records on ``voters_topic`` into ballots: checks the voters and simulates their decisions."""

from collections.abc import Sequence

import numpy as np

from election import behaviour
from election.casting.records import Decoding, Refused
from election.casting.storing import Ballot
from election.contracts import topics
from election.contracts.messages import Unusable, VoterRecord
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election


class SimulatedVoters:
    """Offers the ballot to the voters of one election and decides for them. ``again`` as in ``Decoding``."""

    topic = topics.VOTERS

    def __init__(self, connection: Connection, poll: Election, again: bool = False) -> None:
        self._decoded = Decoding(connection, poll, VoterRecord, again)
        self._behaviour = behaviour.load(connection, poll.election_no)
        contests = connection.execute(
            """SELECT contest_no, first_voter_no, registered FROM contests
               WHERE election_no = %s ORDER BY first_voter_no""",
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

    def ballots(self, records: Sequence[Origin], poll: Election) -> tuple[list[Ballot], Refused]:
        """The ballots of the voters who vote, and the refused records with their reasons."""
        positions, voters, refused = self._decoded(records)
        if not voters:
            return [], refused
        numbers = np.array([voter.voter for voter in voters], np.int64)
        contests = np.array([voter.contest for voter in voters], np.int64)
        own = self._contest_no[np.clip(np.searchsorted(self._first, numbers, "right") - 1, 0, None)]
        places = np.array([voter.location in self._locations for voter in voters])
        usable = (numbers <= self._last) & (own == contests) & places
        if not usable.all():
            refused += [(positions[i], self._why(voters[i])) for i in np.flatnonzero(~usable)]
            kept = np.flatnonzero(usable).tolist()
            positions, voters = [positions[i] for i in kept], [voters[i] for i in kept]
        decisions = self._behaviour.decide(voters).tolist()
        ballots = [
            Ballot(
                position=position,
                voter=r.voter,
                contest=r.contest,
                candidate=decision or None,
                location=r.location,
                gender=r.gender,
                age_group=r.age_group,
            )
            for position, r, decision in zip(positions, voters, decisions, strict=True)
            if decision >= 0
        ]
        return ballots, refused

    def _why(self, record: VoterRecord) -> Unusable:
        if record.voter > self._last:
            return Unusable("unknown_voter", "no voter of the election has this number")
        if record.contest not in self._contest_no:
            return Unusable("unknown_contest", f"the election has no contest {record.contest}")
        if record.location not in self._locations:
            return Unusable("wrong_type", f"the election has no location {record.location}")
        return Unusable("other_contest", f"the voter does not belong to contest {record.contest}")
