"""The offline people: the same whatever the batches, plausible, of age. And the pace at which an API is asked."""

import csv
from datetime import date
from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from election import scenarios
from election.contracts.ages import age_on
from election.electorate.generated import ahead, text
from election.electorate.offline import People
from election.electorate.places import Homes, Roll
from election.settings import Settings
from election.storage.voters import COLUMNS

FOLDER = Settings().scenarios
UK = scenarios.load(FOLDER, "uk-general-election-2019")


def rolls_of(*contests: str) -> list[Roll]:
    rolls, first = [], 1
    for number, contest in enumerate(scenarios.select(UK, contests).contests, 1):
        rolls.append(Roll(number, contest.name, contest.region, contest.country, first, contest.electorate))
        first += contest.electorate
    return rolls


def people_of(rolls: list[Roll], seed: int = 1, polling_day: date = UK.polling_day) -> People:
    return People(9, seed, polling_day, rolls, Homes(rolls))


@pytest.fixture(scope="module")
def bath() -> pl.DataFrame:
    rolls = rolls_of("Bath")
    return people_of(rolls).batch(1, rolls[0].registered)


def test_people_do_not_depend_on_the_batches_they_are_made_in() -> None:
    rolls = rolls_of("Bath", "Ynys Môn")
    people = people_of(rolls)
    whole = text(people, 66_000, 68_999)
    assert b"".join(ahead(people, 66_000, 68_999, batch=701)) == whole
    assert text(people_of(rolls), 68_500, 68_999) == whole[-len(text(people, 68_500, 68_999)) :]
    assert text(people_of(rolls, seed=2), 66_000, 68_999) != whole


def test_a_row_is_what_the_table_takes(bath: pl.DataFrame) -> None:
    assert tuple(bath.columns) == COLUMNS
    assert bath.null_count().sum_horizontal().item() == 0
    assert bath["voter_no"].to_list() == list(range(1, len(bath) + 1))
    written = text(people_of(rolls_of("Bath")), 1, 1_000).decode()
    assert all(line.count("\t") == len(COLUMNS) - 1 and "\\" not in line for line in written.splitlines())


@pytest.mark.parametrize("polling_day", [date(2019, 12, 12), date(2024, 2, 29), date(2023, 2, 28), date(2023, 3, 1)])
def test_everybody_is_of_age_on_polling_day_and_no_age_is_left_out(polling_day: date) -> None:
    rolls = rolls_of("Bath")
    born = people_of(rolls, polling_day=polling_day).batch(1, rolls[0].registered)["date_of_birth"].str.to_date()
    ages = [age_on(day, polling_day) for day in born.to_list()]
    assert (min(ages), set(range(18, 95)) <= set(ages), max(ages) <= 104) == (18, True, True)


def test_ages_follow_the_pyramid_of_adults(bath: pl.DataFrame) -> None:
    lines = files("election.electorate").joinpath("lists/adults.csv").read_text("utf-8").splitlines()
    bands = [(int(row["youngest"]), float(row["thousands"])) for row in csv.DictReader(lines)]
    total = sum(thousands for _, thousands in bands)
    ages = np.array([age_on(born, UK.polling_day) for born in bath["date_of_birth"].str.to_date().to_list()])
    for (youngest, thousands), oldest in zip(bands, [*(start for start, _ in bands[1:]), 200], strict=True):
        share = thousands / total
        found = ((ages >= youngest) & (ages < oldest)).mean()
        assert abs(found - share) < 5 * np.sqrt(share / len(ages)), youngest


def test_names_titles_and_genders_go_together(bath: pl.DataFrame) -> None:
    shares = bath["gender"].value_counts(normalize=True)
    assert dict(shares.iter_rows())["female"] == pytest.approx(0.511, abs=0.01)
    titles = {gender: set(group["title"]) for (gender,), group in bath.group_by("gender")}
    assert titles["female"] == {"Mrs", "Miss", "Ms", "Dr"} and titles["male"] == {"Mr", "Dr"}
    assert titles["non-binary"] <= {"Mx"}
    names = {gender: set(group["given_name"]) for (gender,), group in bath.group_by("gender")}
    assert not names["female"] & names["male"]
    assert bath["family_name"].n_unique() > 150


def test_people_live_in_towns_of_their_contests_region() -> None:
    rolls = rolls_of("Bath", "Ynys Môn")
    homes = Homes(rolls)
    people = people_of(rolls).batch(60_000, 80_000)
    for district_no, region, town, postcode in ((1, "South West", "Bristol", "BS1 "), (2, "Wales", "Cardiff", "CF10 ")):
        living = people.filter(pl.col("district_no") == district_no)
        places = {
            homes.places[number - 1].location: homes.places[number - 1] for number in living["location_no"].unique()
        }
        assert {place.region for place in places.values()} == {region} and len(places) >= 10
        number = next(place.location for place in places.values() if place.city == town)
        assert living.filter(pl.col("location_no") == number)["postcode"].str.starts_with(postcode).all()


def test_every_region_of_the_uk_has_its_towns() -> None:
    rolls = rolls_of()
    by_region: dict[str, int] = {}
    for place in Homes(rolls).places:
        by_region[place.region] = by_region.get(place.region, 0) + 1
    assert by_region.keys() == {roll.region for roll in rolls} and min(by_region.values()) >= 10


def test_a_region_that_is_not_listed_has_parts_of_its_contests() -> None:
    rolls = [Roll(1, "Upper", "Ruritania", "R", 1, 500), Roll(2, "Lower", "Ruritania", "R", 501, 500)]
    homes = Homes(rolls)
    people = people_of(rolls).batch(1, 1_000)
    assert len(homes.places) == 10
    upper = people.filter(pl.col("district_no") == 1)["location_no"].unique()
    assert {homes.places[number - 1].city.split()[0] for number in upper} == {"Upper"}


def test_no_telephone_or_mailbox_of_anybody_real_is_made_up(bath: pl.DataFrame) -> None:
    assert bath["phone"].str.contains(r"^07700 900\d{3}$").all()
    assert bath["email"].str.ends_with("@example.org").all() and bath["email"].n_unique() == len(bath)
