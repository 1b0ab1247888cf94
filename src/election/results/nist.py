"""An election's result as a report in the format of NIST SP 1500-100, from the tables and the counted topics."""

from datetime import UTC, datetime

from election.nist import DistrictReport, Report, reported
from election.platform import Connection, Platform
from election.results.decided import decided
from election.storage.public import parties, verdicts


def nist_report(platform: Platform, slug: str) -> Report:
    """What ``election.nist.written`` writes, in whatever state the election is. Raises UnknownElection."""
    found = decided(platform, slug)
    with platform.connect("reader") as connection:
        known = parties(connection, found.poll.election_no)
        (last_day,) = connection.execute(
            "SELECT max(polling_day) FROM contests WHERE election_no = %s", [found.poll.election_no]
        ).fetchone() or (None,)
        districts = _districts(connection, found.poll.election_no)
        recount = verdicts(connection, found.poll.election_no).get("recount")
    poll = found.poll
    return Report(
        slug,
        poll.name,
        poll.polling_day,
        max(poll.polling_day, last_day or poll.polling_day),
        poll.kind == "replay",
        poll.state,
        datetime.now(UTC),
        known,
        tuple(
            reported(
                contest.contest_id, contest.name, outcome, found.figures.count, found.whole.rules, contest.position
            )
            for contest, outcome in zip(found.contests, found.whole.outcomes, strict=True)
        ),
        found.decision,
        recount,
        districts,
    )


def _districts(connection: Connection, election_no: int) -> tuple[DistrictReport, ...]:
    """Every district with the contests on its ballot paper; none if each contest has one of its own."""
    rows = connection.execute(
        """SELECT district_no, district_id, name, registered, array_agg(contest_no ORDER BY position)
           FROM public_districts JOIN public_papers USING (election_no, district_no)
           WHERE election_no = %s GROUP BY 1, 2, 3, 4 ORDER BY 1""",
        [election_no],
    )
    found = [DistrictReport(number, own, name, voters, tuple(paper)) for number, own, name, voters, paper in rows]
    return tuple(found) if any(district.contests != (district.number,) for district in found) else ()
