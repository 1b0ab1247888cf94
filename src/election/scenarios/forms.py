"""The forms of a scenario's folder: what its files are, and how districts and official results follow from them.

- simple: contests.csv and candidates.csv. Each contest has a district of its own.
- rankings: with ballots.csv. As before, but each ballot ranks the candidates.
- two votes: with second_votes.csv. A constituency votes for a candidate and for a list of its region.
- general: with districts.csv, and results.csv or ballots.csv in a replay. A district votes in one contest or several.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from election.outcome import MixedRules
from election.scenarios.description import Description
from election.scenarios.model import Candidate, Contest, District, Result
from election.scenarios.reading import Contests, Form, Lines, candidates_of, contests_of, electorate_of
from election.scenarios.tables import Row, refused, rows

_SIMPLE = Form()
_RANKINGS = Form(candidate_columns=("candidate_no",))
_TWO_VOTES = Form(
    ("electorate", "voters", "first_valid", "first_invalid", "second_valid", "second_invalid"),
    figures=("first_valid", "first_invalid"),
)
_GENERAL = Form(contest_columns=(), candidate_columns=("candidate_no",))
INVALID = "invalid"
"""In results.csv, the choice that stands for invalid votes."""


@dataclass(frozen=True)
class Read:
    """What the files say. Without ``districts`` they follow from the contests. ``rows`` are those of contests.csv."""

    contests: tuple[Contest, ...]
    rows: tuple[Row, ...]
    lines: Lines
    replay: bool
    districts: tuple[District, ...] = ()
    results: tuple[Result, ...] = ()


def read(home: Path, description: Description) -> Read:
    """Reads the folder in the form that its files show. Raises BadInput naming file, line and remedy."""
    if (home / "districts.csv").is_file():
        return _general(home, description)
    if (home / "second_votes.csv").is_file():
        return _two_votes(home, description)
    if (home / "ballots.csv").is_file():
        return _rankings(home, description)
    return _simple(home, description)


def _simple(home: Path, description: Description) -> Read:
    if isinstance(description.system, MixedRules):
        what = "the system is mixed, and nothing says which contests a voter votes in"
        raise refused(home / "scenario.toml", None, what, "Add second_votes.csv, or districts.csv with results.csv.")
    contests, lines = _tables(home, description, _SIMPLE)
    replay = _is_replay(contests, lines)
    for contest_id, (row, contest) in contests.items():
        if replay and contest.kind == "ranking":
            raise row.refused(f"{contest_id} is decided by rankings", "Give the ballots in a file ballots.csv.")
        if replay:
            _check_votes(row, contest, [candidate.votes or 0 for _, candidate in lines[contest_id]])
    return Read(_with_candidates(contests, lines), _rows(contests), lines, replay)


def _rankings(home: Path, description: Description) -> Read:
    contests, lines = _tables(home, description, _RANKINGS)
    places = _places(lines)
    for contest_id, (row, contest) in contests.items():
        if contest.kind != "ranking":
            what = f"{contest_id} has ballots with rankings, and the system is {description.system.system}"
            raise row.refused(what, 'Write system = "stv" or "irv" under [system] in scenario.toml.')
        for name in ("electorate", *_RANKINGS.figures):
            if row.count(name) is None:
                raise row.refused(f"`{name}` is empty, while there are official ballots", "Fill it in.")
    ballots = _ballots(home / "ballots.csv", {(contest_id, contest_id) for contest_id in contests}, places, lines)
    results = []
    for contest_id, (row, contest) in contests.items():
        result = _ranked(contest_id, contest, ballots[contest_id, contest_id], contest.invalid_votes or 0, lines)
        _check_votes(row, contest, result.votes)
        results.append(result)
    found = _summed(contests, lines, results)
    districts = [District(c.contest_id, c.name, c.region, c.country, c.electorate, (c.contest_id,)) for c in found]
    return Read(found, _rows(contests), lines, replay=True, districts=tuple(districts), results=tuple(results))


def _two_votes(home: Path, description: Description) -> Read:
    file = home / "second_votes.csv"
    if not isinstance(description.system, MixedRules):
        raise refused(file, None, "second votes need the system mixed", 'Write system = "mixed" under [system].')
    contests, lines = _tables(home, description, _TWO_VOTES)
    if not _is_replay(contests, lines):
        raise refused(file, None, "there are second votes and no first ones", "Fill in `votes` in candidates.csv.")
    second: dict[str, dict[str, int]] = {contest_id: {} for contest_id in contests}
    parties: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows(file, ("contest_id", "party_abbreviation", "second_votes")):
        contest_id, party = row.text("contest_id"), row.text("party_abbreviation")
        if contest_id not in contests:
            raise row.refused(f"contest {contest_id!r} is not in contests.csv", "Correct the id, or add it there.")
        if party in second[contest_id]:
            raise row.refused(f"{party} is there already in {contest_id}", "Give each list one line.")
        second[contest_id][party] = row.count("second_votes") or 0
        parties[contests[contest_id][1].region][party] = None
    named = {party.abbreviation: party.name for party in description.parties}
    districts, results, lists = [], [], {}
    by_region: dict[str, list[tuple[Row, Contest]]] = defaultdict(list)
    for contest_id, (row, contest) in contests.items():
        _check_votes(row, contest, [candidate.votes or 0 for _, candidate in lines[contest_id]])
        _check_second(row, contest_id, second[contest_id])
        by_region[contest.region].append((row, contest))
    for region, members in by_region.items():
        lists[region] = _lists(region, members, list(parties[region]), named)
        if lists[region].contest_id in contests:
            what = f"contest {lists[region].contest_id} has the id that the lists of {region} get"
            raise members[0][0].refused(what, "Give the contest another id.")
    for contest_id, (row, contest) in contests.items():
        own = lists[contest.region]
        on_paper = (contest_id, own.contest_id)
        where = (contest.name, contest.region, contest.country, contest.electorate)
        districts.append(District(contest_id, *where, on_paper))
        first = tuple(candidate.votes or 0 for _, candidate in lines[contest_id])
        results.append(Result(contest_id, contest_id, first, contest.invalid_votes or 0))
        votes = tuple(second[contest_id].get(party, 0) for party in parties[contest.region])
        results.append(Result(contest_id, own.contest_id, votes, row.count("second_invalid") or 0))
    whole = _with_candidates(contests, lines) + tuple(
        _sum_of(own, [result for result in results if result.contest_id == own.contest_id], own.electorate)
        for own in lists.values()
    )
    return Read(whole, _rows(contests), lines, True, tuple(districts), tuple(results))


def _lists(
    region: str, members: Sequence[tuple[Row, Contest]], parties: Sequence[str], named: Mapping[str, str]
) -> Contest:
    """The contest of a region's lists, one for each party with second votes there."""
    row, first = members[0]
    number = row.values.get("land_no")
    electorate = sum(contest.electorate for _, contest in members)
    candidates = tuple(
        Candidate("", named.get(party, party), "unknown", named.get(party, party), party, None, kind="list")
        for party in parties
    )
    return Contest(
        f"L{number}" if number else f"L {region}",
        f"{region} (lists)",
        region,
        first.country,
        None,
        electorate,
        None,
        None,
        candidates,
        kind="lists",
    )


