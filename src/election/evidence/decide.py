"""Rankings, ballot papers and who is elected, for verify.py of an election's package. Needs nothing but Python.

Plurality is decided here, apart from the platform's code. Every other system is decided by the platform's own rules:
outcome.zip has their sources, which name the laws that they follow. It cannot show that these rules are right.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Check = Callable[[bool, str], None]


Seat = tuple[str, str, str, str, int, str]
"""Contest, line, party, how, number of seats, and the district if a contest's seats are divided among them."""


def decide(
    election: Mapping[str, Any], found: Mapping[str, Counter[str]], ranked: Mapping[bytes, int], check: Check
) -> dict[str, Counter[str]]:
    """Checks what votes say, and returns the parts that verify.py does not know itself.

    ``ranking``: votes by CONTEST/CANDIDATE,CANDIDATE. ``elected``: how, by CONTEST/LINE, where a candidate is known by
    the first of their lines. ``seats`` by party.
    """
    rankings = _rankings(election["contests"], ranked, check)
    _check_contests(election["contests"], found, check)
    _check_papers(election["papers"], found["paper"], check)
    by_rules = _by_plurality if election["system"] == "plurality" else _by_the_platforms_rules
    elected: Any = Counter()
    seats: Counter[str] = Counter()
    for contest, line, party, how, number, where in by_rules(election, {**found, "ranking": rankings}):
        key = f"{contest}/{line}/{where}" if where else f"{contest}/{line}"
        elected[key] = how if number == 1 else f"{how}, {number} seats"
        seats[party] += number
    return {"ranking": rankings, "elected": elected, "seats": seats}


def _rankings(contests: Mapping[str, Any], ranked: Mapping[bytes, int], check: Check) -> Counter[str]:
    """``ranked`` are votes by contest (4 bytes), candidate (4) and preferences (2 each; 0 after the last)."""
    found: Counter[str] = Counter()
    for key, votes in ranked.items():
        contest, line = (str(int.from_bytes(key[at : at + 4], "big")) for at in (0, 4))
        places = [str(int.from_bytes(key[at : at + 2], "big")) for at in range(8, len(key), 2)]
        ranking = [place for place in places if place != "0"]
        about = contests.get(contest, {"kind": "", "lines": ()})
        check(
            ranking[:1] == ([line] if about["kind"] == "ranking" and line != "0" else [])
            and ranking == places[: len(ranking)]
            and len({*ranking}) == len(ranking)
            and {*ranking} <= {*about["lines"]},
            f"contest {contest}: {votes} votes for {line} have the ranking {','.join(ranking) or 'without a name'}",
        )
        if ranking:
            found[f"{contest}/{','.join(ranking)}"] += votes
    return found


def _check_contests(contests: Mapping[str, Any], found: Mapping[str, Counter[str]], check: Check) -> None:
    lines = {f"{number}/{line}" for number, about in contests.items() for line in ("0", *about["lines"])}
    for odd in found["choice"].keys() - lines:
        check(False, f"{found['choice'][odd]} votes are for {odd} (contest/candidate), who does not stand there")
    for number, about in contests.items():
        empty = not about["unopposed"] or not found["contest"][number]
        check(empty, f"contest {number}: unopposed, and it has ballots")


def _check_papers(papers: Mapping[str, list[str]], votes: Mapping[str, int], check: Check) -> None:
    """Each voter has one vote in every contest of their district's paper. ``votes`` by DISTRICT/CONTEST/LINE."""
    cast = {district: Counter(dict.fromkeys(paper, 0)) for district, paper in papers.items()}
    for key, number in votes.items():
        district, contest, _ = key.split("/")
        check(contest in papers.get(district, ()), f"district {district}: contest {contest} is not on its paper")
        cast.setdefault(district, Counter())[contest] += number
    for district, by_contest in cast.items():
        equal = len({*by_contest.values()}) < 2
        check(equal, f"district {district}: the contests of its paper have unequal numbers of votes: {by_contest}")


def _by_plurality(election: Mapping[str, Any], found: Mapping[str, Counter[str]]) -> Iterator[Seat]:
    """The most votes win; equal ones for the last seat draw lots. A line that is no person keeps its seat vacant."""
    for contest, about in election["contests"].items():
        standing, votes = about["contenders"], found["choice"]
        sums = {who: sum(votes[f"{contest}/{line}"] for line in own["lines"]) for who, own in standing.items()}
        last = sorted([*sums.values(), *[0] * about["seats"]], reverse=True)[about["seats"] - 1]
        chosen = [who for who in sums if about["unopposed"] or sums[who] > last]
        level = [who for who in sums if sums[who] == last > 0]
        how = dict.fromkeys(chosen, "unopposed" if about["unopposed"] else "votes")
        free = about["seats"] - len(chosen)
        if len(level) <= free:
            how |= dict.fromkeys(level, "votes")
        elif all(standing[who]["person"] for who in level):
            tied = sorted(level, key=int)  # a lot of an older version does not say
            drawn: list[str] = next((lot["chosen"] for lot in about["lots"] if lot["tied"] in (None, tied)), [])
            drawn = drawn if {*drawn} <= {*level} and len({*drawn}) == free else []
            how |= dict.fromkeys(drawn, "lot")
        for who in how:
            if standing[who]["person"]:
                yield contest, who, standing[who]["party"], how[who], 1, ""


def _by_the_platforms_rules(election: Mapping[str, Any], found: Mapping[str, Counter[str]]) -> Iterator[Seat]:
    sys.path.insert(0, str(Path(__file__).with_name("outcome.zip")))
    from election.outcome import Count, Line, Lot, Race, contenders, decide_whole
    from election.outcome.rules import made

    races = [
        Race(
            int(number),
            contenders(
                Line(int(line), int(number), own["name"], own["party"], "", None, own["candidate_id"], own["kind"])
                for line, own in about["lines"].items()
            ),
            unopposed=about["unopposed"],
            seats=about["seats"],
            kind=about["kind"],
            region=about["region"],
            contest_id=about["id"],
        )
        for number, about in election["contests"].items()
    ]
    votes: Counter[int] = Counter()
    for choice, cast in found["choice"].items():
        votes[int(choice.split("/")[1])] += cast
    ranked: dict[int, dict[tuple[int, ...], int]] = defaultdict(dict)
    for key, cast in found["ranking"].items():
        contest, ranking = key.split("/")
        ranked[int(contest)][tuple(map(int, ranking.split(",")))] = cast
    names = election["districts"]
    divided: dict[int, dict[str, dict[int, int]]] = defaultdict(dict)
    for district, paper in election["papers"].items():
        for contest in paper:
            divided[int(contest)][names[district]] = {}
    for key, cast in found["paper"].items():
        district, contest, line = key.split("/")
        divided[int(contest)][names[district]][int(line)] = cast
    lots = [Lot(lot["contest"], lot["step"], tuple(lot["tied"]), tuple(lot["chosen"])) for lot in election["lots"]]
    whole = decide_whole(races, Count(votes, {}, ranked, divided, over=True), made(election["rules"]), lots=lots)
    for outcome in whole.outcomes:
        for one in outcome.elected:
            own = one.contender
            yield str(outcome.race.number), str(own.number), own.party, one.how, one.seats, one.district
