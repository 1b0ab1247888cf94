"""Votes: each has a voter, a candidate and a contest of its election, is the voter's only one, and was cast in time."""

from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows, rules
from election.quality.suites import Look, Suite, protects
from expectations import ELECTION, LOOK

_FORBIDDEN = (
    f"{LOOK} The table's constraints forbid this: they were dropped, or a restore left them out. Restore the votes "
    "from a backup, `election republish SLUG`, and do not certify before this is met."
)
_SLACK = "interval '1 minute'"  # between the clocks of a worker and of Postgres


def suite(look: Look) -> Suite | None:
    # The poll is closed at the gate after casting, so the votes cannot change before the next gate.
    if look.checkpoint not in ("casting", "schedule") or look.poll.state == "registered":
        return None
    if look.stand("votes", "voters", "candidates", "contests"):
        return None
    return Suite(
        "votes",
        "The stored ballots, with which everything else is compared.",
        f"""SELECT contest_no, (candidate_no IS NULL)::int AS invalid
            FROM votes WHERE election_no = {ELECTION}""",
        [
            gxe.ExpectTableRowCountToBeBetween(
                max_value=look.registered,
                **protects("abstained", "There are no more votes than registered voters.", _FORBIDDEN),
            ),
            *_whole(),
            *_like_official(look),
            *_like_expected(look),
        ],
    )


_RULES = {
    "voter": "v.voter_no IS NOT NULL AND w.voter_no IS NULL",
    "contest": "v.contest_no IS NOT NULL AND c.contest_no IS NULL",
    "candidate": "v.candidate_no IS NOT NULL AND a.candidate_no IS NULL",
    "voters_contest": "v.contest_no <> w.contest_no",
    "complete": "num_nulls(v.voter_no, v.contest_no, v.cast_at) > 0",
    "time": f"v.cast_at < opened_at - {_SLACK} OR v.cast_at > coalesce(closed_at, now()) + {_SLACK}",
}
# One pass over the votes checks all rules. A voter can have two votes only if the primary key is missing.
_BROKEN = f"""
    {
    rules(
        f'''FROM votes v JOIN elections e ON e.election_no = v.election_no
            LEFT JOIN voters w ON w.election_no = v.election_no AND w.voter_no = v.voter_no
            LEFT JOIN contests c ON c.election_no = v.election_no AND c.contest_no = v.contest_no
            LEFT JOIN candidates a ON a.election_no = v.election_no AND a.contest_no = v.contest_no
                AND a.candidate_no = v.candidate_no
            WHERE v.election_no = {ELECTION}''',
        "'voter ' || coalesce(v.voter_no::text, 'without a number')",
        _RULES,
    )
}
    UNION ALL
    SELECT 'once', 'voter ' || voter_no FROM votes WHERE election_no = {ELECTION} AND NOT EXISTS (
        SELECT FROM pg_constraint WHERE conrelid = 'votes'::regclass AND contype = 'p')
    GROUP BY voter_no HAVING count(*) > 1"""


def _whole() -> list[Expectation]:
    said = {
        "voter": "Every vote has a voter of its own election.",
        "contest": "Every vote has a contest of its own election.",
        "candidate": "Every valid vote has a candidate of its election and contest.",
        "voters_contest": "Every vote is in its voter's contest.",
        "once": "No voter has two votes.",
        "complete": "Every vote has a voter, a contest and a time.",
    }
    return [
        *(NoRows(query=_BROKEN, rule=rule, **protects(rule, sentence, _FORBIDDEN)) for rule, sentence in said.items()),
        NoRows(
            query=_BROKEN,
            rule="time",
            **protects(
                "time",
                "Every vote was cast while the poll was open.",
                f"{LOOK} Compare the clocks of the machines.",
                "warning",  # a wrong clock changes no total
            ),
        ),
    ]


def _like_official(look: Look) -> list[Expectation]:
    """For a replay whose poll is closed: the valid and invalid ballots of every contest."""
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
                "Every contest has its official numbers of valid and invalid votes.",
                "Clear `casting` in the run (or `election cast SLUG`): it offers every voter the ballot again, "
                "and stored votes stay.",
            ),
        )
    ]


def _like_expected(look: Look) -> list[Expectation]:
    """For a simulation whose poll is closed: a turnout near the requested one."""
    if not look.closed or look.poll.kind != "simulated" or look.poll.ballots == "external":
        return []
    simulation = look.poll.parameters.get("simulation") or {}
    asked = look.poll.parameters.get("turnout") or simulation.get("turnout")
    if asked is None:
        return []
    # A few contests may all differ from the mean, so the bounds are three times the scenario's spread.
    room = 3 * float(simulation.get("turnout_spread") or 0) + 0.1
    return [
        gxe.ExpectTableRowCountToBeBetween(
            min_value=int(look.entitled * max(0.0, asked - room)),
            max_value=round(look.entitled * min(1.0, asked + room)),
            **protects(
                "turnout",
                "Turnout is near the requested one.",
                "Were voters removed from the topic, or does the scenario spread turnout widely?",
                "warning",
            ),
        )
    ]
