"""The election before, which a scenario names, as its official result left it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from election.errors import BadInput
from election.outcome import decide_election
from election.outcome.change import Figures, figures
from election.scenarios.loading import load, predecessor
from election.scenarios.official import official


@dataclass(frozen=True)
class Earlier:
    """Its folder's name and title, the official figures of its contests, and its parties' names by abbreviation."""

    scenario: str
    title: str
    contests: tuple[Figures, ...]
    parties: Mapping[str, str]

    @cached_property
    def by_id(self) -> Mapping[str, Figures]:
        return {contest.contest_id: contest for contest in self.contests}


def earlier(folder: Path, name: str) -> Earlier | None:
    """The election before ``folder/name``; None if that scenario is not there or names none.

    Raises BadInput if the predecessor is not in ``folder``, cannot be read or has no official figures.
    """
    before = predecessor(folder, name)
    if before is None:
        return None
    scenario = load(folder, before)
    if scenario.kind != "replay":
        raise BadInput(
            f"{folder / name / 'scenario.toml'}: `predecessor` is {before!r}, which has no official figures. "
            "Name a scenario with votes, or delete the line."
        )
    races, count = official(scenario)
    contests = tuple(figures(decide_election(races, count, scenario.system), count))
    return Earlier(before, scenario.title, contests, {party.abbreviation: party.name for party in scenario.parties})
