"""Real elections with their official results, as tests and ``bench.outcome`` decide them again: tests/data."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from election.outcome import Count, Line, MixedRules, Race, contenders

DATA = Path(__file__).parents[1] / "tests" / "data"
GERMANY = MixedRules(minorities=("SSW",), independents=("EB",))


def rows(election: str, file: str) -> Iterator[dict[str, str]]:
    """The rows of ``file`` of this election's folder."""
    with (DATA / election / file).open(newline="", encoding="utf-8") as opened:
        yield from csv.DictReader(opened)


def germany() -> tuple[list[Race], Count]:
    """The Bundestag election of 2025: 299 constituencies, numbered as officially, and 16 contests of lists after them.

    A state's lists are contest 1000 + its number.
    """
    lines: dict[int, list[Line]] = defaultdict(list)
    votes: dict[int, int] = {}

    def line(contest: int, party: str, own: int) -> None:
        number = len(votes) + 1
        lines[contest].append(Line(number, contest, f"{party} {number}", party, party))
        votes[number] = own

    for row in rows("germany-bundestag-2025", "first_votes.csv"):
        line(int(row["contest_id"]), row["party_abbreviation"], int(row["first_votes"]))
    contests = {int(row["contest_id"]): row for row in rows("germany-bundestag-2025", "contests.csv")}
    lists: dict[tuple[int, str], int] = defaultdict(int)
    for row in rows("germany-bundestag-2025", "second_votes.csv"):
        land = 1_000 + int(contests[int(row["contest_id"])]["land_no"])
        lists[land, row["party_abbreviation"]] += int(row["second_votes"])
    for (land, party), own in lists.items():
        line(land, party, own)
    registered: dict[int, int] = defaultdict(int)
    invalid: dict[int, int] = defaultdict(int)
    races, regions = [], {}
    for number, row in contests.items():
        land = 1_000 + int(row["land_no"])
        regions[land] = row["region"]
        registered[land] += int(row["electorate"])
        invalid[number], invalid[land] = int(row["first_invalid"]), invalid[land] + int(row["second_invalid"])
        races.append(Race(number, contenders(lines[number]), int(row["electorate"]), region=row["region"]))
    for land, region in sorted(regions.items()):
        races.append(Race(land, contenders(lines[land]), registered[land], kind="lists", region=region))
    return races, Count(votes, invalid, over=True)


def aberdeen() -> tuple[list[Race], Count]:
    """The council election of 2017 in Aberdeen: 13 wards. Candidate 4 of the third ward is number 304."""
    numbers: dict[str, int] = {}
    lines: dict[str, list[Line]] = defaultdict(list)
    for row in rows("scotland-aberdeen-2017", "candidates.csv"):
        ward = numbers.setdefault(row["contest_id"], len(numbers) + 1)
        name = f"{row['given_name']} {row['family_name']}"
        number = 100 * ward + int(row["candidate_no"])
        lines[row["contest_id"]].append(Line(number, ward, name, row["party_abbreviation"], row["party"]))
    rankings: dict[int, dict[tuple[int, ...], int]] = defaultdict(dict)
    for row in rows("scotland-aberdeen-2017", "ballots.csv"):
        ward = numbers[row["contest_id"]]
        ranking = tuple(100 * ward + int(candidate) for candidate in row["ranking"].split(">"))
        rankings[ward][ranking] = int(row["ballots"])
    races, invalid = [], {}
    for row in rows("scotland-aberdeen-2017", "contests.csv"):
        ward = numbers[row["contest_id"]]
        invalid[ward] = int(row["invalid_votes"])
        races.append(
            Race(
                ward,
                contenders(lines[row["contest_id"]]),
                int(row["electorate"]),
                seats=int(row["seats"]),
                kind="ranking",
                contest_id=row["contest_id"],
            )
        )
    return races, Count(invalid=invalid, rankings=rankings, over=True)