def _check_second(row: Row, contest_id: str, second: Mapping[str, int]) -> None:
    voters, first, own = (
        row.count("voters") or 0,
        (row.count("first_valid") or 0) + (row.count("first_invalid") or 0),
        (row.count("second_valid") or 0) + (row.count("second_invalid") or 0),
    )
    if sum(second.values()) != row.count("second_valid"):
        what = f"the lists of {contest_id} have {sum(second.values())} votes in second_votes.csv, `second_valid` is "
        raise row.refused(
            f"{what}{row.count('second_valid')}", "Correct the votes or `second_valid`: they must add up."
        )
    if not voters == first == own:
        what = f"{contest_id} has {voters} voters, {first} first and {own} second votes"
        raise row.refused(what, "Correct the figures: every voter has one vote of each kind, valid or invalid.")


def _general(home: Path, description: Description) -> Read:
    contests, lines = _tables(home, description, _GENERAL)
    districts = _districts(home / "districts.csv", description, contests)
    papers = {(district.district_id, contest_id) for district, _ in districts for contest_id in district.contests}
    for contest_id, (row, _) in contests.items():
        if not any(contest_id == own for _, own in papers):
            what = f"contest {contest_id} is on no district's ballot paper"
            raise row.refused(what, "Add it to `contests` of a district in districts.csv, or take it out.")
    electorates = dict.fromkeys(contests, 0)
    for district, _ in districts:
        for contest_id in district.contests:
            electorates[contest_id] += district.electorate
    sized = {
        contest_id: (row, replace(contest, electorate=electorates[contest_id], valid_votes=None, invalid_votes=None))
        for contest_id, (row, contest) in contests.items()
    }
    found = tuple(district for district, _ in districts)
    replay = (home / "results.csv").is_file() or (home / "ballots.csv").is_file()
    if not replay:
        return Read(_with_candidates(sized, lines), _rows(contests), lines, False, found)
    results = _results(home, papers, sized, lines)
    for district, row in districts:
        _check_voters(row, district, [result for result in results if result.district_id == district.district_id])
    return Read(_summed(sized, lines, results), _rows(contests), lines, True, found, results)


