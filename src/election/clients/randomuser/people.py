"""The API's answers, and which of them can be used."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from election.contracts.messages import UNREADABLE
from election.sources import COUNTRIES
from election.text import acting

_OLDEST = 120


class Broken(Exception):
    """An answer that cannot be used; asking again may give a better one."""


class Name(msgspec.Struct, frozen=True):
    title: str
    first: str
    last: str


class Street(msgspec.Struct, frozen=True):
    number: int
    name: str


class Location(msgspec.Struct, frozen=True):
    """``postcode`` comes as a text or a number; coordinates and time zones are not asked of it."""

    street: Street
    city: str
    state: str
    country: str
    postcode: str | int


class Birth(msgspec.Struct, frozen=True):
    """``date`` is a time in ISO 8601. The age beside it drifts, it is computed when asked."""

    date: str


class Picture(msgspec.Struct, frozen=True):
    large: str


class Person(msgspec.Struct, frozen=True):
    """One person; ``picture`` only where it was asked for."""

    gender: Literal["female", "male"]
    name: Name
    location: Location
    email: str
    dob: Birth
    phone: str
    nat: str
    picture: Picture | None = None

    @property
    def born(self) -> date:
        return date.fromisoformat(self.dob.date[:10])


class Answer(msgspec.Struct, frozen=True):
    """A whole answer; ``error`` can come with status 200."""

    results: list[Person] | None = None
    error: str | None = None


_decode = msgspec.json.Decoder(Answer).decode


def people(body: bytes, number: int, nationalities: Sequence[str], today: date) -> list[Person]:
    """The people of an answer. Raises Broken unless there are ``number`` of them, of these nationalities, all whole."""
    try:
        answer = _decode(body)
    except UNREADABLE as error:
        raise Broken(f"the answer cannot be read ({error})") from error
    if answer.error is not None:
        raise Broken(f"the API says: {answer.error}")
    given = len(answer.results or ())
    if given != number:
        raise Broken(f"{given:,} people came, {number:,} were asked for")
    for position, person in enumerate(answer.results or ()):
        why = _unusable(person, nationalities, today)
        if why:
            raise Broken(f"person {position} {why}")
    return answer.results or []


def _unusable(person: Person, nationalities: Sequence[str], today: date) -> str | None:
    where = person.location
    if person.nat not in nationalities or where.country != COUNTRIES[person.nat]:
        return f"is of {person.nat}, {where.country}, not of {', '.join(nationalities)}"
    texts = (person.name.first, person.name.last, where.city, where.state)
    if not all(text.strip() for text in texts):
        return "has no name, city or state"
    everything = (*texts, person.name.title, person.email, person.phone, where.street.name, str(where.postcode))
    if found := next(filter(None, (acting(text, lines=True) for text in everything)), None):
        return f"has the character {found[1]}"
    try:
        born = person.born
    except ValueError:
        return f"has no date of birth but {person.dob.date!r}"
    if not 0 <= today.year - born.year <= _OLDEST:
        return f"was born on {born}"
    return None
