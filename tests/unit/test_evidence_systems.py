"""The package's verifier where voters have several votes, rank candidates, or several persons are elected."""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from election.evidence.entries import AGE_GROUPS, GENDERS, SIMPLE, Entry, EntryForm
from election.evidence.package import write_checksums
from election.outcome import Count, Line, Race, RankedRules, contenders, decide_election
from tests.unit.test_evidence_verify import (
    ABOUT,
    ORIGIN,
    SIGNER,
    VERDICTS,
    certification,
    change,
    heads,
    journal_heads,
    package,
    verify,
    written,
)

# Voters of districts 11 and 12 rank for the two seats of contest 1; those of 12 rank in contest 2 as well.
FORM = EntryForm(district=True, preferences=4)
LINES = {1: (1, 2, 3, 4), 2: (5, 6, 7)}
PAPERS = {11: (1,), 12: (1, 2)}


def votes() -> list[Entry]:
    draw, found = random.Random(3), []
    for _ in range(200):
        people = draw.choice((1, 2)), draw.randrange(3), draw.randrange(7), draw.randrange(100, 103)
        district = draw.choice((11, 12))
        for contest in PAPERS[district]:
            ranking = tuple(draw.sample(LINES[contest], draw.randrange(len(LINES[contest]))))
            line = ranking[0] if ranking else 0
            found.append(Entry(draw.randbytes(16), contest, line, *people, district, ranking))
    return found


