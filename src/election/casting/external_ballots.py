"""Turns records on ``ballots_topic``, which a feed writes, into ballots."""

from collections.abc import Sequence

from election.casting.patience import Outdated
from election.casting.records import Decoding, Refused
from election.casting.storing import Ballot
from election.contracts import topics
from election.contracts.ages import AGE_GROUP_SQL
from election.contracts.messages import ExternalBallot, Unusable
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election

_Voter = tuple[int, int, str, str]
"""contest, location, gender, age group"""


class ExternalBallots:
    """External ballots of one election. The offset decides whether a ballot is in time, because a feed cannot forge it.

    With ``again``, ballots from before the opening of the poll are accepted, as the person who replays them decided.
    """

    topic = topics.BALLOTS

    def __init__(self, connection: Connection, poll: Election, again: bool = False) -> None:
        self._connection, self._again = connection, again
        self._decoded = Decoding(connection, poll, ExternalBallot, again)
        self._standing = self._read_standing(poll)
        self._contests = {contest for contest, _ in self._standing}
        unopposed = "SELECT contest_no FROM contests WHERE election_no = %s AND unopposed"
        self._unopposed = {contest for (contest,) in connection.execute(unopposed, [poll.election_no])}

    def ballots(self, records: Sequence[Origin], poll: Election) -> tuple[list[Ballot], Refused]:
        """The ballots that are in time and whose voter, contest and candidate belong together."""
        positions, decoded, refused = self._decoded(records)
        strange = any((b.contest, b.candidate) not in self._standing for b in decoded if b.candidate is not None)
        if strange and self._read_standing(poll) != self._standing:
            # The next attempt at the batch reads the election again.
            raise Outdated(f"The contests or candidates of {poll.slug} were changed.")
        voters = self._voters(poll.election_no, [ballot.voter for ballot in decoded])
        taken = []
        for position, ballot in zip(positions, decoded, strict=True):
            try:
                self._check_time(records[position], poll)
                contest, location, gender, age_group = self._checked(ballot, voters)
            except Unusable as why:
                refused.append((position, why))
                continue
            taken.append(
                Ballot(
                    position=position,
                    voter=ballot.voter,
                    contest=contest,
                    candidate=ballot.candidate,
                    location=location,
                    gender=gender,
                    age_group=age_group,
                )
            )
        return taken, refused

    def _read_standing(self, poll: Election) -> set[tuple[int, int | None]]:
        """(contest, candidate), with None in a contest without one."""
        rows = self._connection.execute(
            """SELECT contest_no, candidate_no FROM contests LEFT JOIN candidates USING (election_no, contest_no)
               WHERE election_no = %s""",
            [poll.election_no],
        )
        return set(rows)

    def _check_time(self, record: Origin, poll: Election) -> None:
        partition, offset = str(record.partition()), record.offset() or 0
        if poll.ballots_to is not None and offset >= poll.ballots_to.get(partition, 0):
            raise Unusable("late", "the poll was closed when the ballot came")
        if not self._again and offset < (poll.ballots_open or {}).get(partition, 0):
            raise Unusable("not_open", "the poll was not open when the ballot came")

    def _checked(self, ballot: ExternalBallot, voters: dict[int, _Voter]) -> _Voter:
        voter = voters.get(ballot.voter)
        if voter is None:
            raise Unusable("unknown_voter", "no voter of the election has this number")
        if ballot.contest not in self._contests:
            raise Unusable("unknown_contest", f"the election has no contest {ballot.contest}")
        if ballot.contest in self._unopposed:
            raise Unusable("unknown_contest", f"no poll is held in contest {ballot.contest}: one person stands alone")
        if voter[0] != ballot.contest:
            raise Unusable("other_contest", f"the voter does not belong to contest {ballot.contest}")
        if ballot.candidate is not None and (ballot.contest, ballot.candidate) not in self._standing:
            raise Unusable("unknown_candidate", f"contest {ballot.contest} has no candidate {ballot.candidate}")
        return voter

    def _voters(self, election_no: int, numbers: list[int]) -> dict[int, _Voter]:
        """The fields of the batch's voters that ballots carry, by voter number."""
        rows = self._connection.execute(
            f"""SELECT voter_no, contest_no, location_no, gender, {AGE_GROUP_SQL}
                FROM voters JOIN elections USING (election_no) WHERE election_no = %s AND voter_no = ANY(%s)""",
            [election_no, numbers],
        )
        return {voter: (contest, *person) for voter, contest, *person in rows}
