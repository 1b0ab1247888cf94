"""The parts of a scenario. Votes, ballots and voters are counts of persons; None where a simulation will tell."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from election.contracts.public import ElectionKind, Party
from election.outcome import AnyRules, Kind
from election.outcome.race import RaceKind
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
    """Who competes for which seats. ``declared_at`` is the local time at which the result was declared.

    ``electorate``, ``valid_votes`` and ``invalid_votes`` are sums over the districts that vote in it.
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
    kind: RaceKind = "candidates"
    seats: int = 1

    @property
    def unopposed(self) -> bool:
        """One person alone stands for one seat, and there are no official ballots: no poll is held."""
        if self.kind == "lists" or self.seats > 1 or not self.candidates:
            return False
        first, *others = self.candidates
        one = first.kind == "person" and all(c.candidate_id and c.candidate_id == first.candidate_id for c in others)
        return one and not (self.valid_votes or self.invalid_votes)


@dataclass(frozen=True)
class District:
    """Where voters are registered and figures are reported. ``contests`` are on its ballot paper, by id, in order."""

    district_id: str
    name: str
    region: str
    country: str
    electorate: int
    contests: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The official votes of a district in a contest. ``votes`` has one number for each candidate, in their order.

    ``rankings`` are ballots by ranking, which names candidates by their place in the contest, from 0; then ``votes``
    are the first preferences.
    """

    district_id: str
    contest_id: str
    votes: tuple[int, ...]
    invalid: int
    rankings: tuple[tuple[tuple[int, ...], int], ...] = ()


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

    A replay has the official ``results`` of every district in each contest of its paper, a simulation has none.
    Without ``districts`` each contest is the only one of a district with its id (``simple``).
    ``warnings`` say what looks wrong in the files but can be used.
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
    system: AnyRules = DEFAULT
    districts: tuple[District, ...] = ()
    results: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        if not self.districts:
            object.__setattr__(self, "districts", tuple(map(_own_district, self.contests)))
        if not self.results and self.kind == "replay":
            object.__setattr__(self, "results", tuple(_own_result(c) for c in self.contests if not c.unopposed))

    @property
    def simple(self) -> bool:
        """Whether the contests say everything: districts and results follow from them."""
        own = tuple(map(_own_district, self.contests))
        return self.districts == own and not any(result.rankings for result in self.results)

    @property
    def registered(self) -> int:
        """Registered voters in all districts."""
        return sum(district.electorate for district in self.districts)

    @property
    def most_votes(self) -> int:
        """Votes, valid or not, in all contests: the official ones, or one a voter in each contest on the paper."""
        if self.results:
            return sum(sum(result.votes) + result.invalid for result in self.results)
        return sum(district.electorate * len(district.contests) for district in self.districts)


def _own_district(contest: Contest) -> District:
    on_paper = () if contest.unopposed else (contest.contest_id,)
    return District(contest.contest_id, contest.name, contest.region, contest.country, contest.electorate, on_paper)


def _own_result(contest: Contest) -> Result:
    votes = tuple(candidate.votes or 0 for candidate in contest.candidates)
    return Result(contest.contest_id, contest.contest_id, votes, contest.invalid_votes or 0)