def stated(entries: list[Entry]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in entries:
        found["choice"][f"{one.contest}/{one.candidate}"] += 1
        found["paper"][f"{one.district}/{one.contest}/{one.candidate}"] += 1
        found["contest"][str(one.contest)] += 1
        if one.ranking:
            found["ranking"][f"{one.contest}/{','.join(map(str, one.ranking))}"] += 1
            found["minute"][f"{one.minute}/{'' if one.contest == 1 else '2/'}P{one.candidate}"] += 1
        if one.contest == 1:
            found["location"][str(one.location)] += 1
            found["gender"][GENDERS[one.gender]] += 1
            found["age_group"][AGE_GROUPS[one.age_group]] += 1
    return {part: dict(total) for part, total in found.items()}


RACES = [
    Race(no, contenders(Line(n, no, f"C{n}", f"P{n}", "") for n in lines), seats=2 if no == 1 else 1, kind="ranking")
    for no, lines in LINES.items()
]


def ranked_package(folder: Path, entries: list[Entry], counted: dict[str, Any] | None = None) -> Path:
    """A package of which the stated result, if not given, is that of the entries."""
    packed = [FORM.pack(one) for one in entries]
    notes, tree = heads(packed)
    noted = [*VERDICTS, certification(tree)]
    counted = counted or stated(entries)
    rankings: dict[int, dict[tuple[int, ...], int]] = defaultdict(dict)
    for key, number in counted["ranking"].items():
        contest, ranking = key.split("/")
        rankings[int(contest)][tuple(map(int, ranking.split(",")))] = number
    whole = decide_election(RACES, Count(rankings=rankings, over=True), RankedRules())
    elected = {f"{one.race.number}/{e.contender.number}": e.how for one in whole.contests for e in one.elected}
    assert len(elected) == 3
    contests = {
        str(race.number): ABOUT | {
            "id": f"W{race.number}", "region": "", "kind": "ranking", "position": race.number, "seats": race.seats,
            "lines": {str(c.number): {"name": c.name, "party": c.party, "kind": "person", "candidate_id": None}
                      for c in race.contenders},
            "contenders": {}}
        for race in RACES
    }  # fmt: skip
    described = {
        "origin": ORIGIN,
        "entry": {"bytes": FORM.size, "district": True, "preferences": FORM.preferences},
        "system": "stv",
        "rules": {"system": "stv"},
        "lots": [],
        "names": {"gender": dict(enumerate(GENDERS)), "age_group": dict(enumerate(AGE_GROUPS))},
        "series": {str(n): f"{'' if no == 1 else '2/'}P{n}" for no, lines in LINES.items() for n in lines},
        "registered": {"contest": {"1": 210, "2": 150}, "voters": {"11": 150, "12": 150}},
        "papers": {str(district): list(map(str, paper)) for district, paper in PAPERS.items()},
        "districts": {"11": "D11", "12": "D12"},
        "contests": contests,
        "left_out": [],
    }
    certified = {
        "choice": counted["choice"],
        "paper": counted["paper"],
        "elected": elected,
        "seats": dict(Counter(f"P{key.split('/')[1]}" for key in elected)),
        "log": {"size": tree.size, "root": tree.root().hex()},
    }
    return written(folder, packed, [*notes, *journal_heads(noted)], noted, described, counted, certified)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return ranked_package(tmp_path / "package", votes())


def test_rankings_of_voters_with_one_vote_or_two_are_right(folder):
    status, said = verify(folder, SIGNER.verifier_key)
    assert status == 0 and said.startswith(f"Right: {len(votes())} ballots, 0 left out"), said


def _at(entries: list[Entry], preferences: int) -> int:
    return next(at for at, one in enumerate(entries) if len(one.ranking) == preferences and one.contest == 1)


def _swapped(entries: list[Entry]) -> tuple[int, Entry]:
    at = _at(entries, 3)
    first, second, third = entries[at].ranking
    return at, entries[at]._replace(ranking=(first, third, second))


def _shortened(entries: list[Entry]) -> tuple[int, Entry]:
    at = _at(entries, 3)
    return at, entries[at]._replace(ranking=entries[at].ranking[:2])


def _moved(entries: list[Entry]) -> tuple[int, Entry]:
    at = next(at for at, one in enumerate(entries) if one.district == 11)
    return at, entries[at]._replace(district=12)


TAMPERED = [("ranking 1/", _swapped), ("ranking 1/", _shortened), ("paper 1", _moved)]


@pytest.mark.parametrize(("said", "tamper"), TAMPERED)
def test_a_ranking_or_district_changed_after_it_was_sealed_is_found_though_the_checksums_were_adapted(
    folder, said, tamper
):
    entries = votes()
    at, entry = tamper(entries)
    entries[at] = entry
    (folder / "entries.bin").write_bytes(b"".join(map(FORM.pack, entries)))
    write_checksums(folder)
    status, told = verify(folder)
    assert status == 1 and "entries.bin: the first" in told and f"WRONG: {said}" in told, told


@pytest.mark.parametrize(("said", "tamper"), TAMPERED)
def test_a_forged_ranking_or_district_that_was_sealed_differs_from_the_result(tmp_path, said, tamper):
    entries = votes()
    at, entry = tamper(entries)
    forged = [*entries[:at], entry, *entries[at + 1 :]]
    status, told = verify(ranked_package(tmp_path / "package", forged, stated(entries)))
    assert status == 1 and "entries.bin" not in told and f"WRONG: {said}" in told, told


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"ranking": (1, 2, 1)}, "contest 1: 1 votes for 1 have the ranking 1,2,1"),
        ({"ranking": (1, 7)}, "contest 1: 1 votes for 1 have the ranking 1,7"),
        ({"ranking": (2, 1)}, "contest 1: 1 votes for 1 have the ranking 2,1"),
        ({"ranking": ()}, "contest 1: 1 votes for 1 have the ranking without a name"),
        ({"ranking": (1, 0, 3)}, "contest 1: 1 votes for 1 have the ranking 1,3"),
        ({"candidate": 0, "ranking": (1,)}, "contest 1: 1 votes for 0 have the ranking 1"),
        ({"district": 13, "ranking": (1,)}, "district 13: contest 1 is not on its paper"),
        ({"district": 12, "ranking": (1,)}, "district 12: the contests of its paper have unequal numbers of votes"),
    ],
)
def test_a_vote_that_no_voter_can_have_cast_is_named(tmp_path, part, said):
    odd = Entry(b"\x42" * 16, 1, 1, 1, 0, 0, 100, 11)._replace(**part)
    status, told = verify(ranked_package(tmp_path / "package", [*votes(), odd], stated(votes())))
    assert status == 1 and f"WRONG: {said}" in told, told


