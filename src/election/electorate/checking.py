"""Proves that an electorate is complete before it is published."""

from election.contracts.ages import BY_BIRTH, OF_AGE, bounds_of_births
from election.errors import StageFailed
from election.platform import Connection, Platform
from election.storage.elections import Election, election


def check_electorate(platform: Platform, slug: str) -> dict[str, int]:
    """Counts candidates and voters against the contests, and keeps registered_counts for the readers of turnout.

    Returns {"contests", "candidates", "voters", "locations"} (numbers of rows). Raises StageFailed with the figures
    that are wrong; then registered_counts is left empty. Repeating it changes nothing.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        wrong = [*_candidates(connection, poll), *_voters(connection, poll)]
        if wrong:
            if poll.state != "certified":
                connection.execute("DELETE FROM registered_counts WHERE election_no = %s", [poll.election_no])
            connection.commit()
            raise StageFailed(
                f"The electorate of {slug} is not what it must be: {'; '.join(wrong[:10])}"
                + (f"; and {len(wrong) - 10} more" if len(wrong) > 10 else "")
                + f". Nothing is published. Clear the electorate's tasks, or run `election seed {slug}`."
            )
        row = connection.execute(
            """SELECT (SELECT count(*) FROM contests WHERE election_no = %(election)s),
                      (SELECT count(*) FROM candidates WHERE election_no = %(election)s),
                      (SELECT sum(registered)::bigint FROM contests WHERE election_no = %(election)s),
                      (SELECT count(*) FROM locations WHERE election_no = %(election)s)""",
            {"election": poll.election_no},
        ).fetchone()
        return dict(zip(("contests", "candidates", "voters", "locations"), row or (), strict=True))


def _candidates(connection: Connection, poll: Election) -> list[str]:
    """Contests without candidates, or whose candidates' official votes do not add up."""
    rows = connection.execute(
        """SELECT contest_id, count(candidate_no), sum(official_votes), official_valid
           FROM contests LEFT JOIN candidates USING (election_no, contest_no)
           WHERE election_no = %s
           GROUP BY contest_no, contest_id, official_valid
           HAVING count(candidate_no) = 0 OR sum(official_votes) IS DISTINCT FROM official_valid
           ORDER BY contest_no""",
        [poll.election_no],
    )
    return [
        f"contest {contest_id} has {number} candidates"
        + ("" if valid is None else f" with {votes or 0:,} official votes instead of {valid:,}")
        for contest_id, number, votes, valid in rows
    ]


def _voters(connection: Connection, poll: Election) -> list[str]:
    """Counts the voters; tells contests with more or fewer of them than registered, and minors."""
    if poll.state != "certified":  # then they were counted, and stay as they are
        _count(connection, poll)
    wrong = [
        f"contest {contest_id} has {stored:,} of {registered:,} registered voters"
        for contest_id, stored, registered in connection.execute(
            """SELECT contest_id, coalesce(counted.registered, 0), contests.registered
               FROM contests LEFT JOIN registered_counts AS counted
               ON counted.election_no = contests.election_no AND dimension = 'contest' AND member = contest_no::text
               WHERE contests.election_no = %s AND counted.registered IS DISTINCT FROM contests.registered
               ORDER BY contest_no""",
            [poll.election_no],
        )
    ]
    minors = connection.execute(
        "SELECT count(*) FROM voters WHERE election_no = %s AND date_of_birth >= %s",
        [poll.election_no, bounds_of_births(poll.polling_day)[-1]],
    ).fetchone()
    if minors and minors[0]:
        wrong.append(f"{minors[0]:,} voters are younger than {OF_AGE} on {poll.polling_day}")
    return wrong


def _count(connection: Connection, poll: Election) -> None:
    """Refills registered_counts, in one pass over the voters.

    Places, genders and age groups are the base of the turnout: voters of contests without a poll are not in them. A
    minor counts in the youngest group here; then the electorate is refused.
    """
    unopposed = [
        contest
        for (contest,) in connection.execute(
            "SELECT contest_no FROM contests WHERE election_no = %s AND unopposed", [poll.election_no]
        )
    ]
    connection.execute("DELETE FROM registered_counts WHERE election_no = %s", [poll.election_no])
    connection.execute(
        """INSERT INTO registered_counts (election_no, dimension, member, registered)
           SELECT %(election)s,
                  CASE WHEN grouping(contest_no) = 0 THEN 'contest' WHEN grouping(location_no) = 0 THEN 'location'
                       WHEN grouping(gender) = 0 THEN 'gender' ELSE 'age_group' END,
                  coalesce(contest_no::text, location_no::text, gender, (%(groups)s::text[])[age + 1]),
                  count(*)
           FROM (SELECT contest_no, location_no, gender, width_bucket(date_of_birth, %(births)s::date[]) AS age
                 FROM voters WHERE election_no = %(election)s AND contest_no <> ALL(%(unopposed)s::int[])) AS voters
           GROUP BY GROUPING SETS ((contest_no), (location_no), (gender), (age))""",
        {
            "election": poll.election_no,
            "groups": list(BY_BIRTH),
            "unopposed": unopposed,
            "births": bounds_of_births(poll.polling_day)[:-1],
        },
    )
    connection.execute(
        """INSERT INTO registered_counts (election_no, dimension, member, registered)
           SELECT election_no, 'contest', contest_no::text, count(*) FROM voters
           WHERE election_no = %s AND contest_no = ANY(%s::int[]) GROUP BY election_no, contest_no""",
        [poll.election_no, unopposed],
    )
