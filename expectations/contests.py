"""Contests: the registered contests are those of the scenario."""

from election import scenarios
from election.errors import BadInput
from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows
from election.quality.suites import Look, Suite, protects
from election.scenarios import Scenario
from expectations import ELECTION, SEED

_AGAIN = "The scenario's folder and the tables differ: prepare a new election, under another slug."


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "contests",
        "The contests and parties that the election was registered with.",
        f"""SELECT contest_no, registered::int AS registered, (SELECT count(*) FROM candidates a
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
                query=f"""SELECT 'contest ' || contest_no AS key FROM (
                        SELECT contest_no, first_voter_no,
                               lag(first_voter_no + registered, 1, 1) OVER (ORDER BY first_voter_no) AS free
                        FROM contests WHERE election_no = {ELECTION}) AS ranges
                    WHERE first_voter_no <> free""",
                **protects(
                    "numbers", "The contests' ranges of voter numbers follow each other without gap or overlap.", _AGAIN
                ),
            ),
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key
                    FROM contests LEFT JOIN candidates USING (election_no, contest_no)
                    WHERE election_no = {ELECTION} AND official_valid IS NOT NULL
                    GROUP BY contest_no, official_valid HAVING sum(official_votes) IS DISTINCT FROM official_valid""",
                **protects("official", "The candidates' official votes add up to their contest's valid votes.", _AGAIN),
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
            value=len(scenario.contests), **protects("number", "There are as many contests as in the scenario.", _AGAIN)
        ),
        gxe.ExpectColumnSumToBeBetween(
            column="registered",
            min_value=scenario.registered,
            max_value=scenario.registered,
            **protects("registered", "The contests register as many voters as the scenario.", _AGAIN),
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
