"""Referential integrity, row counts and duplicates, by SQL, one sentence a rule.

The database's own constraints forbid most of this; a rule still looks, because constraints can be lifted,
and a restore or a mistake made by hand does not ask them.
"""

from dataclasses import dataclass

from election.errors import StageFailed
from election.platform import Connection, Platform
from election.storage.elections import Election, elections, read_whole_elections

# Each query counts the rows that break the rule; %(no)s is the election.
RULES: dict[str, str] = {
    "every vote has a voter of its own election": """
        SELECT count(*) FROM votes v WHERE election_no = %(no)s AND NOT EXISTS
            (SELECT FROM voters w WHERE w.election_no = v.election_no AND w.voter_no = v.voter_no)""",
    "every vote has a contest of its own election": """
        SELECT count(*) FROM votes v WHERE election_no = %(no)s AND NOT EXISTS
            (SELECT FROM contests c WHERE c.election_no = v.election_no AND c.contest_no = v.contest_no)""",
    "every valid vote has a candidate of its own election and contest": """
        SELECT count(*) FROM votes v WHERE election_no = %(no)s AND candidate_no IS NOT NULL AND NOT EXISTS
            (SELECT FROM candidates c WHERE c.election_no = v.election_no AND c.contest_no = v.contest_no
                AND c.candidate_no = v.candidate_no)""",
    "every vote is in its voter's contest": """
        SELECT count(*) FROM votes v JOIN voters w USING (election_no, voter_no)
        WHERE election_no = %(no)s AND v.contest_no <> w.contest_no""",
    "no voter has two votes": """
        SELECT count(*) FROM (
            SELECT FROM votes WHERE election_no = %(no)s GROUP BY voter_no HAVING count(*) > 1) AS d""",
    "every contest has as many voters as are registered": """
        SELECT count(*) FROM (
            SELECT c.contest_no FROM contests c LEFT JOIN voters w USING (election_no, contest_no)
            WHERE election_no = %(no)s GROUP BY c.contest_no, c.registered
            HAVING count(w.voter_no) <> c.registered) AS d""",
}


@dataclass(frozen=True)
class Finding:
    """A broken rule of one election and how many rows break it."""

    election: str
    rule: str
    rows: int

    def __str__(self) -> str:
        return f"{self.election}: {self.rows:,} row(s) break the rule that {self.rule}"


def check_integrity(connection: Connection, poll: Election) -> list[Finding]:
    """The rules that the election breaks; none is good."""
    found = []
    for rule, query in RULES.items():
        (rows,) = connection.execute(query, {"no": poll.election_no}).fetchone() or (0,)
        if rows:
            found.append(Finding(poll.slug, rule, rows))
    return found


def check_elections(platform: Platform, slugs: list[str] | None = None) -> list[str]:
    """Checks the given elections, by default every one whose poll has opened. Returns the slugs checked.

    Raises StageFailed with each broken rule and its figures.
    """
    with platform.connect("reader") as connection:
        if connection.execute("SELECT to_regclass('elections')").fetchone() == (None,):
            return []  # a fresh platform: the first run creates the tables
        read_whole_elections(connection)
        chosen = [
            poll for poll in elections(connection) if (poll.slug in slugs if slugs else poll.state != "registered")
        ]
        findings = [finding for poll in chosen for finding in check_integrity(connection, poll)]
    if findings:
        raise StageFailed(
            "The data break "
            + f"{len(findings)} rule(s):\n"
            + "\n".join(f"- {finding}" for finding in findings)
            + "\nLook at the rows with the read-only login of `election status`, before anything is certified."
        )
    return [poll.slug for poll in chosen]
