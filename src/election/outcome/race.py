"""A contest before its count, and what the count makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from election.outcome.contenders import Contender
from election.outcome.lead import UNOPPOSED, Lead, lead
from election.outcome.rules import Rules

if TYPE_CHECKING:
    from election.outcome.election import ContestOutcome

How = Literal["votes", "unopposed", "lot"]
RaceKind = Literal["candidates", "lists", "ranking"]


@dataclass(frozen=True)
class Race:
    """Who stands for a contest's seats. ``registered`` is None while the register cannot be read.

    ``unopposed``: no poll is held, because no more persons stand than there are seats. ``kind`` is what voters choose:
    one candidate, one party's list, or an order of preference. ``region`` joins constituencies and lists of one state.
    """

    number: int
    contenders: tuple[Contender, ...]
    registered: int | None = None
    unopposed: bool = False
    seats: int = 1
    kind: RaceKind = "candidates"
    region: str = ""
    contest_id: str = ""

    @cached_property
    def has_no_persons(self) -> bool:
        """Whether some line is no person."""
        return not all(contender.is_person for contender in self.contenders)

    @cached_property
    def paper(self) -> tuple[tuple[int, Contender, tuple[int, ...]], ...]:
        """Each contender's place on the ballot paper, and the numbers of their lines."""
        return tuple((place, c, tuple(line.number for line in c.lines)) for place, c in enumerate(self.contenders))

    def votes(self, by_line: Mapping[int, int]) -> dict[int, int]:
        """Each contender's votes on all lines, by the number of the first; lines of other contests are ignored."""
        return {numbers[0]: sum([by_line.get(number, 0) for number in numbers]) for _, _, numbers in self.paper}


class Standing(NamedTuple):
    """A contender's votes on all lines, and place; contenders with equal votes share a place.

    ``share`` is of the valid votes, 0 to 1; None before the first. ``by_line`` are the votes of each line.
    """

    contender: Contender
    votes: int
    place: int
    share: float | None
    by_line: tuple[int, ...]


@dataclass(frozen=True)
class Elected:
    """Who got a seat, and how; a list or the winner of several electors got ``seats`` of them.

    ``district`` is where, if the contest's seats are divided among districts.
    """

    contender: Contender
    votes: int
    how: How
    seats: int = 1
    district: str = ""


@dataclass(frozen=True)
class Outcome:
    """One contest: every contender by votes, most first; equal ones in the order of the ballot paper.

    ``contending`` can win the seat or keep it vacant: all but the lines that the rules pass over. ``first`` of them
    have the most votes: several in a tie, none before the first vote. ``counted`` are valid and invalid ballots,
    ``expected`` those expected in all (None: unknown). ``over``: no ballot will come any more. ``drawn`` is the number
    of the line on which a recorded lot fell. ``frozen`` is who a certification says was elected, by line; then nothing
    is decided again. ``given`` is the contest's share in the decision of a whole election whose rules are not those of
    one seat for the most votes; then places and leads say who has how many votes, and nothing more.
    """

    race: Race
    rules: Rules
    standings: tuple[Standing, ...]
    contending: tuple[Standing, ...]
    first: tuple[Standing, ...]
    valid: int
    counted: int
    expected: int | None
    over: bool
    drawn: int | None = None
    frozen: Mapping[int, How] | None = field(default=None, hash=False)  # a mapping has no hash
    given: "ContestOutcome | None" = field(default=None, hash=False)

    @cached_property
    def elected(self) -> tuple[Elected, ...]:
        """The elected candidates, in the order of election; empty while it is open, or if no candidate is elected."""
        if self.given is not None:
            return self.given.elected if self.over or self.race.unopposed else ()
        if self.frozen is not None:
            return tuple(
                Elected(s.contender, s.votes, self.frozen[line.number])
                for s in self.standings
                for line in s.contender.lines
                if line.number in self.frozen
            )
        if self.race.unopposed:
            return tuple(Elected(s.contender, s.votes, "unopposed") for s in self.standings)
        if not self.over or self.kept_vacant:
            return ()
        if len(self.first) == 1:
            return (Elected(self.first[0].contender, self.first[0].votes, "votes"),)
        return tuple(
            Elected(s.contender, s.votes, "lot")
            for s in self.first
            if self.drawn in [line.number for line in s.contender.lines]
        )

    @property
    def leaders(self) -> tuple[Standing, ...]:
        """Who is shown as first: the elected, else everyone with the most votes. With several seats, the latter."""
        if self.given is not None:
            return self.first
        if not self.elected or len(self.first) == 1 == len(self.elected):
            return self.first
        won = {elected.contender.number for elected in self.elected}
        return tuple(s for s in self.standings if s.contender.number in won)

    @property
    def leading_party(self) -> str | None:
        """The abbreviation; None before the first vote, in a tie of parties, and where no person leads."""
        if len(self.first) == 1 and not self.elected:  # nearly always, and asked for often
            contender = self.first[0].contender
            return contender.party if contender.is_person else None
        if not self.leaders or self.kept_vacant:
            return None
        first, *others = self.leaders
        party = first.contender.party
        return party if all(other.contender.party == party for other in others) else None

    @property
    def kept_vacant(self) -> bool:
        """Whether a line that is no person has the most votes, alone or with others."""
        if self.given is not None:
            return False
        return self.race.has_no_persons and any(not standing.contender.is_person for standing in self.first)

    @property
    def tie(self) -> tuple[Standing, ...]:
        """Persons with equal votes at the end of the count, whether or not a lot was drawn; empty without a tie."""
        if self.given is not None:
            return ()
        return self.first if self.over and len(self.first) > 1 and not self.kept_vacant else ()

    @property
    def undecided(self) -> bool:
        """The count is over and a tie awaits its lot."""
        if self.given is not None:
            return self.over and bool(self.given.ties)
        return bool(self.tie) and not self.elected

    @property
    def party(self) -> str | None:
        """The party that has won the seat: its candidate is elected, or ahead of every ballot that could come."""
        if self.given is not None:
            return self.elected[0].contender.party if self.race.seats == 1 and self.elected else None
        if self.elected or self.frozen is not None:
            return self.elected[0].contender.party if self.elected else None
        return self.leading_party if len(self.first) == 1 and not self.lead.overturnable else None

    @cached_property
    def lead(self) -> Lead:
        if self.race.unopposed:
            return UNOPPOSED
        votes = [standing.votes for standing in self.contending[:2]]
        return lead(votes, self.counted, self.race.registered, self.expected, over=self.over)
