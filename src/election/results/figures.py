"""The figures of a result, from where they are: the counted topics, or the frozen tables of a certified election."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from election.contracts import topics
from election.messaging.aggregates import folded
from election.outcome import Count, How
from election.platform import Connection, Platform
from election.storage.public import certified_districts, certified_outcome, elected
from election.storage.races import district_ids, empty_districts
from election.tallied import count_of


@dataclass(frozen=True)
class Figures:
    """What ``election.outcome`` decides from, and valid votes by contest number.

    ``elected`` is how each was elected, by contest and line, and ``outcome`` the whole record, as they were certified;
    None where that is not frozen.
    """

    count: Count
    valid: dict[int, int]
    elected: dict[int, dict[int, How]] | None = None
    outcome: dict[str, Any] | None = None


def counted(platform: Platform, connection: Connection, election_no: int, *, over: bool) -> Figures:
    """What the aggregated topics say."""
    found = folded(platform.kafka, election_no).election(election_no)
    valid: Counter[int] = Counter()
    for total in found[topics.BALLOTS_PER_CONTEST]:
        if total.validity == "valid":
            valid[total.contest] += total.votes
    names = district_ids(connection, election_no)
    return Figures(count_of(found, empty_districts(connection, election_no), names, over=over), valid)


def certified(connection: Connection, election_no: int) -> Figures:
    """What was frozen when the election was certified."""
    votes = connection.execute(
        "SELECT candidate_no, votes FROM certified_results WHERE election_no = %s", [election_no]
    )
    contests = connection.execute(
        "SELECT contest_no, valid, invalid FROM certified_contests WHERE election_no = %s", [election_no]
    ).fetchall()
    names = district_ids(connection, election_no)
    divided = {
        contest: {names[district]: own for district, own in districts.items()}
        for contest, districts in certified_districts(connection, election_no).items()
    }
    return Figures(
        Count(dict(votes.fetchall()), {no: invalid for no, _, invalid in contests}, {}, divided, over=True),
        {no: valid for no, valid, _ in contests},
        elected(connection, election_no),
        certified_outcome(connection, election_no),
    )
