"""Voters from the API: one page, one transaction."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from election.clients.randomuser.client import RandomUser, seed_text
from election.clients.randomuser.limits import PAGE, Allowance
from election.clients.randomuser.people import Person
from election.contracts.ages import OF_AGE, age_on, years_before
from election.electorate.places import Roll
from election.platform import Connection
from election.settings import Settings
from election.sources import check, nationalities
from election.storage.elections import Election
from election.storage.voters import COPY, Voter


def store_voters(
    connection: Connection, settings: Settings, poll: Election, rolls: Sequence[Roll], log: Callable[[str], None]
) -> None:
    """Stores the voters behind the last that is stored: page p holds the numbers behind (p - 1) * PAGE.

    A voter belongs to the district whose range their number is in, wherever the API says they live.
    Raises BadInput for what the API cannot give, StageFailed when it gives up; whole pages stay.
    """
    total = rolls[-1].first_voter_no + rolls[-1].registered - 1
    stored = _last_voter(connection, poll.election_no)
    if stored:
        log(f"{stored:,} of {total:,} voters of {poll.slug} are stored already.")
    nationality = poll.parameters.get("nationality") or "gb"
    check(poll.source, nationality, total)
    first_of = np.array([roll.first_voter_no for roll in rolls])
    with RandomUser(settings.randomuser_url, nationalities(nationality), log, Allowance.of(settings)) as api:
        for page in range(-(-stored // PAGE) + 1, -(-total // PAGE) + 1):
            first = (page - 1) * PAGE + 1
            people = api.page(seed_text("voters", poll.seed), page, min(PAGE, total - first + 1))
            places = _places(connection, poll.election_no, people)
            districts = np.searchsorted(first_of, np.arange(first, first + len(people)), "right") - 1
            with connection.cursor() as cursor, cursor.copy(COPY) as copy:
                for number, (person, roll) in enumerate(zip(people, districts, strict=True), first):
                    where = person.location
                    place = places[where.country, where.state, where.city]
                    copy.write_row(_voter(poll, number, rolls[roll].district_no, place, person))
            connection.commit()
            log(f"{first + len(people) - 1:,} of {total:,} voters stored.")


def _last_voter(connection: Connection, election_no: int) -> int:
    """The highest voter's number that is stored; 0 when there is none."""
    row = connection.execute(
        "SELECT voter_no FROM voters WHERE election_no = %s ORDER BY voter_no DESC LIMIT 1", [election_no]
    ).fetchone()
    return row[0] if row else 0


def _voter(poll: Election, number: int, district_no: int, place: int, person: Person) -> Voter:
    where = person.location
    return Voter(
        election_no=poll.election_no,
        voter_no=number,
        district_no=district_no,
        location_no=place,
        gender=person.gender,
        date_of_birth=_of_age(person.born, poll.polling_day),
        title=person.name.title,
        given_name=person.name.first,
        family_name=person.name.last,
        email=person.email,
        phone=person.phone,
        street=f"{where.street.number} {where.street.name}",
        postcode=str(where.postcode),
        nationality=person.nat,
    )


def _of_age(born: date, polling_day: date) -> date:
    """The birth, moved back by whole years for those too young to vote on a polling day that lies in the past."""
    years = max(0, OF_AGE - age_on(born, polling_day))
    return years_before(born, years)


def _places(connection: Connection, election_no: int, people: Sequence[Person]) -> dict[tuple[str, str, str], int]:
    """The number of each place of the election, those that are new on this page included."""
    known = {
        (country, region, city): number
        for number, country, region, city in connection.execute(
            "SELECT location_no, country, region, city FROM locations WHERE election_no = %s", [election_no]
        )
    }
    seen = dict.fromkeys((person.location.country, person.location.state, person.location.city) for person in people)
    new = {place: number for number, place in enumerate((p for p in seen if p not in known), len(known) + 1)}
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO locations (election_no, location_no, country, region, city) VALUES (%s, %s, %s, %s, %s)",
            [(election_no, number, *place) for place, number in new.items()],
        )
    return known | new
