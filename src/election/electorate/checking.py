"""Proves that an electorate is complete before it is published."""

from election.contracts.ages import BY_BIRTH, OF_AGE, bounds_of_births
from election.errors import StageFailed
from election.platform import Connection, Platform
from election.storage.elections import Election, election


def check_electorate(platform: Platform, slug: str) -> dict[str, int]:
    """Counts candidates and voters against contests and districts, and keeps registered_counts for readers of turnout.

    Returns {"contests", "candidates", "voters", "locations"} (numbers of rows). Raises StageFailed with the figures
    that are wrong; then registered_counts is left empty. Repeating it changes nothing.
    """
    with platform.connect("app") as connection:
        poll = election(connection, slug)
        wrong = [*_candidates(connection, poll), *_districts(connection, poll), *_voters(connection, poll)]
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
                      (SELECT sum(registered)::bigint FROM districts WHERE election_no = %(election)s),
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


def _districts(connection: Connection, poll: Election) -> list[str]:
    """Contests and districts whose figures do not add up: registered voters, and the official votes of a replay."""
    contests = connection.execute(
        """SELECT contest_id, registered, official_valid + official_invalid, own, voted
           FROM contests JOIN (
               SELECT contest_no, sum(registered)::bigint AS own
               FROM papers JOIN districts USING (election_no, district_no)
               WHERE election_no = %(no)s GROUP BY contest_no
           ) AS districts USING (contest_no) LEFT JOIN (
               SELECT contest_no, sum(votes)::bigint AS voted FROM official_results
               WHERE election_no = %(no)s GROUP BY contest_no
           ) AS results USING (contest_no)
           WHERE election_no = %(no)s
                 AND (own <> registered OR voted IS DISTINCT FROM official_valid + official_invalid)
           ORDER BY contest_no""",
        {"no": poll.election_no},
    ).fetchall()
    districts = connection.execute(
        """SELECT district_id, min(voted), max(voted) FROM districts JOIN (
               SELECT district_no, contest_no, sum(votes)::bigint AS voted FROM official_results
               WHERE election_no = %(no)s GROUP BY district_no, contest_no
           ) AS results USING (district_no) JOIN papers USING (election_no, district_no, contest_no)
           WHERE election_no = %(no)s GROUP BY district_no, district_id HAVING min(voted) <> max(voted)
           ORDER BY district_no""",
        {"no": poll.election_no},
    ).fetchall()
    return [
        f"contest {contest_id} has {registered:,} registered voters, its districts {own:,}"
        for contest_id, registered, _, own, _ in contests
        if own != registered
    ] + [
        f"contest {contest_id} has {official or 0:,} official ballots, its districts {voted or 0:,}"
        for contest_id, _, official, _, voted in contests
        if voted != official
    ] + [
        f"district {district_id} has from {least:,} to {most:,} official ballots in its contests"
        for district_id, least, most in districts
    ]  # fmt: skip


def _voters(connection: Connection, poll: Election) -> list[str]:
    """Counts the voters; tells districts with more or fewer of them than registered, and minors."""
    if poll.state != "certified":  # then they were counted, and stay as they are
        _count(connection, poll)
    wrong = [
        f"district {district_id} has {stored:,} of {registered:,} registered voters"
        for district_id, stored, registered in connection.execute(
            """SELECT district_id, coalesce(counted.registered, 0), districts.registered
               FROM districts LEFT JOIN registered_counts AS counted
               ON counted.election_no = districts.election_no AND dimension = 'district' AND member = district_no::text
               WHERE districts.election_no = %s AND counted.registered IS DISTINCT FROM districts.registered
               ORDER BY district_no""",
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

    Places, genders and age groups are the base of the turnout: voters of districts without a poll are not in them. A
    minor counts in the youngest group here; then the electorate is refused.
    """
    no_poll = [
        district
        for (district,) in connection.execute(
            """SELECT district_no FROM districts LEFT JOIN papers USING (election_no, district_no)
               WHERE election_no = %s AND papers.position IS NULL""",
            [poll.election_no],
        )
    ]
    connection.execute("DELETE FROM registered_counts WHERE election_no = %s", [poll.election_no])
    connection.execute(
        """INSERT INTO registered_counts (election_no, dimension, member, registered)
           SELECT %(election)s,
                  CASE WHEN grouping(district_no) = 0 THEN 'district' WHEN grouping(location_no) = 0 THEN 'location'
                       WHEN grouping(gender) = 0 THEN 'gender' ELSE 'age_group' END,
                  coalesce(district_no::text, location_no::text, gender, (%(groups)s::text[])[age + 1]),
                  count(*)
           FROM (SELECT district_no, location_no, gender, width_bucket(date_of_birth, %(births)s::date[]) AS age
                 FROM voters WHERE election_no = %(election)s AND district_no <> ALL(%(no_poll)s::int[])) AS voters
           GROUP BY GROUPING SETS ((district_no), (location_no), (gender), (age))""",
        {
            "election": poll.election_no,
            "groups": list(BY_BIRTH),
            "no_poll": no_poll,
            "births": bounds_of_births(poll.polling_day)[:-1],
        },
    )
    connection.execute(
        """INSERT INTO registered_counts (election_no, dimension, member, registered)
           SELECT election_no, 'district', district_no::text, count(*) FROM voters
           WHERE election_no = %s AND district_no = ANY(%s::int[]) GROUP BY election_no, district_no""",
        [poll.election_no, no_poll],
    )
