"""The recount: counts the ballots of a certified election again, in two ways, and compares them with the result."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from election.errors import StageFailed
from election.messaging.rejected import rejected
from election.outcome import decide_whole, rules_of
from election.platform import Connection, Platform
from election.reconciliation.ballots import Tally, compare_ballots
from election.reconciliation.verdict import Difference, Verdict, ballot_differences
from election.storage.elections import Election, election, read_whole_elections
from election.storage.expected import DISTRICT_SQL
from election.storage.races import lots, races, stored_count

_LISTED = 50
_WHOLE = 0
"""Stands for all districts of a contest, in the place of a district's number."""


def recount(platform: Platform, slug: str) -> Verdict:
    """Counts from the votes table and, ballot by ballot, from ``votes_topic``; in constant memory, writing nothing.

    ``ok`` means that the certified result stands: both counts equal it, and both have the same ballots. ``counted`` is
    the number of votes on the topic. Raises StageFailed unless the election is certified.
    """
    with platform.connect("auditor") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        if poll.state != "certified":
            raise StageFailed(
                f"{slug} is {poll.state}: only a certified result can be recounted. `election reconcile {slug}` "
                "compares what is counted so far."
            )
        frozen, (stored, voted) = _frozen(connection, poll), _stored(connection, poll)
        registered = _registered(connection, poll)
        comparison = compare_ballots(platform, connection, poll, tally=True)
        names = _names(connection, poll)
        elected = _elected(connection, poll)
    published = comparison.claimed or {}
    differences = (
        *ballot_differences(comparison),
        *_against(frozen, stored, "stored ballots for", names),
        *_against(frozen, published, "ballots on votes_topic for", names),
        *elected,
    )
    refused = sum(1 for _ in rejected(platform, poll.election_no))
    counted = sum(published.values())
    return Verdict(
        not differences,
        registered,
        sum(stored.values()),
        comparison.published,
        counted,
        refused,
        differences,
        voted,
        "recount",
        comparison.quarantined,
    )


class _Names(NamedTuple):
    """Names of lines by contest and candidate, and of districts by number."""

    lines: dict[tuple[int, int], str]
    districts: dict[int, str]

    def of(self, district: int, contest: int, candidate: int) -> str:
        line = self.lines.get((contest, candidate), f"candidate {candidate} in contest {contest}")
        return line if district == _WHOLE else f"{line}, {self.districts.get(district, f'district {district}')}"


def _against(frozen: Tally, ballots: Tally, what: str, names: _Names) -> list[Difference]:
    """Totals that differ from the certified ones: those of contests first, then those of districts."""
    again = _as_frozen(frozen, ballots)
    return [
        Difference(what, names.of(*key), frozen.get(key, 0), again.get(key, 0))
        for key in sorted(frozen.keys() | again.keys(), key=lambda key: (key[0] != _WHOLE, key))
        if frozen.get(key, 0) != again.get(key, 0)
    ][:_LISTED]


def _as_frozen(frozen: Tally, ballots: Tally) -> Tally:
    """The ballots by contest, and also by district in the contests whose districts were certified apart."""
    divided = {contest for district, contest, _ in frozen if district != _WHOLE}
    again = Counter[tuple[int, int, int]]()
    for (district, contest, candidate), number in ballots.items():
        again[_WHOLE, contest, candidate] += number
        if contest in divided:
            again[district, contest, candidate] += number
    return again


def _elected(connection: Connection, poll: Election) -> list[Difference]:
    """Contests whose stored votes elect others than the certified ones, or the same in another order or way.

    An older certification may have frozen no winners; then nothing is compared.
    """
    no = poll.election_no
    certified: dict[int, list[tuple[int, str, int, str]]] = {}
    for contest, *one in connection.execute(
        """SELECT contest_no, candidate_no, how, seats, district FROM certified_elected WHERE election_no = %s
           ORDER BY position""",
        [no],
    ):
        certified.setdefault(contest, []).append(tuple(one))
    if not certified:
        return []
    count = stored_count(connection, no, over=True)
    whole = decide_whole(races(connection, no), count, rules_of(poll.parameters), lots=lots(connection, no))
    found = []
    for outcome in whole.outcomes:
        again = [(one.contender.number, one.how, one.seats, one.district) for one in outcome.elected]
        before = certified.get(outcome.race.number, [])
        if again != before:
            found.append(Difference("elected in", f"contest {outcome.race.number}", _who(before), _who(again)))
    return found[:_LISTED]


def _who(elected: Sequence[tuple[int, str, int, str]]) -> str:
    named = [
        f"candidate {number} by {how}{f' ({seats} seats)' if seats > 1 else ''}{f' in {place}' if place else ''}"
        for number, how, seats, place in elected
    ]
    return ", ".join(named) or "no candidate"


def _frozen(connection: Connection, poll: Election) -> Tally:
    rows = connection.execute(
        """SELECT %(whole)s, contest_no, candidate_no, votes FROM certified_results WHERE election_no = %(no)s
           UNION ALL SELECT %(whole)s, contest_no, 0, invalid FROM certified_contests WHERE election_no = %(no)s
           UNION ALL SELECT district_no, contest_no, coalesce(candidate_no, 0), votes FROM certified_district_results
           WHERE election_no = %(no)s""",
        {"no": poll.election_no, "whole": _WHOLE},
    )
    return {(district, contest, candidate): votes for district, contest, candidate, votes in rows}


def _stored(connection: Connection, poll: Election) -> tuple[Tally, int]:
    """The stored votes, and how many of them are at position 1."""
    rows = connection.execute(
        f"""SELECT coalesce({DISTRICT_SQL}, -1), contest_no, coalesce(candidate_no, 0), count(*),
                   count(*) FILTER (WHERE position = 1)
            FROM votes WHERE election_no = %(no)s GROUP BY 1, 2, 3""",
        {"no": poll.election_no},
    ).fetchall()
    stored = {(district, contest, candidate): votes for district, contest, candidate, votes, _ in rows}
    return stored, sum(first for *_, first in rows)


def _registered(connection: Connection, poll: Election) -> int:
    (registered,) = connection.execute(
        "SELECT coalesce(sum(registered), 0)::bigint FROM districts WHERE election_no = %s", [poll.election_no]
    ).fetchone() or (0,)
    return int(registered)


def _names(connection: Connection, poll: Election) -> _Names:
    lines = connection.execute(
        """SELECT contest_no, candidate_no, candidate || ' in ' || c.name
           FROM certified_results r JOIN certified_contests c USING (election_no, contest_no)
           WHERE election_no = %(no)s
           UNION ALL SELECT contest_no, 0, 'no candidate (invalid) in ' || name FROM certified_contests
           WHERE election_no = %(no)s""",
        {"no": poll.election_no},
    )
    districts = connection.execute(
        "SELECT district_no, 'district ' || name FROM districts WHERE election_no = %s", [poll.election_no]
    )
    return _Names({(contest, candidate): name for contest, candidate, name in lines}, dict(districts.fetchall()))