def _districts(file: Path, description: Description, contests: Contests) -> list[tuple[District, Row]]:
    found: dict[str, tuple[District, Row]] = {}
    for row in rows(file, ("district_id", "name", "region", "country", "electorate", "contests")):
        district_id = row.text("district_id")
        if district_id in found:
            what = f"district {district_id} is there already, in line {found[district_id][1].line}"
            raise row.refused(what, "Give each district one line and an id of its own.")
        on_paper = tuple(name.strip() for name in row.text("contests").split(";") if name.strip())
        for contest_id in on_paper:
            if contest_id not in contests:
                raise row.refused(
                    f"contest {contest_id!r} is not in contests.csv", "Correct `contests`, or add it there."
                )
        if len(set(on_paper)) < len(on_paper):
            raise row.refused("`contests` names a contest twice", "Name each contest of the ballot paper once.")
        where = (row.text("name"), row.text("region"), row.text("country"))
        found[district_id] = District(district_id, *where, electorate_of(row, description), on_paper), row
    if not found:
        raise refused(file, None, "there is no district", "Add a line for each district.")
    _check_positions(found.values())
    return list(found.values())


def _check_positions(districts: Iterable[tuple[District, Row]]) -> None:
    """Turnout counts the first vote, and parties' votes are summed by position: a contest has one on all papers."""
    known: dict[str, int] = {}
    for district, row in districts:
        for position, contest_id in enumerate(district.contests, 1):
            if known.setdefault(contest_id, position) != position:
                what = f"contest {contest_id} comes at place {position} here and at place {known[contest_id]} before"
                raise row.refused(what, "Give each contest the same place in `contests` of all districts.")


