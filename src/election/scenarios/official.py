"""A replay's official result in the form that election.outcome decides from."""

from collections import Counter, defaultdict

from election.outcome import Count, Line, Race, contenders
from election.scenarios.model import Scenario


def official(scenario: Scenario) -> tuple[list[Race], Count]:
    """A replay's contests with their official votes; lines are numbered through the whole election."""
    number_of = {contest.contest_id: number for number, contest in enumerate(scenario.contests, 1)}
    lines: dict[str, list[Line]] = {}
    for number, contest in enumerate(scenario.contests, 1):
        begun = sum(map(len, lines.values()))
        lines[contest.contest_id] = [
            Line(begun + place, number, c.name, c.party_abbreviation, c.party, c.votes, c.candidate_id, c.kind)
            for place, c in enumerate(contest.candidates, 1)
        ]
    races = [
        Race(
            number_of[contest.contest_id],
            contenders(lines[contest.contest_id]),
            contest.electorate,
            contest.unopposed,
            contest.seats,
            contest.kind,
            contest.region,
            contest.contest_id,
        )
        for contest in scenario.contests
    ]
    votes: Counter[int] = Counter({line.number: 0 for own in lines.values() for line in own})
    invalid: Counter[int] = Counter(dict.fromkeys(number_of.values(), 0))
    rankings: dict[int, Counter[tuple[int, ...]]] = defaultdict(Counter)
    districts: dict[int, dict[str, dict[int, int]]] = defaultdict(dict)
    for result in scenario.results:
        contest_no, own = number_of[result.contest_id], lines[result.contest_id]
        in_district = {line.number: number for line, number in zip(own, result.votes, strict=True)}
        votes.update(in_district)
        invalid[contest_no] += result.invalid
        districts[contest_no][result.district_id] = in_district
        for ranking, ballots in result.rankings:
            rankings[contest_no][tuple(own[place].number for place in ranking)] += ballots
    return races, Count(votes, invalid, rankings, districts, over=True)