def test_second_votes_that_are_said_to_be_first_ones_change_the_turnout(folder):
    contests = json.loads((folder / "election.json").read_text("utf-8"))["contests"]
    contests["2"]["position"] = 1
    change(folder, "election.json", contests=contests)
    status, told = verify(folder)
    assert status == 1 and "WRONG: gender female: " in told and "WRONG: location 1: " in told, told


def test_another_winner_by_rankings_is_named(folder):
    certified = _certified(folder)
    loser = next(f"1/{line}" for line in LINES[1] if f"1/{line}" not in certified["elected"])
    change(folder, "result.json", certified=certified | {"elected": certified["elected"] | {loser: "votes"}})
    status, told = verify(folder)
    assert status == 1 and f"elected {loser}: 0 by the ballots, votes in the certified result" in told, told


@pytest.mark.parametrize(("said", "part"), [("counted", "ranking"), ("counted", "paper"), ("certified", "paper")])
def test_rankings_or_districts_that_the_result_leaves_out_are_named(folder, said, part):
    result = json.loads((folder / "result.json").read_text("utf-8"))[said]
    change(folder, "result.json", **{said: {name: of for name, of in result.items() if name != part}})
    status, told = verify(folder)
    assert status == 1 and f"WRONG: {part} " in told and f"in the {said} result" in told, told


def test_a_certified_vote_moved_to_another_district_is_named(folder):
    certified = _certified(folder)
    moved = {key: votes + (key == "11/1/1") - (key == "12/1/1") for key, votes in certified["paper"].items()}
    assert moved != certified["paper"]
    change(folder, "result.json", certified=certified | {"paper": moved})
    status, told = verify(folder)
    assert status == 1 and told.count("in the certified result") == 2 and "WRONG: paper 11/1/1: " in told, told


@pytest.mark.parametrize(
    ("lots", "elected"),
    [
        ([], {"1/1": "votes"}),
        ([{"tied": ["2", "3"], "chosen": ["3"]}], {"1/1": "votes", "1/3": "lot"}),
        ([{"tied": ["2", "4"], "chosen": ["2"]}], {"1/1": "votes"}),
        ([{"tied": ["2", "3"], "chosen": ["1"]}], {"1/1": "votes"}),
    ],
)
def test_the_most_voted_have_the_seats_of_a_contest_and_a_lot_counts_for_its_tie(tmp_path, lots, elected):
    folder = two_seats(tmp_path / "package", (1, 1, 1, 2, 2, 3, 3, 4), elected, lots)
    status, told = verify(folder)
    assert status == 0, told
    change(folder, "result.json", certified=_certified(folder) | {"elected": {"1/2": "votes"}})
    assert "WRONG: elected 1/1: 0" not in (told := verify(folder)[1]) and "WRONG: elected 1/1: votes" in told, told


def _certified(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
    found: dict[str, Any] = result["certified"]
    return found


def two_seats(folder: Path, lines: tuple[int, ...], elected: dict[str, str], lots: list[dict[str, Any]]) -> Path:
    """One contest of two seats, by plurality."""
    made = [SIMPLE.pack(Entry(bytes([n]) * 16, 1, line, 1, 0, 0, 100)) for n, line in enumerate(lines)]
    package(folder, made)
    about = ABOUT | {
        "seats": 2,
        "lots": lots,
        "lines": dict.fromkeys("1234"),
        "contenders": {n: {"lines": [n], "party": f"P{n}", "person": True} for n in "1234"},
    }
    seats = Counter(f"P{key[2:]}" for key in elected)
    change(folder, "result.json", certified=_certified(folder) | {"elected": elected, "seats": seats})
    change(folder, "election.json", contests={"1": about})
    return folder
