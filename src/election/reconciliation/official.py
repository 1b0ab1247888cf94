"""Compares the counted votes of a replay with the official result, district by district."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter

from election.contracts import topics
from election.platform import Connection
from election.storage.elections import Election
from election.totals import Totals

Compared = tuple[str, str, int, int]
"""What is compared, where, the official figure and ours."""

# A contest with the name of its district needs no second name.
_WHERE = "CASE WHEN c.name = d.name THEN c.name ELSE c.name || ' in ' || d.name END"


def official_figures(
    connection: Connection, totals: Totals, poll: Election, voters: Mapping[int, int]
) -> Iterator[Compared]:
    """Official figures of a replay beside the counted ones; ``voters`` are the stored voters by district number.

    An election with ballots from a feed is not a replay, although its scenario may have official figures.
    """
    if poll.kind == "replay" and poll.ballots != "external":
        yield from _registered(connection, poll, voters)
        yield from _contests(connection, totals, poll, voters)
        yield from _votes(connection, totals, poll)
        yield from _rankings(connection, totals, poll)


def _registered(connection: Connection, poll: Election, voters: Mapping[int, int]) -> Iterator[Compared]:
    for no, name, registered in connection.execute(
        """SELECT district_no, name || ' (' || district_id || ')', registered FROM districts
           WHERE election_no = %s ORDER BY 1""",
        [poll.election_no],
    ):
        yield "official registered", name, registered, voters.get(no, 0)


def _contests(connection: Connection, totals: Totals, poll: Election, voters: Mapping[int, int]) -> Iterator[Compared]:
    """Figures of contests that are not the sums over their districts: those are compared district by district."""
    counted: Counter[tuple[int, str]] = Counter()
    for total in totals.election(poll.election_no)[topics.BALLOTS_PER_CONTEST]:
        counted[total.contest, total.validity] += total.votes
    rows = connection.execute(
        """SELECT contest_no, name || ' (' || contest_id || ')', c.registered, official_valid, official_invalid,
                  sums.registered, sums.districts, valid, invalid
           FROM contests c
           LEFT JOIN (SELECT contest_no, sum(registered)::bigint AS registered, array_agg(district_no) AS districts
                      FROM papers JOIN districts USING (election_no, district_no)
                      WHERE election_no = %(no)s GROUP BY 1) AS sums USING (contest_no)
           LEFT JOIN (SELECT contest_no, sum(votes) FILTER (WHERE candidate_no IS NOT NULL)::bigint AS valid,
                             sum(votes) FILTER (WHERE candidate_no IS NULL)::bigint AS invalid
                      FROM official_results WHERE election_no = %(no)s GROUP BY 1) AS results USING (contest_no)
           WHERE election_no = %(no)s AND NOT unopposed ORDER BY contest_no""",
        {"no": poll.election_no},
    )
    for contest, name, registered, valid, invalid, own, districts, votes, spoilt in rows:
        if registered != own:
            yield "official registered", name, registered, sum(voters.get(no, 0) for no in districts or ())
        if valid not in (None, votes):
            yield "official valid", name, valid, counted[contest, "valid"]
        if invalid not in (None, spoilt):
            yield "official invalid", name, invalid, counted[contest, "invalid"]


def _votes(connection: Connection, totals: Totals, poll: Election) -> Iterator[Compared]:
    """The votes of every candidate, and the valid and invalid ones, in every contest of every district."""
    counted = totals.election(poll.election_no)
    votes = {(t.district, t.contest, t.candidate): t.votes for t in counted[topics.VOTES_PER_CANDIDATE]}
    ballots = {(t.district, t.contest, t.validity): t.votes for t in counted[topics.BALLOTS_PER_CONTEST]}
    rows = connection.execute(
        f"""SELECT district_no, contest_no, {_WHERE}, contest_id, candidate_no,
                   btrim(given_name || ' ' || family_name), votes
            FROM official_results JOIN districts d USING (election_no, district_no)
            JOIN contests c USING (election_no, contest_no)
            LEFT JOIN candidates USING (election_no, contest_no, candidate_no)
            WHERE election_no = %s ORDER BY district_no, contest_no, candidate_no""",
        [poll.election_no],
    )
    for (district, contest, where, contest_id), results in groupby(rows, itemgetter(0, 1, 2, 3)):
        valid, invalid = 0, None
        for *_, candidate, name, official in results:
            if candidate is None:
                invalid = official
                continue
            valid += official
            yield "official votes", f"{name} in {where}", official, votes.get((district, contest, candidate), 0)
        of_contest = f"{where} ({contest_id})"
        yield "official valid", of_contest, valid, ballots.get((district, contest, "valid"), 0)
        if invalid is not None:
            yield "official invalid", of_contest, invalid, ballots.get((district, contest, "invalid"), 0)


def _rankings(connection: Connection, totals: Totals, poll: Election) -> Iterator[Compared]:
    """The ballots of every ranking, in contests with official rankings."""
    names: dict[tuple[int, int], str] = {}
    official: dict[tuple[int, int, str], int] = {}
    for district, contest, where, ranking, ballots in connection.execute(
        f"""SELECT district_no, contest_no, {_WHERE}, array_to_string(ranking, ','), votes
            FROM official_rankings JOIN districts d USING (election_no, district_no)
            JOIN contests c USING (election_no, contest_no) WHERE election_no = %s""",
        [poll.election_no],
    ):
        names[district, contest] = where
        official[district, contest, ranking] = ballots
    counted = {
        (total.district, total.contest, total.ranking): total.votes
        for total in totals.election(poll.election_no)[topics.VOTES_PER_RANKING]
        if (total.district, total.contest) in names
    }
    for key in sorted(official.keys() | counted.keys()):
        what = f"{key[2]} in {names[key[:2]]}"
        yield "official ballots with the ranking", what, official.get(key, 0), counted.get(key, 0)
