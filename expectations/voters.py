"""Voters: as many as are registered, each whole, of age, in a contest and a place of this election."""

from math import sqrt
from typing import get_args

from election.contracts.ages import AGE_GROUP_SQL, AGE_GROUPS, OF_AGE, age_sql
from election.contracts.messages import Gender
from election.quality.gx import Expectation, gxe
from election.quality.rows import NoRows
from election.quality.suites import Look, Suite, protects
from election.storage.voters import COLUMNS, TEXTS
from expectations import ELECTION, LOOK, SEED

# Adults in the United Kingdom by age group in mid-2019, after the Office for National Statistics' estimates.
_AGES = (0.1067, 0.1719, 0.1602, 0.1708, 0.1556, 0.1271, 0.1077)
# Women among adults in England and Wales, Census 2021.
_WOMEN = 0.511
_OLDEST = 115
_FILLED = [name for name in TEXTS if name != "title"]  # not everyone has one


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule"):
        return None
    return Suite(
        "voters",
        "The electorate. Nothing of a person is looked at here but numbers, gender and age.",
        f"""SELECT v.contest_no, v.gender, (v.gender = 'female')::int AS woman, {AGE_GROUP_SQL} AS age_group
            FROM voters v JOIN elections e USING (election_no) WHERE election_no = {ELECTION}""",
        [
            gxe.ExpectTableRowCountToEqual(
                value=look.registered, **protects("number", "There are as many voters as are registered.", SEED)
            ),
            NoRows(
                query=f"""SELECT 'contest ' || contest_no AS key
                    FROM contests c LEFT JOIN (SELECT contest_no, count(*) AS stored FROM voters
                        WHERE election_no = {ELECTION} GROUP BY contest_no) v USING (contest_no)
                    WHERE election_no = {ELECTION} AND coalesce(stored, 0) <> registered""",
                **protects("contest_size", "Every contest has as many voters as are registered in it.", SEED),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key
                    FROM voters v LEFT JOIN contests c USING (election_no, contest_no)
                    WHERE election_no = {ELECTION} AND c.contest_no IS NULL""",
                **protects("contest", "Every voter belongs to a contest of their own election.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key
                    FROM voters v JOIN contests c USING (election_no, contest_no)
                    WHERE election_no = {ELECTION}
                        AND voter_no NOT BETWEEN first_voter_no AND first_voter_no + registered - 1""",
                **protects("numbers", "Every voter's number is in the range of their contest.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key
                    FROM voters v LEFT JOIN locations l USING (election_no, location_no)
                    WHERE election_no = {ELECTION} AND l.location_no IS NULL""",
                **protects("place", "Every voter lives in a place of their own election.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM voters JOIN elections USING (election_no)
                    WHERE election_no = {ELECTION}
                        AND {age_sql()} < {OF_AGE}""",
                **protects("of_age", f"Everyone is {OF_AGE} or older on polling day.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM voters JOIN elections USING (election_no)
                    WHERE election_no = {ELECTION}
                        AND {age_sql()} > {_OLDEST}""",
                **protects("too_old", f"Nobody is older than {_OLDEST}.", f"{LOOK} A date may be mistyped.", "warning"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || coalesce(voter_no::text, 'without a number') AS key FROM voters
                    WHERE election_no = {ELECTION}
                        AND (num_nulls({", ".join(COLUMNS)}) > 0 OR '' IN ({", ".join(_FILLED)}))""",
                **protects("complete", "No field of a voter is missing or empty.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM voters WHERE election_no = {ELECTION}
                    AND gender NOT IN ({", ".join(f"'{gender}'" for gender in get_args(Gender))})""",
                **protects("gender", "Every voter's gender is one that turnout is counted by.", f"{LOOK} {SEED}"),
            ),
            NoRows(
                query=f"""SELECT 'voter ' || voter_no AS key FROM voters WHERE election_no = {ELECTION}
                    AND (position('@' IN email) < 2 OR email ~ '\\s' OR nationality !~ '^[A-Z][A-Z]$')""",
                **protects("forms", "E-mail addresses and nationalities look like ones.", LOOK, "warning"),
            ),
            *(_like_the_population(look.registered) if look.poll.source == "offline" else []),
        ],
    )


def _like_the_population(
    registered: int,
) -> list[Expectation]:
    """For the offline electorate. The bounds leave room for chance: five standard errors, and what a sample adds."""
    room = 5 * sqrt(_WOMEN * (1 - _WOMEN) / max(registered, 1)) + 0.001
    odd = "The offline electorate is drawn from lists in src/election/electorate/lists; was one of them changed?"
    return [
        gxe.ExpectColumnMeanToBeBetween(
            column="woman",
            min_value=_WOMEN - room,
            max_value=_WOMEN + room,
            **protects("women", "As large a share of voters are women as of the population.", odd, "warning"),
        ),
        gxe.ExpectColumnKLDivergenceToBeLessThan(
            column="age_group",
            partition_object={"values": [name for _, name in AGE_GROUPS], "weights": list(_AGES)},
            threshold=0.005 + 15 / max(registered, 1),
            internal_weight_holdout=0,
            tail_weight_holdout=0.0001,
            **protects("ages", "Voters' ages are spread like the population's.", odd, "warning"),
        ),
    ]
