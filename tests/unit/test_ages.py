"""Ages and age groups on polling day; 29 February."""

from datetime import date, timedelta

import pytest

from election.contracts.ages import AGE_GROUPS, BY_BIRTH, age_group, age_on, bounds_of_births, last_births

DAYS = [date(2019, 12, 12), date(2024, 2, 29), date(2023, 2, 28), date(2023, 3, 1)]


@pytest.mark.parametrize(
    ("age", "group"),
    [(18, "18-24"), (24, "18-24"), (25, "25-34"), (64, "55-64"), (74, "65-74"), (75, "75+"), (110, "75+")],
)
def test_ages_fall_into_their_group(age: int, group: str) -> None:
    assert age_group(age) == group


@pytest.mark.parametrize("day", DAYS)
def test_a_birth_is_of_a_group_from_the_day_on_which_the_person_is_old_enough(day: date) -> None:
    for (youngest, _), born in zip(AGE_GROUPS, last_births(day), strict=True):
        assert age_on(born, day) >= youngest > age_on(born + timedelta(days=1), day)


@pytest.mark.parametrize("day", DAYS)
def test_the_bounds_of_births_put_every_birth_into_the_group_of_its_age(day: date) -> None:
    bounds = bounds_of_births(day)
    assert bounds == sorted(bounds)
    for born in {bound + timedelta(days=days) for bound in bounds for days in (-366, -1, 0, 1, 365)}:
        group = sum(bound <= born for bound in bounds)
        assert [*BY_BIRTH, None][group] == (age_group(age_on(born, day)) if age_on(born, day) >= 18 else None), born


def test_someone_born_on_29_february_comes_of_age_on_1_march() -> None:
    assert age_on(date(2000, 2, 29), date(2018, 2, 28)) == 17
    assert age_on(date(2000, 2, 29), date(2018, 3, 1)) == 18
