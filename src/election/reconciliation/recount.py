"""The recount: counts the ballots of a certified election again, in two ways, and compares them with the result."""

from election.errors import StageFailed
from election.messaging.rejected import rejected
from election.outcome import Rules, decide
from election.platform import Connection, Platform
from election.reconciliation.ballots import Tally, compare_ballots
from election.reconciliation.verdict import Difference, Verdict, ballot_differences
from election.storage.elections import Election, election, read_whole_elections
from election.storage.races import lots, races

_LISTED = 50


def recount(platform: Platform, slug: str) -> Verdict:
    """Counts from the votes table and, ballot by ballot, from ``votes_topic``; in constant memory, writing nothing.

    ``ok`` means that the certified result stands: both counts equal it, and both have the same ballots. ``counted`` is
    the number of ballots on the topic. Raises StageFailed unless the election is certified.
    """
    with platform.connect("auditor") as connection:
        read_whole_elections(connection)
        poll = election(connection, slug)
        if poll.state != "certified":
            raise StageFailed(
                f"{slug} is {poll.state}: only a certified result can be recounted. `election reconcile {slug}` "
                "compares what is counted so far."
            )
        frozen, stored = _frozen(connection, poll), _stored(connection, poll)
        registered = sum(_registered(connection, poll).values())
        comparison = compare_ballots(platform, connection, poll, tally=True)
        names = _names(connection, poll)
        elected = _elected(connection, poll, stored)
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
        "recount",
        comparison.quarantined,
    )


def _against(frozen: Tally, again: Tally, what: str, names: dict[tuple[int, int], str]) -> list[Difference]:
    """Every total that differs from the certified one."""
    return [
        Difference(
            what, names.get(key, f"candidate {key[1]} in contest {key[0]}"), frozen.get(key, 0), again.get(key, 0)
        )
        for key in sorted(frozen.keys() | again.keys())
        if frozen.get(key, 0) != again.get(key, 0)
    ][:_LISTED]


def _elected(connection: Connection, poll: Election, stored: Tally) -> list[Difference]:
    """Contests whose stored ballots elect other people than the certified ones.

    An older certification may have frozen no winners; then nothing is compared.
    """
    certified: dict[int, list[tuple[int, str]]] = {}
    for contest, candidate, how in connection.execute(
        "SELECT contest_no, candidate_no, how FROM certified_elected WHERE election_no = %s ORDER BY position",
        [poll.election_no],
    ):
        certified.setdefault(contest, []).append((candidate, how))
    if not certified:
        return []
    votes = {candidate: number for (_, candidate), number in stored.items() if candidate}
    rules, drawn = Rules.of(poll.parameters), lots(connection, poll.election_no)
    found = []
    for race in races(connection, poll.election_no):
        outcome = decide(race, votes, rules, over=True, drawn=drawn.get(race.number))
        again = [(elected.contender.number, elected.how) for elected in outcome.elected]
        if again != certified.get(race.number, []):
            what = [", ".join(f"candidate {no} by {how}" for no, how in who) or "no candidate" for who in
                    (certified.get(race.number, []), again)]  # fmt: skip
            found.append(Difference("elected in", f"contest {race.number}", *what))
    return found[:_LISTED]


def _frozen(connection: Connection, poll: Election) -> Tally:
    rows = connection.execute(
        """SELECT contest_no, candidate_no, votes FROM certified_results WHERE election_no = %(no)s
           UNION ALL SELECT contest_no, 0, invalid FROM certified_contests WHERE election_no = %(no)s""",
        {"no": poll.election_no},
    )
    return {(contest, candidate): votes for contest, candidate, votes in rows}


def _stored(connection: Connection, poll: Election) -> Tally:
    rows = connection.execute(
        """SELECT contest_no, coalesce(candidate_no, 0), count(*) FROM votes WHERE election_no = %s GROUP BY 1, 2""",
        [poll.election_no],
    )
    return {(contest, candidate): votes for contest, candidate, votes in rows}


def _registered(connection: Connection, poll: Election) -> dict[int, int]:
    rows = connection.execute(
        "SELECT contest_no, registered FROM certified_contests WHERE election_no = %s", [poll.election_no]
    )
    return dict(rows.fetchall())


def _names(connection: Connection, poll: Election) -> dict[tuple[int, int], str]:
    rows = connection.execute(
        """SELECT contest_no, candidate_no, candidate || ' in ' || c.name
           FROM certified_results r JOIN certified_contests c USING (election_no, contest_no)
           WHERE election_no = %(no)s
           UNION ALL SELECT contest_no, 0, 'no candidate (invalid) in ' || name FROM certified_contests
           WHERE election_no = %(no)s""",
        {"no": poll.election_no},
    )
    return {(contest, candidate): name for contest, candidate, name in rows}
