"""Contests: those of the scenario, with the voters of their districts and official figures that add up."""

from election import scenarios
from election.errors import BadInput
from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows
from election.quality.suites import Look, Suite, protects
from election.scenarios import Scenario
from expectations import ELECTION, SEED

AGAIN = "The scenario's folder and the tables differ: prepare a new election, under another slug."


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "contests",
        "The contests and parties that the election was registered with.",
        f"""SELECT contest_no, (SELECT count(*) FROM candidates a
                WHERE a.election_no = c.election_no AND a.contest_no = c.contest_no)::int AS candidates
            FROM contests c WHERE election_no = {ELECTION}""",
        [
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key FROM contests c
                    WHERE election_no = {ELECTION} AND NOT EXISTS (SELECT FROM candidates a
                        WHERE a.election_no = c.election_no AND a.contest_no = c.contest_no)""",
                **protects("candidates", "Every contest has candidates.", SEED),
            ),
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key
                    FROM contests c JOIN papers USING (election_no, contest_no)
                    JOIN districts d USING (election_no, district_no) WHERE election_no = {ELECTION}
                    GROUP BY contest_no, c.registered HAVING sum(d.registered) <> c.registered""",
                **protects("registered", "Every contest registers the voters of its districts.", AGAIN),
            ),
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key
                    FROM contests c
                    LEFT JOIN (SELECT contest_no, sum(official_votes) AS valid FROM candidates
                        WHERE election_no = {ELECTION} GROUP BY contest_no) a USING (contest_no)
                    LEFT JOIN (SELECT contest_no, sum(votes) FILTER (WHERE candidate_no IS NOT NULL) AS in_districts,
                            sum(votes) FILTER (WHERE candidate_no IS NULL) AS invalid FROM official_results
                        WHERE election_no = {ELECTION} GROUP BY contest_no) r USING (contest_no)
                    WHERE election_no = {ELECTION} AND official_valid IS NOT NULL AND NOT unopposed
                        AND (official_valid IS DISTINCT FROM a.valid OR official_valid IS DISTINCT FROM in_districts
                            OR official_invalid IS DISTINCT FROM r.invalid)""",
                **protects(
                    "official",
                    "Official votes by candidate and by district add up to their contest's official figures.",
                    AGAIN,
                ),
            ),
            *_like_the_scenario(look),
        ],
    )


def _like_the_scenario(look: Look) -> list[Expectation]:
    """Compares with the scenario, only before anything is published: its folder may change later."""
    scenario = scenario_of(look) if look.checkpoint == "electorate" else None
    if scenario is None:
        return []
    candidates = sum(len(contest.candidates) for contest in scenario.contests)
    return [
        gxe.ExpectTableRowCountToEqual(
            value=len(scenario.contests), **protects("number", "There are as many contests as in the scenario.", AGAIN)
        ),
        gxe.ExpectColumnSumToBeBetween(
            column="candidates",
            min_value=candidates,
            max_value=candidates,
            **protects("as_many_candidates", "There are as many candidates as in the scenario.", SEED),
        ),
    ]


def scenario_of(look: Look) -> Scenario | None:
    """The selected part of the election's scenario; None if the scenario's folder can no longer be used."""
    chosen = look.poll.parameters
    try:
        found = scenarios.load(look.platform.settings.scenarios, look.poll.scenario)
        found = scenarios.select(found, chosen.get("contests") or [], chosen.get("region"))
        return scenarios.with_voters(found, chosen["voters"]) if chosen.get("voters") else found
    except BadInput:
        return None
