"""Votes: each belongs to a voter and is in a contest on their ballot paper, is the only one there, and came in time."""

from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows, rules
from election.quality.suites import Look, Suite, protects
from election.storage.expected import DISTRICT_SQL
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
    if look.stand("votes", "voters", "candidates", "contests", "districts", "papers"):
        return None
    return Suite(
        "votes",
        "The stored votes, with which everything else is compared.",
        f"""SELECT contest_no, (candidate_no IS NULL)::int AS invalid
            FROM votes WHERE election_no = {ELECTION}""",
        [
            gxe.ExpectTableRowCountToBeBetween(
                max_value=look.entitled,
                **protects("abstained", "There are no more votes than registered voters can cast.", _FORBIDDEN),
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
    "paper": "w.voter_no IS NOT NULL AND v.contest_no IS NOT NULL AND v.contest_no IS DISTINCT FROM p.contest_no",
    "ranking": """v.candidate_no IS NOT NULL AND (v.ranking IS NOT NULL) <> (c.kind = 'ranking')
        OR v.ranking IS NOT NULL AND (v.ranking[1] IS DISTINCT FROM v.candidate_no
            OR cardinality(v.ranking) <> (SELECT count(*) FROM candidates own WHERE own.election_no = v.election_no
                AND own.contest_no = v.contest_no AND own.candidate_no = ANY (v.ranking)))""",
    "complete": "num_nulls(v.voter_no, v.position, v.contest_no, v.cast_at) > 0",
    "time": f"v.cast_at < opened_at - {_SLACK} OR v.cast_at > coalesce(closed_at, now()) + {_SLACK}",
}
# One pass over the votes checks all rules. A voter can have two votes in a contest only if the primary key is missing,
# and lack one only if a paper has several contests.
_BROKEN = f"""
    {
    rules(
        f'''FROM votes v JOIN elections e ON e.election_no = v.election_no
            LEFT JOIN voters w ON w.election_no = v.election_no AND w.voter_no = v.voter_no
            LEFT JOIN papers p ON p.election_no = v.election_no AND p.district_no = w.district_no
                AND p.position = v.position
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
    GROUP BY voter_no, position HAVING count(*) > 1
    UNION ALL
    SELECT 'whole', 'voter ' || voter_no
    FROM (SELECT voter_no, count(*) AS votes FROM votes WHERE election_no = {ELECTION} GROUP BY voter_no) AS cast_votes
    JOIN voters w USING (voter_no)
    JOIN (SELECT district_no, count(*) AS printed FROM papers WHERE election_no = {ELECTION} GROUP BY district_no) AS p
        USING (district_no)
    WHERE w.election_no = {ELECTION} AND votes < printed
        AND EXISTS (SELECT FROM papers WHERE election_no = {ELECTION} AND position > 1)"""


def _whole() -> list[Expectation]:
    said = {
        "voter": "Every vote has a voter of its own election.",
        "contest": "Every vote has a contest of its own election.",
        "candidate": "Every valid vote has a candidate of its election and contest.",
        "paper": "Every vote is at its contest's position on the ballot paper of its voter's district.",
        "ranking": "A vote has a ranking where its contest takes rankings: of the candidates there, each once.",
        "once": "No voter has two votes in a contest.",
        "whole": "Every voter who votes has a vote in each contest on their ballot paper.",
        "complete": "Every vote has a voter, a position, a contest and a time.",
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
    """For a replay whose poll is closed: the valid and invalid votes of every contest in every district."""
    if not look.closed or look.poll.kind != "replay" or look.poll.ballots == "external":
        return []
    return [
        NoRows(
            query=f"""SELECT 'contest ' || coalesce(contest_no::text, 'unknown') ||
                        CASE WHEN contest_no = district_no THEN ''
                             ELSE ' in district ' || coalesce(district_no::text, 'unknown') END AS key
                FROM (SELECT district_no, contest_no, sum(votes) FILTER (WHERE candidate_no IS NOT NULL) AS valid,
                             sum(votes) FILTER (WHERE candidate_no IS NULL) AS invalid
                      FROM official_results WHERE election_no = {ELECTION} GROUP BY 1, 2) AS official
                FULL JOIN (
                    SELECT {DISTRICT_SQL % {"no": ELECTION}} AS district_no, contest_no, count(candidate_no) AS valid,
                           count(*) - count(candidate_no) AS invalid
                    FROM votes WHERE election_no = {ELECTION} GROUP BY 1, 2) AS stored USING (district_no, contest_no)
                WHERE coalesce(official.valid, 0) <> coalesce(stored.valid, 0)
                    OR coalesce(official.invalid, 0) <> coalesce(stored.invalid, 0)""",
            **protects(
                "official",
                "Every contest has its official numbers of valid and invalid votes in every district.",
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
