"""A scenario's folder as a Scenario."""

from collections import Counter
from difflib import get_close_matches
from pathlib import Path

from election.contracts.public import Party
from election.errors import BadInput
from election.scenarios import forms, garbled
from election.scenarios.description import Description, describe
from election.scenarios.model import Candidate, Scenario

_TEXTS = ("given_name", "family_name", "gender", "party", "party_abbreviation")


def names(folder: Path) -> list[str]:
    """The scenarios in ``folder``: its sub-folders that have a scenario.toml, by name."""
    return sorted(path.parent.name for path in folder.glob("*/scenario.toml"))


def load(folder: Path, name: str) -> Scenario:
    """The scenario in ``folder/name``, complete and consistent. Raises BadInput naming file, line and remedy."""
    known = names(folder)
    home = folder / name
    if not any(path.name == name and path.is_dir() for path in folder.glob("*")):
        near = get_close_matches(name, known, n=3, cutoff=0.4) or known
        raise BadInput(
            f"There is no scenario {name!r} in {folder}. {'Did you mean' if near else 'Add one:'} "
            f"{' or '.join(near) + '?' if near else 'docs/scenarios.md shows how.'} `election scenarios` lists them."
        )
    description = describe(home)
    read = forms.read(home, description)
    lines = [line for people in read.lines.values() for line in people]
    return Scenario(
        name=name,
        title=description.title,
        polling_day=description.polling_day,
        kind="replay" if read.replay else "simulated",
        licence=description.licence,
        parties=_parties(description, [candidate for contest in read.contests for candidate in contest.candidates]),
        contests=read.contests,
        map=description.map,
        simulation=description.simulation,
        warnings=(
            *garbled.warnings(read.rows, ("name", "region", "country")),
            *garbled.warnings((row for row, _ in lines), _TEXTS),
        ),
        system=description.system,
        districts=read.districts,
        results=read.results,
    )


def predecessor(folder: Path, name: str) -> str | None:
    """The scenario of the election before ``folder/name``, if that one is there and names one.

    Raises BadInput if the named one is not in ``folder``.
    """
    known = names(folder)
    before = describe(folder / name).predecessor if name in known else None
    if before is not None and before not in known:
        raise BadInput(
            f"{folder / name / 'scenario.toml'}: `predecessor` is {before!r}, and there is no such scenario. "
            "Add its folder beside this one, or delete the line."
        )
    return before


def _parties(description: Description, candidates: list[Candidate]) -> tuple[Party, ...]:
    """Those that stand, in the order of scenario.toml, then of candidates.csv; unnamed ones by their commonest name."""
    named: dict[str, Counter[str]] = {}
    for candidate in candidates:
        named.setdefault(candidate.party_abbreviation, Counter())[candidate.party] += 1
    listed = [party for party in description.parties if party.abbreviation in named]
    known = {party.abbreviation for party in listed}
    return (
        *listed,
        *(Party(short, most.most_common(1)[0][0]) for short, most in named.items() if short not in known),
    )
