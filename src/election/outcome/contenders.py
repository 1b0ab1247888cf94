"""Lines on a ballot paper, and the contenders they stand for."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["person", "list", "none-of-the-above", "write-in"]


@dataclass(frozen=True)
class Line:
    """One line on a contest's ballot paper; votes are counted by line.

    ``party`` is the abbreviation. Lines of one person share a ``candidate_id``; without one a line stands for itself.
    ``official`` is the real result's votes in a replay.
    """

    number: int
    contest: int
    name: str
    party: str
    party_name: str
    official: int | None = None
    candidate_id: str | None = None
    kind: Kind = "person"


@dataclass(frozen=True)
class Contender:
    """Who votes are for: a person with every line they stand on, or a line that is no person.

    A person's seat counts for the party of their first line, whatever the lines' votes.
    """

    lines: tuple[Line, ...]

    @property
    def number(self) -> int:
        """The number of the first line."""
        return self.lines[0].number

    @property
    def name(self) -> str:
        return self.lines[0].name

    @property
    def party(self) -> str:
        """The abbreviation of the party for which a seat counts."""
        return self.lines[0].party

    @cached_property
    def parties(self) -> tuple[str, ...]:
        """The abbreviations of all lines, in their order."""
        return tuple(dict.fromkeys(line.party for line in self.lines))

    @cached_property
    def party_name(self) -> str:
        """The names of all lines' parties."""
        return ", ".join(dict.fromkeys(line.party_name for line in self.lines))

    @property
    def is_person(self) -> bool:
        """A person, or a party's list of persons: someone who can be elected."""
        return self.lines[0].kind in ("person", "list")

    @property
    def kind(self) -> Kind:
        return self.lines[0].kind

    @cached_property
    def official(self) -> int | None:
        """The real result's votes on all lines; None unless every line has them."""
        votes = [line.official for line in self.lines]
        return None if None in votes else sum(n for n in votes if n is not None)


def contenders(lines: Iterable[Line]) -> tuple[Contender, ...]:
    """The contenders of one contest, each at the place of their first line.

    Only a ``candidate_id`` makes two lines one person. A line that is no person always stands for itself.
    """
    found: dict[object, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.number):
        one = line.candidate_id if line.candidate_id and line.kind == "person" else line.number
        found.setdefault(one, []).append(line)
    return tuple(Contender(tuple(own)) for own in found.values())
