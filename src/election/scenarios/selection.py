"""A part of a scenario, or a simulated one at another size."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from election.errors import BadInput
from election.scenarios.model import Contest, Scenario


def select(scenario: Scenario, contests: Sequence[str] = (), region: str | None = None) -> Scenario:
    """The scenario with some of its contests: those named (by id or name) and those of the region or country.

    With both, those that are named and lie there. Case and blanks around do not matter. Raises BadInput,
    with what comes near, for a name that is not there or when nothing is left.
    """
    chosen = scenario.contests
    if region is not None and region.strip():
        chosen = tuple(
            contest for contest in chosen if _same(region) in {_same(contest.region), _same(contest.country)}
        )
        if not chosen:
            there = dict.fromkeys(place for c in scenario.contests for place in (c.region, c.country))
            raise _unknown("region or country", region, list(there), scenario.name)
    if contests:
        wanted: set[str] = set()
        for name in contests:
            found = [c for c in scenario.contests if _same(name) in {_same(c.contest_id), _same(c.name)}]
            if not found:
                there_is = [label for c in scenario.contests for label in (c.contest_id, c.name)]
                raise _unknown("contest", name, there_is, scenario.name)
            wanted.update(contest.contest_id for contest in found)
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


def _same(text: str) -> str:
    return text.strip().casefold()


def _unknown(what: str, given: str, there: list[str], scenario: str) -> BadInput:
    by_key = {_same(label): label for label in there}
    near = get_close_matches(_same(given), by_key, n=3, cutoff=0.5)
    hint = (
        f"Did you mean {' or '.join(by_key[key] for key in near)}?" if near else f"There are {', '.join(there[:12])}."
    )
    return BadInput(f"{scenario} has no {what} {given!r}. {hint} Nothing was written.")
