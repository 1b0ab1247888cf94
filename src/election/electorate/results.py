"""Stores the official results of a replay: votes by district, contest and candidate, and ballots by ranking."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from election.platform import Connection
from election.scenarios import Scenario
from election.storage.elections import Election


def store_results(
    connection: Connection, poll: Election, scenario: Scenario, standing: Sequence[tuple[int, int]]
) -> dict[int, int]:
    """Stores the results of the election's districts; returns each candidate's official votes there.

    ``standing`` are the numbers of contest and candidate, within a contest in the order of the scenario. A candidate
    whose contest spans districts that were not chosen has fewer votes than in the scenario.
    """
    no, votes = poll.election_no, Counter[int]()
    candidates: dict[int, list[int]] = defaultdict(list)
    for contest, candidate in standing:
        candidates[contest].append(candidate)
    papers = {
        (district_id, contest_id): (district, contest)
        for district_id, contest_id, district, contest in connection.execute(
            """SELECT district_id, contest_id, district_no, contest_no FROM papers
               JOIN districts USING (election_no, district_no) JOIN contests USING (election_no, contest_no)
               WHERE election_no = %s""",
            [no],
        )
    }
    results, rankings = list[tuple[object, ...]](), list[tuple[object, ...]]()
    for result in scenario.results:
        if (own := papers.get((result.district_id, result.contest_id))) is None:
            continue
        numbers = candidates[own[1]]
        votes.update(dict(zip(numbers, result.votes, strict=True)))
        results += [(no, *own, *cast) for cast in zip(numbers, result.votes, strict=True)]
        results.append((no, *own, None, result.invalid))
        rankings += [(no, *own, [numbers[place] for place in ranking], ballots) for ranking, ballots in result.rankings]
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO official_results (election_no, district_no, contest_no, candidate_no, votes)
               VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            results,
        )
        cursor.executemany(
            """INSERT INTO official_rankings (election_no, district_no, contest_no, ranking, votes)
               VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            rankings,
        )
    return dict(votes)
