"""Ages in whole years on polling day, and the age groups of the turnout.

``years_before`` is the one rule: a person born on 29 February comes of age on 1 March of a year without that day.
Postgres's ``age`` follows the same rule; a test compares the two.
"""

from datetime import date, timedelta
from typing import Final, LiteralString, get_args

from dateutil.relativedelta import relativedelta

from election.contracts.messages import AgeGroup

AGE_GROUPS: Final[tuple[tuple[int, AgeGroup], ...]] = tuple((int(name[:2]), name) for name in get_args(AgeGroup))
"""The age of each group's youngest members, with which the group's name begins."""
OF_AGE: Final = AGE_GROUPS[0][0]


def age_sql(polling_day: LiteralString = "polling_day") -> LiteralString:
    """SQL: the age in a row of ``voters`` joined with its election. ``polling_day`` may be a qualified column name."""
    return f"extract(year FROM age({polling_day}, date_of_birth))::int"


def _age_group_sql() -> LiteralString:
    names: list[LiteralString] = [f"'{name}'" for _, name in AGE_GROUPS]
    return (
        f"(array[{','.join(names)}])[width_bucket({age_sql()}, array[{','.join(str(age) for age, _ in AGE_GROUPS)}])]"
    )


AGE_GROUP_SQL = _age_group_sql()
"""The group of a row of ``voters`` joined with its election; null below the youngest group."""


def age_on(born: date, day: date) -> int:
    """Whole years of age on ``day``."""
    years = day.year - born.year
    return years - (born > years_before(day, years))


def age_group(age: int) -> AgeGroup:
    """The group of an age in whole years, ``OF_AGE`` or more."""
    return next(name for youngest, name in reversed(AGE_GROUPS) if age >= youngest)


def years_before(day: date, years: int) -> date:
    """The last date of birth of a person of that age on ``day``. It is 28 February if the year has no 29 February."""
    return day - relativedelta(years=years)


BY_BIRTH: Final[tuple[AgeGroup, ...]] = tuple(name for _, name in reversed(AGE_GROUPS))
"""The groups in the order of birth, the oldest first."""


def last_births(day: date) -> list[date]:
    """For each of AGE_GROUPS, the last date of birth of its members on ``day``. Older groups were born before."""
    return [years_before(day, youngest) for youngest, _ in AGE_GROUPS]


def bounds_of_births(day: date) -> list[date]:
    """For each of BY_BIRTH, the first date of birth after that group on ``day``; the last one begins the minors.

    The number of bounds at or before a date of birth is its group's position in BY_BIRTH.
    """
    return [born + timedelta(days=1) for born in reversed(last_births(day))]
