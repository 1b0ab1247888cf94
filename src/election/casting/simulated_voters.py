"""Turns records on ``voters_topic`` into votes: checks the voters and simulates their decisions."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

import numpy as np

from election import behaviour
from election.behaviour import Choices
from election.casting.records import Decoding, Refused
from election.casting.storing import Vote
from election.contracts import topics
from election.contracts.messages import Unusable, VoterDecoder, VoterRecord
from election.contracts.topics import MAX_RECORD_BYTES
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election


class SimulatedVoters:
    """Offers the ballot to the voters of one election and decides for them. ``again`` as in ``Decoding``."""

    topic = topics.VOTERS

    def __init__(self, connection: Connection, poll: Election, again: bool = False) -> None:
        self._decoded = Decoding(connection, poll, VoterDecoder(MAX_RECORD_BYTES), again)
        self._behaviour = behaviour.load(connection, poll.election_no)
        districts = connection.execute(
            """SELECT district_no, first_voter_no, registered FROM districts
               WHERE election_no = %s ORDER BY first_voter_no""",
            [poll.election_no],
        ).fetchall()
        self._district_no, self._first, registered = (
            np.array(column, np.int64) for column in zip(*districts, strict=True)
        )
        self._last = int(self._first[-1] + registered[-1] - 1)
        self._locations = {
            no
            for (no,) in connection.execute(
                "SELECT location_no FROM locations WHERE election_no = %s", [poll.election_no]
            )
        }

    def votes(self, records: Sequence[Origin], poll: Election) -> tuple[list[Vote], Refused]:
        """The votes of the voters who vote, and the refused records with their reasons."""
        places, voters, refused = self._decoded(records)
        if not voters:
            return [], refused
        numbers = np.array([voter.voter for voter in voters], np.int64)
        districts = np.array([voter.district for voter in voters], np.int64)
        own = self._district_no[np.clip(np.searchsorted(self._first, numbers, "right") - 1, 0, None)]
        located = np.array([voter.location in self._locations for voter in voters])
        usable = (numbers <= self._last) & (own == districts) & located
        if not usable.all():
            refused += [(places[i], self._why(voters[i])) for i in np.flatnonzero(~usable)]
            kept = np.flatnonzero(usable).tolist()
            places, voters = [places[i] for i in kept], [voters[i] for i in kept]
        chosen = self._behaviour.decide(voters)
        by_position = [self._at(position, choices, places, voters) for position, choices in enumerate(chosen, 1)]
        votes = by_position[0]
        if len(by_position) > 1:
            votes = sorted(chain.from_iterable(by_position), key=attrgetter("record"))
        return votes, refused

    def _at(self, position: int, choices: Choices, places: Sequence[int], voters: Sequence[VoterRecord]) -> list[Vote]:
        """The votes at one position of the ballot papers, in the order of the records."""
        contest = self._behaviour.contests[position - 1]
        candidates = choices.candidate.tolist()
        return [
            Vote(
                record=place,
                voter=r.voter,
                district=r.district,
                position=position,
                contest=contest[r.district],
                candidate=candidate or None,
                ranking=ranking,
                location=r.location,
                gender=r.gender,
                age_group=r.age_group,
            )
            for place, r, candidate, ranking in zip(places, voters, candidates, choices.ranked(), strict=True)
            if candidate >= 0
        ]

    def _why(self, record: VoterRecord) -> Unusable:
        if record.voter > self._last:
            return Unusable("unknown_voter", "no voter of the election has this number")
        if record.district not in self._district_no:
            return Unusable("unknown_contest", f"the election has no district {record.district}")
        if record.location not in self._locations:
            return Unusable("wrong_type", f"the election has no location {record.location}")
        return Unusable("other_contest", f"the voter does not belong to district {record.district}")
