"""Ballot papers: which contests the voters of a district vote in."""

from election.quality.no_rows import NoRows
from election.quality.suites import Look, Suite, protects
from expectations import ELECTION
from expectations.contests import AGAIN


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "papers",
        "The contests on the ballot paper of every district.",
        f"SELECT district_no, position, contest_no FROM papers WHERE election_no = {ELECTION}",
        [
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key FROM contests c
                    WHERE election_no = {ELECTION} AND unopposed = EXISTS (SELECT FROM papers p
                        WHERE p.election_no = c.election_no AND p.contest_no = c.contest_no)""",
                **protects(
                    "contests", "Every contest that holds a poll is on a ballot paper, and no other one is.", AGAIN
                ),
            ),
            NoRows(
                query=f"""SELECT 'district ' || district_no AS key FROM papers WHERE election_no = {ELECTION}
                    GROUP BY district_no HAVING max(position) <> count(*) OR min(position) <> 1""",
                **protects("positions", "The contests on a ballot paper are numbered from 1 without a gap.", AGAIN),
            ),
        ],
    )
