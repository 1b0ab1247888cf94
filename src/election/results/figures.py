"""The figures of a result, from where they are: the counted topics, or the frozen tables of a certified election."""

from dataclasses import dataclass

from election.contracts import topics
from election.messaging.aggregates import folded
from election.outcome import How
from election.platform import Connection, Platform
from election.storage.public import elected


@dataclass(frozen=True)
class Figures:
    """Votes by the number of the candidate's line; ballots by contest number and ``valid`` or ``invalid``.

    ``elected`` is how each was elected, by contest and line, as it was certified; None where that is not frozen.
    """

    votes: dict[int, int]
    ballots: dict[tuple[int, str], int]
    elected: dict[int, dict[int, How]] | None = None


def counted(platform: Platform, election_no: int) -> Figures:
    """What the aggregated topics say."""
    totals = folded(platform.kafka, election_no)
    found = totals.election(election_no)
    return Figures(
        {total.candidate: total.votes for total in found[topics.VOTES_PER_CANDIDATE]},
        {(total.contest, total.validity): total.votes for total in found[topics.BALLOTS_PER_CONTEST]},
    )


def certified(connection: Connection, election_no: int) -> Figures:
    """What was frozen when the election was certified."""
    votes = connection.execute(
        "SELECT candidate_no, votes FROM certified_results WHERE election_no = %s", [election_no]
    )
    contests = connection.execute(
        "SELECT contest_no, valid, invalid FROM certified_contests WHERE election_no = %s", [election_no]
    )
    return Figures(
        dict(votes.fetchall()),
        {(no, kind): n for no, *both in contests for kind, n in zip(("valid", "invalid"), both, strict=True)},
        elected(connection, election_no),
    )