def _results(home: Path, papers: set[tuple[str, str]], contests: Contests, lines: Lines) -> tuple[Result, ...]:
    """The official result of each district in each contest of its paper."""
    places, file = _places(lines), home / "results.csv"
    votes: dict[tuple[str, str], dict[str, int]] = {key: {} for key in papers}
    ranked = {contest_id for contest_id, (_, contest) in contests.items() if contest.kind == "ranking"}
    for row in rows(file, ("district_id", "contest_id", "choice", "votes")) if file.is_file() else ():
        key, choice = (row.text("district_id"), row.text("contest_id")), row.text("choice")
        if key not in papers:
            what = f"contest {key[1]} is not on the ballot paper of district {key[0]}"
            raise row.refused(what, "Correct the ids, or `contests` of the district in districts.csv.")
        if choice != INVALID and (choice not in places[key[1]] or key[1] in ranked):
            known = INVALID if key[1] in ranked else f"a `candidate_no` of {key[1]} in candidates.csv, or {INVALID}"
            raise row.refused(f"`choice` is {choice!r}", f"Write {known}.")
        if choice in votes[key]:
            raise row.refused(f"{choice} is there already in {key[0]}, {key[1]}", "Give each choice one line.")
        votes[key][choice] = row.count("votes") or 0
    ballots = (
        _ballots(home / "ballots.csv", {key for key in papers if key[1] in ranked}, places, lines) if ranked else {}
    )
    found = []
    for key in papers:
        given, contest = votes[key], contests[key[1]][1]
        expected = {INVALID} if key[1] in ranked else {INVALID, *places[key[1]]}
        if missing := sorted(expected - given.keys()):
            what = f"district {key[0]} has no votes for {', '.join(missing)} in contest {key[1]}"
            raise refused(file, None, what, "Add a line for each choice, 0 included.")
        if key[1] in ranked:
            found.append(_ranked(key[0], contest, ballots[key], given[INVALID], lines))
        else:
            own = tuple(given[choice] for choice in places[key[1]])
            found.append(Result(*key, own, given[INVALID]))
    return tuple(sorted(found, key=lambda result: (result.district_id, result.contest_id)))


def _ballots(
    file: Path, keys: set[tuple[str, str]], places: Mapping[str, Mapping[str, int]], lines: Lines
) -> dict[tuple[str, str], Counter[tuple[int, ...]]]:
    """ballots.csv: ballots by ranking, for each district and contest. A ranking has places of candidates, from 0."""
    found: dict[tuple[str, str], Counter[tuple[int, ...]]] = {key: Counter() for key in keys}
    for row in rows(file, ("contest_id", "ballots", "ranking"), optional=["district_id"]):
        contest_id = row.text("contest_id")
        key = (row.values.get("district_id") or contest_id, contest_id)
        if key not in found:
            what = f"contest {contest_id!r} of district {key[0]!r} takes no ranking"
            raise row.refused(
                what, "Correct the ids; name the district in a column `district_id` if it has another id."
            )
        numbers = [number.strip() for number in row.text("ranking").split(">")]
        if unknown := [number for number in numbers if number not in places[contest_id]]:
            what = f"`ranking` names {unknown[0]!r}, which is no `candidate_no` of {contest_id}"
            raise row.refused(what, "Write numbers of candidates with > between, the most preferred first.")
        if len(set(numbers)) < len(numbers):
            raise row.refused("`ranking` names a candidate twice", "Name each candidate once.")
        ranking = tuple(places[contest_id][number] for number in numbers)
        if ranking in found[key]:
            raise row.refused("this ranking is there already", "Give each ranking of a contest one line.")
        found[key][ranking] = row.count("ballots") or 0
        if not found[key][ranking]:
            raise row.refused("`ballots` is 0 or empty", "Give the number of ballots, or delete the line.")
    return found


def _ranked(
    district_id: str, contest: Contest, ballots: Mapping[tuple[int, ...], int], invalid: int, lines: Lines
) -> Result:
    first = Counter[int]()
    for ranking, number in ballots.items():
        first[ranking[0]] += number
    votes = tuple(first[place] for place in range(len(lines[contest.contest_id])))
    return Result(district_id, contest.contest_id, votes, invalid, tuple(sorted(ballots.items())))


def _places(lines: Lines) -> dict[str, dict[str, int]]:
    """The place of each candidate in their contest, from 0, by ``candidate_no``. Raises BadInput if one is twice."""
    found: dict[str, dict[str, int]] = {}
    for contest_id, own in lines.items():
        places: dict[str, int] = {}
        for place, (row, _) in enumerate(own):
            number = row.text("candidate_no")
            if number in places or number == INVALID:
                raise row.refused(f"`candidate_no` {number} is there already in {contest_id}", "Give each another one.")
            places[number] = place
        found[contest_id] = places
    return found


