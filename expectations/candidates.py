"""Candidates: each has a name and stands in a contest of this election, for one of its parties."""

from election.quality.no_rows import NoRows
from election.quality.suites import Look, Suite, protects
from expectations import ELECTION, LOOK, SEED


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "candidates",
        "The candidates of the election.",
        f"SELECT candidate_no, contest_no FROM candidates WHERE election_no = {ELECTION}",
        [
            NoRows(
                query=f"""SELECT 'candidate ' || candidate_no AS key FROM candidates a
                    WHERE election_no = {ELECTION} AND NOT EXISTS (SELECT FROM contests c
                        WHERE c.election_no = a.election_no AND c.contest_no = a.contest_no)""",
                **protects("contest", "Every candidate stands in a contest of their own election.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'candidate ' || candidate_no AS key FROM candidates a
                    WHERE election_no = {ELECTION} AND NOT EXISTS (SELECT FROM parties p
                        WHERE p.election_no = a.election_no AND p.abbreviation = a.party_abbreviation)""",
                **protects("party", "Every candidate's party is a party of the election.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'candidate ' || coalesce(candidate_no::text, 'without a number') AS key FROM candidates
                    WHERE election_no = {ELECTION} AND (candidate_no IS NULL OR contest_no IS NULL OR party IS NULL
                        OR party_abbreviation IS NULL OR gender IS NULL
                        OR given_name || family_name IS NULL OR given_name || family_name !~ '\\S')""",
                **protects("complete", "Every candidate has a number, a name, a gender and a party.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key FROM candidates WHERE election_no = {ELECTION}
                    GROUP BY contest_no, lower(given_name), lower(family_name), party_abbreviation, candidate_id
                    HAVING count(*) > 1""",
                **protects(
                    "twice",
                    "No candidate stands twice in a contest for the same party.",
                    "Two people with the same name need a candidate_id each; otherwise correct candidates.csv.",
                    "warning",
                ),
            ),
        ],
    )
