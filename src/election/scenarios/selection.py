"""A part of a scenario, or a simulated one at another size."""

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from difflib import get_close_matches

from election.errors import BadInput
from election.scenarios.model import Contest, Scenario
from election.text import folded


def select(scenario: Scenario, contests: Sequence[str] = (), region: str | None = None) -> Scenario:
    """The scenario with some of its contests: those named (by id or name) and those of the region or country.

    A text of ``contests`` is one id or name; if there is none like it, several with semicolons, line breaks or commas
    between them. With a region too, those that are named and lie there. Case, blanks around and the kind of apostrophe
    or dash do not matter. Raises BadInput, with what comes near, for a name that is not there or when nothing is left.
    """
    chosen = scenario.contests
    if region is not None and region.strip():
        chosen = tuple(
            contest for contest in chosen if folded(region) in {folded(contest.region), folded(contest.country)}
        )
        if not chosen:
            there = dict.fromkeys(place for c in scenario.contests for place in (c.region, c.country))
            raise _unknown("region or country", region, list(there), scenario.name)
    if any(map(str.strip, contests)):
        wanted = _named(scenario, contests)
        chosen = tuple(contest for contest in chosen if contest.contest_id in wanted)
        if not chosen:
            raise BadInput(
                f"None of the contests {', '.join(contests)} lies in {region}; nothing is left of {scenario.name}. "
                "Leave out the contests or the region."
            )
    standing = {candidate.party_abbreviation for contest in chosen for candidate in contest.candidates}
    return replace(
        scenario, contests=chosen, parties=tuple(party for party in scenario.parties if party.abbreviation in standing)
    )


def with_voters(scenario: Scenario, voters: int) -> Scenario:
    """A simulated scenario with ``voters`` registered in all, spread over its contests in proportion.

    Raises BadInput on a replay, whose electorate is given, and for fewer voters than contests.
    """
    if scenario.kind == "replay":
        raise BadInput(
            f"{scenario.name} is a replay: its electorate of {scenario.registered:,} is given. "
            "Leave VOTERS out, or choose contests or a region instead."
        )
    if voters < len(scenario.contests):
        raise BadInput(
            f"{voters} voters cannot be: {scenario.name} has {len(scenario.contests)} contests, "
            f"and each needs at least one registered voter. Give {len(scenario.contests)} or more."
        )
    sizes = _spread(voters, scenario.contests)
    return replace(
        scenario, contests=tuple(replace(c, electorate=size) for c, size in zip(scenario.contests, sizes, strict=True))
    )


def _spread(voters: int, contests: Sequence[Contest]) -> list[int]:
    """Whole numbers in proportion to the electorates that add up to ``voters``: largest remainders, one at least."""
    total = sum(contest.electorate for contest in contests)
    shares = [divmod(contest.electorate * voters, total) for contest in contests]
    left = voters - sum(whole for whole, _ in shares)
    favoured = set(sorted(range(len(shares)), key=lambda i: -shares[i][1])[:left])
    sizes = [whole + (i in favoured) for i, (whole, _) in enumerate(shares)]
    while 0 in sizes:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[sizes.index(0)] += 1
    return sizes


def _named(scenario: Scenario, texts: Sequence[str]) -> set[str]:
    """The ids of the contests that the texts name. Raises BadInput with what comes near a name that is not there."""
    ids: dict[str, set[str]] = {}
    for contest in scenario.contests:
        for label in (contest.contest_id, contest.name):
            ids.setdefault(folded(label), set()).add(contest.contest_id)
    names = [name for text in texts for name in _separated(text, ids)]
    for name in names:
        if folded(name) not in ids:
            there = [label for contest in scenario.contests for label in (contest.contest_id, contest.name)]
            raise _unknown("contest", name, there, scenario.name)
    return {contest_id for name in names for contest_id in ids[folded(name)]}


def _separated(text: str, known: Container[str]) -> list[str]:
    """The text whole if it is known, else its parts. Commas separate only if a part is known: names have commas."""
    if folded(text) in known:
        return [text]
    names: list[str] = []
    for part in filter(str.strip, re.split(r"[;\n]", text)):
        between = list(filter(str.strip, part.split(",")))
        separate = folded(part) not in known and any(folded(name) in known for name in between)
        names += between if separate else [part]
    return [name.strip() for name in names]


def _unknown(what: str, given: str, there: list[str], scenario: str) -> BadInput:
    by_key = {folded(label): label for label in there}
    near = get_close_matches(folded(given), by_key, n=3, cutoff=0.5)
    hint = (
        f"Did you mean {' or '.join(by_key[key] for key in near)}?" if near else f"There are {', '.join(there[:12])}."
    )
    return BadInput(f"{scenario} has no {what} {given!r}. {hint} Nothing was written.")
