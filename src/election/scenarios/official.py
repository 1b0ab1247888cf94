"""A replay's official result in the form that election.outcome decides from."""

from collections.abc import Sequence

from election.outcome import Count, Line, Race, contenders
from election.scenarios.model import Contest


def official(contests: Sequence[Contest]) -> tuple[list[Race], Count]:
    """A replay's contests with their official votes; lines are numbered through the whole election."""
    votes: dict[int, int] = {}
    races, invalid = [], {}
    for number, contest in enumerate(contests, 1):
        lines = []
        for c in contest.candidates:
            line = len(votes) + 1
            votes[line] = c.votes or 0
            lines.append(Line(line, number, c.name, c.party_abbreviation, c.party, c.votes, c.candidate_id, c.kind))
        invalid[number] = contest.invalid_votes or 0
        races.append(
            Race(
                number,
                contenders(lines),
                contest.electorate,
                contest.unopposed,
                region=contest.region,
                contest_id=contest.contest_id,
            )
        )
    return races, Count(votes, invalid, over=True)
