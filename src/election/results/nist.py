"""An election's result as a report in the format of NIST SP 1500-100, from the tables and the counted topics."""

from datetime import UTC, datetime

from election.nist import Decision, Party, Recount, Report, plurality
from election.platform import Platform
from election.results.decided import decided


def nist_report(platform: Platform, slug: str) -> Report:
    """What ``election.nist.written`` writes, in whatever state the election is. Raises UnknownElection."""
    found = decided(platform, slug)
    with platform.connect("reader") as connection:
        key = [found.poll.election_no]
        parties = connection.execute("SELECT abbreviation, name, colour FROM parties WHERE election_no = %s", key)
        known = {row[0]: Party(*row) for row in parties}
        (last_day,) = connection.execute(
            "SELECT max(polling_day) FROM contests WHERE election_no = %s", key
        ).fetchone() or (None,)
        recount = connection.execute(
            """SELECT given_at, ok FROM verdicts WHERE election_no = %s AND kind = 'recount'
               ORDER BY verdict_no DESC LIMIT 1""",
            key,
        ).fetchone()
    poll, made = found.poll, found.decision
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
            plurality(contest_id, name, outcome)
            for (contest_id, name, *_), outcome in zip(found.contests, found.outcomes, strict=True)
        ),
        Decision(made["decided_by"], made["reason"], datetime.fromisoformat(made["decided_at"])) if made else None,
        Recount(*recount) if recount else None,
    )
