"""The ``voters`` table, declared once for Python: the code that fills, loads and checks it derives from ``Voter``."""

from datetime import date
from typing import Final, LiteralString, NamedTuple, get_type_hints

from election.contracts.messages import Gender


class Voter(NamedTuple):
    """A row of ``voters``; the fields are its columns, in their order. All people are invented."""

    election_no: int
    voter_no: int
    district_no: int
    location_no: int
    gender: Gender
    date_of_birth: date
    title: str
    given_name: str
    family_name: str
    email: str
    phone: str
    street: str
    postcode: str
    nationality: str


COLUMNS: Final = Voter._fields
TEXTS: Final = tuple(name for name, kind in get_type_hints(Voter).items() if kind not in (int, date))
"""The text columns."""


COPY: Final[LiteralString] = f"COPY voters ({', '.join(COLUMNS)}) FROM STDIN"
"""Loads rows with all columns, in their order."""