def _tables(home: Path, description: Description, form: Form) -> tuple[Contests, Lines]:
    contests = contests_of(home, description, form)
    lines = candidates_of(home, contests, form)
    for contest_id, (row, _) in contests.items():
        if not lines[contest_id]:
            what = f"contest {contest_id} has no candidate in candidates.csv"
            raise row.refused(what, "Add its candidates there, or take the contest out.")
    return contests, lines


def _rows(contests: Contests) -> tuple[Row, ...]:
    return tuple(row for row, _ in contests.values())


def _with_candidates(contests: Contests, lines: Lines) -> tuple[Contest, ...]:
    return tuple(
        replace(contest, candidates=tuple(candidate for _, candidate in lines[contest_id]))
        for contest_id, (_, contest) in contests.items()
    )


def _summed(contests: Contests, lines: Lines, results: Iterable[Result]) -> tuple[Contest, ...]:
    """The contests with the sums of their districts' official votes."""
    by_contest: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_contest[result.contest_id].append(result)
    return tuple(
        _sum_of(contest, by_contest[contest.contest_id], contest.electorate)
        for contest in _with_candidates(contests, lines)
    )


def _sum_of(contest: Contest, results: Sequence[Result], electorate: int) -> Contest:
    votes = [sum(column) for column in zip(*(result.votes for result in results), strict=True)]
    return replace(
        contest,
        electorate=electorate,
        valid_votes=sum(votes),
        invalid_votes=sum(result.invalid for result in results),
        candidates=tuple(replace(c, votes=number) for c, number in zip(contest.candidates, votes, strict=True)),
    )


def _is_replay(contests: Contests, lines: Lines) -> bool:
    """True when every figure is given, False when none is; part of them is neither a replay nor a simulation."""
    given = [(row, c.votes is not None, "votes") for people in lines.values() for row, c in people]
    for row, contest in contests.values():
        given += [(row, contest.valid_votes is not None, "valid_votes")]
        given += [(row, contest.invalid_votes is not None, "invalid_votes")]
    replay = any(is_given for _, is_given, _ in given)
    if replay:
        given += [(row, bool(row.values["electorate"]), "electorate") for row, _ in contests.values()]
    for row, is_given, column in given:
        if is_given != replay:
            what = f"`{column}` is empty, while other lines have official figures"
            raise row.refused(what, "Fill in all figures (a replay), or leave all of them empty (simulated).")
    return replay


def _check_votes(row: Row, contest: Contest, by_candidate: Sequence[int]) -> None:
    valid, invalid, votes = contest.valid_votes or 0, contest.invalid_votes or 0, sum(by_candidate)
    contest_id = contest.contest_id
    if votes != valid:
        what = f"the candidates of {contest_id} have {votes} votes in candidates.csv, `valid_votes` is {valid}"
        raise row.refused(what, "Correct the votes or `valid_votes`: they must add up.")
    if valid + invalid > contest.electorate:
        what = f"{contest_id} has {valid} valid + {invalid} invalid ballots, more than its electorate of "
        raise row.refused(f"{what}{contest.electorate}", "Correct the ballots or `electorate`.")


def _check_voters(row: Row, district: District, results: Sequence[Result]) -> None:
    """Every voter has one vote in each contest of the paper, so the sums are equal, and not above the electorate."""
    sums = {result.contest_id: sum(result.votes) + result.invalid for result in results}
    if len(set(sums.values())) > 1:
        what = f"district {district.district_id} has different numbers of votes: {sums}"
        raise row.refused(what, "Correct results.csv: every voter has one vote in each contest, valid or invalid.")
    if max(sums.values(), default=0) > district.electorate:
        what = f"district {district.district_id} has {max(sums.values())} voters, more than its electorate of "
        raise row.refused(f"{what}{district.electorate}", "Correct results.csv or `electorate`.")
