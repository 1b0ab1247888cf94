"""Turns records on ``ballots_topic``, which a feed writes, into votes."""

from collections.abc import Sequence

from election.casting.ballot_papers import BallotPapers
from election.casting.patience import Outdated
from election.casting.records import Decoding, Refused
from election.casting.storing import Vote
from election.contracts import topics
from election.contracts.ages import AGE_GROUP_SQL
from election.contracts.messages import Decoder, ExternalBallot, Unusable
from election.contracts.topics import MAX_RECORD_BYTES
from election.messaging.rejected import Origin
from election.platform import Connection
from election.storage.elections import Election

_Voter = tuple[int, int, str, str]
"""district, location, gender, age group"""
_MAY_BE_NEW = {"unknown_contest", "other_contest", "unknown_candidate", "wrong_ranking", "wrong_ballot"}


class ExternalBallots:
    """External ballots of one election. The offset decides whether a ballot is in time, because a feed cannot forge it.

    With ``again``, ballots from before the opening of the poll are accepted, as the person who replays them decided.
    """

    topic = topics.BALLOTS

    def __init__(self, connection: Connection, poll: Election, again: bool = False) -> None:
        self._connection, self._again = connection, again
        self._decoded = Decoding(connection, poll, Decoder(ExternalBallot, MAX_RECORD_BYTES), again)
        self._papers = BallotPapers.read(connection, poll.election_no)

    def votes(self, records: Sequence[Origin], poll: Election) -> tuple[list[Vote], Refused]:
        """The votes of ballots that are in time and fit the ballot paper of their voter's district."""
        places, decoded, refused = self._decoded(records)
        voters = self._voters(poll.election_no, [ballot.voter for ballot in decoded])
        votes, unfit = list[Vote](), set[str]()
        for place, ballot in zip(places, decoded, strict=True):
            try:
                self._check_time(records[place], poll)
                votes += self._checked(place, ballot, voters.get(ballot.voter))
            except Unusable as why:
                refused.append((place, why))
                unfit.add(why.reason)
        if unfit & _MAY_BE_NEW and BallotPapers.read(self._connection, poll.election_no) != self._papers:
            # The next attempt at the batch reads the election again.
            raise Outdated(f"The contests or candidates of {poll.slug} were changed.")
        return votes, refused

    def _check_time(self, record: Origin, poll: Election) -> None:
        partition, offset = str(record.partition()), record.offset() or 0
        if poll.ballots_to is not None and offset >= poll.ballots_to.get(partition, 0):
            raise Unusable("late", "the poll was closed when the ballot came")
        if not self._again and offset < (poll.ballots_open or {}).get(partition, 0):
            raise Unusable("not_open", "the poll was not open when the ballot came")

    def _checked(self, place: int, ballot: ExternalBallot, voter: _Voter | None) -> list[Vote]:
        if voter is None:
            raise Unusable("unknown_voter", "no voter of the election has this number")
        district, location, gender, age_group = voter
        return [
            Vote(
                record=place,
                voter=ballot.voter,
                district=district,
                position=vote.position,
                contest=vote.contest,
                candidate=vote.candidate,
                ranking=vote.ranking,
                location=location,
                gender=gender,
                age_group=age_group,
            )
            for vote in self._papers.checked(ballot, district)
        ]

    def _voters(self, election_no: int, numbers: list[int]) -> dict[int, _Voter]:
        """The fields of the batch's voters that votes carry, by voter number."""
        rows = self._connection.execute(
            f"""SELECT voter_no, district_no, location_no, gender, {AGE_GROUP_SQL}
                FROM voters JOIN elections USING (election_no) WHERE election_no = %s AND voter_no = ANY(%s)""",
            [election_no, numbers],
        )
        return {voter: (district, *person) for voter, district, *person in rows}
