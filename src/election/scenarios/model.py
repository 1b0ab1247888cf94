"""The parts of a scenario. Votes, ballots and voters are counts of persons; None where a simulation will tell."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from election.contracts.public import ElectionKind, Party
from election.outcome import Kind, Rules
from election.outcome.rules import DEFAULT


@dataclass(frozen=True)
class Candidate:
    """A line on the ballot paper of one contest. ``votes`` is the official result, None when it is to be simulated.

    Lines of one person share a ``candidate_id``. ``kind`` says which lines are no person.
    """

    given_name: str
    family_name: str
    gender: str
    party: str
    party_abbreviation: str
    votes: int | None
    candidate_id: str | None = None
    kind: Kind = "person"

    @property
    def name(self) -> str:
        """Both names, or the one there is."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True)
class Contest:
    """A race for one seat. ``declared_at`` is the local time at which the result was declared.

    ``polling_day`` is the contest's own when it polls later than the others, else None.
    """

    contest_id: str
    name: str
    region: str
    country: str
    declared_at: datetime | None
    electorate: int
    valid_votes: int | None
    invalid_votes: int | None
    candidates: tuple[Candidate, ...]
    polling_day: date | None = None

    @property
    def unopposed(self) -> bool:
        """One person alone stands, and there are no official ballots: no poll is held."""
        first, *others = self.candidates
        one = first.kind == "person" and all(c.candidate_id and c.candidate_id == first.candidate_id for c in others)
        return one and not (self.valid_votes or self.invalid_votes)


@dataclass(frozen=True)
class Simulation:
    """What a simulated election draws from; docs/behaviour.md has the formulas. Shares are between 0 and 1.

    ``support`` holds (party abbreviation, lowest, highest) relative weights; a party that is not in it
    draws from ``DEFAULT_SUPPORT``.
    """

    turnout: float = 0.65
    turnout_spread: float = 0.06
    invalid: float = 0.004
    region_spread: float = 0.35
    age_spread: float = 0.5
    gender_spread: float = 0.15
    candidate_spread: float = 0.15
    support: tuple[tuple[str, float, float], ...] = ()


DEFAULT_SUPPORT = (0.2, 0.5)


@dataclass(frozen=True)
class Scenario:
    """One election to run. ``name`` is its folder's name, ``title`` what people call it.

    A replay has every candidate's official votes, a simulated one none. ``warnings`` say what looks wrong in the
    files but can be used.
    """

    name: str
    title: str
    polling_day: date
    kind: ElectionKind
    licence: str
    parties: tuple[Party, ...]
    contests: tuple[Contest, ...]
    map: Path | None = None
    simulation: Simulation = Simulation()
    warnings: tuple[str, ...] = ()
    system: Rules = DEFAULT

    @property
    def registered(self) -> int:
        """Registered voters in all contests."""
        return sum(contest.electorate for contest in self.contests)
