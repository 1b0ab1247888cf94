"""A part of a scenario, or a simulated one at another size."""

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from difflib import get_close_matches

from election.errors import BadInput
from election.outcome import ListRules, MixedRules
from election.scenarios.model import Contest, District, Result, Scenario
from election.text import folded


def select(scenario: Scenario, contests: Sequence[str] = (), region: str | None = None) -> Scenario:
    """The part of a scenario that some of its districts vote in: those named and those of the region or country.

    A name is a district's or a contest's id or name; a contest stands for the districts that vote in it.
    A text of ``contests`` is one id or name; if there is none like it, several with semicolons, line breaks or commas
    between them. With a region too, those that are named and lie there. Case, blanks around and the kind of apostrophe
    or dash do not matter. Raises BadInput, with what comes near, for a name that is not there or when nothing is left.
    """
    chosen = scenario.districts
    if region is not None and region.strip():
        chosen = tuple(one for one in chosen if folded(region) in {folded(one.region), folded(one.country)})
        if not chosen:
            there = dict.fromkeys(place for one in scenario.districts for place in (one.region, one.country))
            raise _unknown("region or country", region, list(there), scenario.name)
    if any(map(str.strip, contests)):
        wanted = _named(scenario, contests)
        chosen = tuple(one for one in chosen if one.district_id in wanted)
        if not chosen:
            raise BadInput(
                f"None of the contests {', '.join(contests)} lies in {region}; nothing is left of {scenario.name}. "
                "Leave out the contests or the region."
            )
    return part(scenario, {one.district_id for one in chosen})


def part(scenario: Scenario, district_ids: Container[str]) -> Scenario:
    """The scenario with these districts alone, what they vote in, and their part of the official votes.

    Seats that the whole country shares out are reduced in proportion to the registered voters.
    """
    chosen = tuple(one for one in scenario.districts if one.district_id in district_ids)
    if len(chosen) == len(scenario.districts):
        return scenario
    left = {contest_id for one in chosen for contest_id in (*one.contests, one.district_id)}
    results = tuple(result for result in scenario.results if result.district_id in district_ids)
    contests = tuple(_part_of(c, chosen, results) for c in scenario.contests if c.contest_id in left)
    standing = {candidate.party_abbreviation for contest in contests for candidate in contest.candidates}
    system = scenario.system
    if isinstance(system, ListRules | MixedRules) and system.seats:
        electorate = sum(one.electorate for one in chosen)
        system = replace(system, seats=max(1, round(system.seats * electorate / scenario.registered)))
    return replace(
        scenario,
        districts=chosen,
        contests=contests,
        results=results,
        system=system,
        parties=tuple(party for party in scenario.parties if party.abbreviation in standing),
    )


def _part_of(contest: Contest, districts: Sequence[District], results: Sequence[Result]) -> Contest:
    """The contest with the electorate and the official votes of these districts; the same object if it is whole."""
    voting = [one for one in districts if contest.contest_id in one.contests] or [
        one for one in districts if one.district_id == contest.contest_id
    ]
    electorate = sum(one.electorate for one in voting)
    if electorate == contest.electorate:
        return contest
    own = [result for result in results if result.contest_id == contest.contest_id]
    if not own:
        return replace(contest, electorate=electorate)
    votes = [sum(column) for column in zip(*(result.votes for result in own), strict=True)]
    return replace(
        contest,
        electorate=electorate,
        valid_votes=sum(votes),
        invalid_votes=sum(result.invalid for result in own),
        candidates=tuple(replace(c, votes=number) for c, number in zip(contest.candidates, votes, strict=True)),
    )


def with_voters(scenario: Scenario, voters: int) -> Scenario:
    """A simulated scenario with ``voters`` registered in all, spread over its districts in proportion.

    Raises BadInput on a replay, whose electorate is given, and for fewer voters than districts.
    """
    if scenario.kind == "replay":
        raise BadInput(
            f"{scenario.name} is a replay: its electorate of {scenario.registered:,} is given. "
            "Leave VOTERS out, or choose contests or a region instead."
        )
    number, what = len(scenario.districts), "contests" if scenario.simple else "districts"
    if voters < number:
        raise BadInput(
            f"{voters} voters cannot be: {scenario.name} has {number} {what}, "
            f"and each needs at least one registered voter. Give {number} or more."
        )
    sizes = _spread(voters, [one.electorate for one in scenario.districts])
    districts = tuple(replace(one, electorate=size) for one, size in zip(scenario.districts, sizes, strict=True))
    return replace(scenario, districts=districts, contests=tuple(_part_of(c, districts, ()) for c in scenario.contests))


def _spread(voters: int, electorates: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the electorates that add up to ``voters``: largest remainders, one at least."""
    total = sum(electorates)
    shares = [divmod(electorate * voters, total) for electorate in electorates]
    left = voters - sum(whole for whole, _ in shares)
    favoured = set(sorted(range(len(shares)), key=lambda i: -shares[i][1])[:left])
    sizes = [whole + (i in favoured) for i, (whole, _) in enumerate(shares)]
    while 0 in sizes:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[sizes.index(0)] += 1
    return sizes


def _named(scenario: Scenario, texts: Sequence[str]) -> set[str]:
    """The ids of the districts that the texts name. Raises BadInput with what comes near a name that is not there."""
    ids: dict[str, set[str]] = {}
    labels: list[str] = []
    voting: dict[str, set[str]] = {}
    for one in scenario.districts:
        for contest_id in one.contests:
            voting.setdefault(contest_id, set()).add(one.district_id)
        for label in (one.district_id, one.name):
            ids.setdefault(folded(label), set()).add(one.district_id)
            labels.append(label)
    for contest in () if scenario.simple else scenario.contests:
        for label in (contest.contest_id, contest.name):
            if folded(label) not in ids:
                ids[folded(label)] = voting.get(contest.contest_id, set())
                labels.append(label)
    names = [name for text in texts for name in _separated(text, ids)]
    for name in names:
        if folded(name) not in ids:
            raise _unknown("contest", name, labels, scenario.name)
    return {district_id for name in names for district_id in ids[folded(name)]}


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
