"""Candidates from the API, each with a photo that is stored, so that no page has to fetch it later."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from election.clients.randomuser.client import RandomUser, seed_text
from election.clients.randomuser.limits import PAGE, Allowance
from election.clients.randomuser.people import Person
from election.settings import Settings
from election.sources import check, nationalities
from election.storage.elections import Election

# People asked for beyond four times the candidates: enough of one gender, all but always on the first page.
_SPARE = 20


@dataclass(frozen=True)
class Face:
    """A person who may stand; ``photo`` is the bytes of an image file."""

    given_name: str
    family_name: str
    gender: str
    photo: bytes


def faces(settings: Settings, poll: Election, genders: Sequence[str], log: Callable[[str], None] = print) -> list[Face]:
    """One person for each gender asked for, in that order; a gender the API does not know gets any person.

    Raises BadInput for what the API cannot give, StageFailed when it gives up.
    """
    nationality = poll.parameters.get("nationality") or "gb"
    check(poll.source, nationality, len(genders))
    number = min(PAGE, 4 * len(genders) + _SPARE)
    waiting: list[Person] = []
    page = 0
    found: list[Face] = []
    with RandomUser(settings.randomuser_url, nationalities(nationality), log, Allowance.of(settings)) as api:
        for gender in genders:
            # The API ignores a gender that is asked for together with a seed, so the choice is made here.
            while not (fitting := [p for p in waiting if gender not in ("female", "male") or p.gender == gender]):
                page += 1
                waiting += api.page(seed_text("candidates", poll.seed), page, number, pictures=True)
            person = fitting[0]
            waiting.remove(person)
            photo = api.photo(person.picture.large if person.picture else "")
            found.append(Face(person.name.first, person.name.last, gender, photo))
    return found
