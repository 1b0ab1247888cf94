"""Voters: their number, and for each voter that the row is complete, of age, and has a district and a place."""

from math import sqrt
from typing import get_args

from election.contracts.ages import AGE_GROUP_SQL, AGE_GROUPS, OF_AGE, age_sql
from election.contracts.messages import Gender
from election.quality.gx import Expectation, gxe
from election.quality.no_rows import NoRows, rules
from election.quality.suites import Look, Severity, Suite, protects
from election.storage.voters import COLUMNS, TEXTS
from expectations import ELECTION, LOOK, SEED

# Adults in the United Kingdom by age group in mid-2019, after the Office for National Statistics' estimates.
_AGES = (0.1067, 0.1719, 0.1602, 0.1708, 0.1556, 0.1271, 0.1077)
# Women among adults in England and Wales, Census 2021.
_WOMEN = 0.511
_OLDEST = 115
_FILLED = [name for name in TEXTS if name != "title"]  # some people have no title


def suite(look: Look) -> Suite | None:
    if look.checkpoint not in ("electorate", "schedule") or look.stand("voters", "districts"):
        return None
    return Suite(
        "voters",
        "The electorate. Of a person, this page uses only numbers, gender and age.",
        f"""SELECT v.district_no, v.gender, (v.gender = 'female')::int AS woman, {AGE_GROUP_SQL} AS age_group
            FROM voters v JOIN elections e USING (election_no) WHERE election_no = {ELECTION}""",
        [
            gxe.ExpectTableRowCountToEqual(
                value=look.registered, **protects("number", "There are as many voters as are registered.", SEED)
            ),
            NoRows(
                query=f"""SELECT 'district ' || district_no AS key
                    FROM districts d LEFT JOIN (SELECT district_no, count(*) AS stored FROM voters
                        WHERE election_no = {ELECTION} GROUP BY district_no) v USING (district_no)
                    WHERE election_no = {ELECTION} AND coalesce(stored, 0) <> registered""",
                **protects("district_size", "Every district has as many voters as are registered in it.", SEED),
            ),
            *_each(),
            *(_like_the_population(look.registered) if look.poll.source == "offline" else []),
        ],
    )


_RULES = {
    "district": "d.district_no IS NULL",
    "numbers": "voter_no NOT BETWEEN d.first_voter_no AND d.first_voter_no + d.registered - 1",
    "place": "l.location_no IS NULL",
    "of_age": f"{age_sql('e.polling_day')} < {OF_AGE}",
    "too_old": f"{age_sql('e.polling_day')} > {_OLDEST}",
    "complete": f"num_nulls({', '.join(f'v.{name}' for name in COLUMNS)}) > 0 OR '' IN ({', '.join(_FILLED)})",
    "gender": f"gender NOT IN ({', '.join(repr(gender) for gender in get_args(Gender))})",
    "forms": r"position('@' IN email) < 2 OR email ~ '\s' OR nationality !~ '^[A-Z][A-Z]$'",
}
# One pass over the electorate checks all rules.
_BROKEN = rules(
    f"""FROM voters v JOIN elections e ON e.election_no = v.election_no
        LEFT JOIN districts d ON d.election_no = v.election_no AND d.district_no = v.district_no
        LEFT JOIN locations l ON l.election_no = v.election_no AND l.location_no = v.location_no
        WHERE v.election_no = {ELECTION}""",
    "'voter ' || coalesce(voter_no::text, 'without a number')",
    _RULES,
)


def _each() -> list[Expectation]:
    """The expectations of each voter."""
    said: dict[str, tuple[str, str, Severity]] = {
        "district": ("Every voter belongs to a district of their own election.", f"{LOOK} {SEED}", "critical"),
        "numbers": ("Every voter's number is in the range of their district.", f"{LOOK} {SEED}", "critical"),
        "place": ("Every voter lives in a place of their own election.", f"{LOOK} {SEED}", "critical"),
        "of_age": (f"Every voter is {OF_AGE} or older on polling day.", f"{LOOK} {SEED}", "critical"),
        "too_old": (f"No voter is older than {_OLDEST}.", f"{LOOK} A date may be mistyped.", "warning"),
        "complete": ("No field of a voter is missing or empty.", f"{LOOK} {SEED}", "critical"),
        "gender": ("Every voter's gender is one of those that turnout uses.", f"{LOOK} {SEED}", "critical"),
        "forms": ("E-mail addresses and nationalities are well-formed.", LOOK, "warning"),
    }
    return [NoRows(query=_BROKEN, rule=rule, **protects(rule, *rest)) for rule, rest in said.items()]


def _like_the_population(
    registered: int,
) -> list[Expectation]:
    """For the offline electorate. The bounds leave room for chance: five standard errors and a constant."""
    room = 5 * sqrt(_WOMEN * (1 - _WOMEN) / max(registered, 1)) + 0.001
    odd = "The offline electorate is drawn from lists in src/election/electorate/lists; was one of them changed?"
    return [
        gxe.ExpectColumnMeanToBeBetween(
            column="woman",
            min_value=_WOMEN - room,
            max_value=_WOMEN + room,
            **protects("women", "The share of women among voters is near that of the population.", odd, "warning"),
        ),
        gxe.ExpectColumnKLDivergenceToBeLessThan(
            column="age_group",
            partition_object={"values": [name for _, name in AGE_GROUPS], "weights": list(_AGES)},
            threshold=0.005 + 15 / max(registered, 1),
            internal_weight_holdout=0,
            tail_weight_holdout=0.0001,
            **protects("ages", "Voters' ages are distributed like the population's.", odd, "warning"),
        ),
    ]
