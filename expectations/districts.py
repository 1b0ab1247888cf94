"""Districts: those of the scenario, whose voters' numbers fill the electorate."""

from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows
from election.quality.suites import Look, Suite, protects
from expectations import ELECTION
from expectations.contests import AGAIN, scenario_of


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "districts",
        "The districts in which voters are registered.",
        f"SELECT district_no, registered::int AS registered FROM districts WHERE election_no = {ELECTION}",
        [
            NoRows(
                query=f"""SELECT 'district ' || district_no AS key FROM (
                        SELECT district_no, first_voter_no,
                               lag(first_voter_no + registered, 1, 1) OVER (ORDER BY first_voter_no) AS free
                        FROM districts WHERE election_no = {ELECTION}) AS ranges
                    WHERE first_voter_no <> free""",
                **protects(
                    "numbers", "The districts' ranges of voter numbers follow each other without gap or overlap.", AGAIN
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
    return [
        gxe.ExpectTableRowCountToEqual(
            value=len(scenario.districts),
            **protects("number", "There are as many districts as in the scenario.", AGAIN),
        ),
        gxe.ExpectColumnSumToBeBetween(
            column="registered",
            min_value=scenario.registered,
            max_value=scenario.registered,
            **protects("registered", "The districts register as many voters as the scenario.", AGAIN),
        ),
    ]
