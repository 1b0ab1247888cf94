"""Votes: each by a voter, for a candidate and in a contest of its own election, once, while the poll was open."""

from election.quality.gx import Expectation, gxe
from election.quality.rows import NoRows
from election.quality.suites import Look, Suite, protects
from expectations import ELECTION, LOOK

_FORBIDDEN = (
    f"{LOOK} The table's constraints forbid this: somebody lifted them, or a restore left them out. Restore the votes "
    "from a backup, `election republish SLUG`, and do not certify before this is met."
)
_SLACK = "interval '1 minute'"  # between the clocks of a worker and of Postgres


def suite(look: Look) -> Suite | None:
    if look.checkpoint == "electorate" or look.poll.state == "registered":
        return None
    return Suite(
        "votes",
        "The stored ballots, which are the truth that everything else is held against.",
        f"""SELECT contest_no, (candidate_no IS NULL)::int AS invalid
            FROM votes WHERE election_no = {ELECTION}""",
        [
            gxe.ExpectTableRowCountToBeBetween(
                max_value=look.registered,
                **protects("abstained", "There are no more votes than registered voters.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || v.voter_no AS key
                    FROM votes v LEFT JOIN voters w USING (election_no, voter_no)
                    WHERE election_no = {ELECTION} AND v.voter_no IS NOT NULL AND w.voter_no IS NULL""",
                **protects("voter", "Every vote has a voter of its own election.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || v.voter_no AS key
                    FROM votes v LEFT JOIN contests c USING (election_no, contest_no)
                    WHERE election_no = {ELECTION} AND v.contest_no IS NOT NULL AND c.contest_no IS NULL""",
                **protects("contest", "Every vote has a contest of its own election.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || v.voter_no AS key
                    FROM votes v LEFT JOIN candidates c USING (election_no, contest_no, candidate_no)
                    WHERE election_no = {ELECTION} AND v.candidate_no IS NOT NULL AND c.candidate_no IS NULL""",
                **protects("candidate", "Every valid vote has a candidate of its election and contest.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || v.voter_no AS key FROM votes v JOIN voters w USING (election_no, voter_no)
                    WHERE election_no = {ELECTION} AND v.contest_no <> w.contest_no""",
                **protects("voters_contest", "Every vote is in its voter's contest.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM votes
                    WHERE election_no = {ELECTION} GROUP BY voter_no HAVING count(*) > 1""",
                **protects("once", "No voter has two votes.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || coalesce(voter_no::text, 'without a number') AS key FROM votes
                    WHERE election_no = {ELECTION} AND num_nulls(voter_no, contest_no, cast_at) > 0""",
                **protects("complete", "Every vote has a voter, a contest and a time.", _FORBIDDEN),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM votes JOIN elections USING (election_no)
                    WHERE election_no = {ELECTION} AND (cast_at < opened_at - {_SLACK}
                        OR cast_at > coalesce(closed_at, now()) + {_SLACK})""",
                **protects(
                    "time",
                    "Every vote was cast while the poll was open.",
                    f"{LOOK} Compare the clocks of the machines.",
                    "warning",  # a clock that is off changes no count
                ),
            ),
            *_like_official(look),
            *_like_expected(look),
        ],
    )


def _like_official(look: Look) -> list[Expectation]:
    """In a replay whose poll is closed: valid and invalid ballots of every contest."""
    if not look.closed or look.poll.kind != "replay" or look.poll.ballots == "external":
        return []
    return [
        NoRows(
            query=f"""SELECT 'contest ' || contest_no AS key
                FROM contests LEFT JOIN (
                    SELECT contest_no, count(candidate_no) AS valid, count(*) - count(candidate_no) AS invalid
                    FROM votes WHERE election_no = {ELECTION} GROUP BY contest_no) v USING (contest_no)
                WHERE election_no = {ELECTION}
                    AND (coalesce(valid, 0) IS DISTINCT FROM official_valid
                        OR coalesce(invalid, 0) IS DISTINCT FROM official_invalid)""",
            **protects(
                "official",
                "Every contest has its official number of valid and of invalid votes.",
                "Clear `casting` in the run (or `election cast SLUG`): it offers every voter the ballot again, "
                "and what is stored stays.",
            ),
        )
    ]


def _like_expected(look: Look) -> list[Expectation]:
    """In a simulated poll that is closed: a turnout near the one asked for."""
    if not look.closed or look.poll.kind != "simulated" or look.poll.ballots == "external":
        return []
    simulation = look.poll.parameters.get("simulation") or {}
    asked = look.poll.parameters.get("turnout") or simulation.get("turnout")
    if asked is None:
        return []
    # A few contests may all lie off the mean: three times what the scenario spreads them.
    room = 3 * float(simulation.get("turnout_spread") or 0) + 0.1
    return [
        gxe.ExpectTableRowCountToBeBetween(
            min_value=int(look.entitled * max(0.0, asked - room)),
            max_value=round(look.entitled * min(1.0, asked + room)),
            **protects(
                "turnout",
                "Turnout is near the one that was asked for.",
                "Were voters taken from the topic, or does the scenario spread turnout widely?",
                "warning",
            ),
        )
    ]
