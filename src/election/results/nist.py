"""An election's result as a report in the format of NIST SP 1500-100, from the tables and the counted topics."""

from datetime import UTC, datetime

from election.nist import Report, reported
from election.platform import Platform
from election.results.decided import decided
from election.storage.public import ballot_papers, parties, verdicts


def nist_report(platform: Platform, slug: str) -> Report:
    """What ``election.nist.written`` writes, in whatever state the election is. Raises UnknownElection."""
    found = decided(platform, slug)
    with platform.connect("reader") as connection:
        known = parties(connection, found.poll.election_no)
        (last_day,) = connection.execute(
            "SELECT max(polling_day) FROM contests WHERE election_no = %s", [found.poll.election_no]
        ).fetchone() or (None,)
        papers = ballot_papers(connection, found.poll.election_no)
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
        papers,
    )
