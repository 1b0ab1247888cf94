"""The forms of a scenario's folder beyond the simple one: rankings, two votes, districts; what cannot be is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from election import scenarios
from election.errors import BadInput
from election.outcome import ListRules, MixedRules, RankedRules, WinnerTakeAllRules, decide_election
from election.scenarios import District, Result
from election.scenarios.official import official
from election.settings import Settings

FOLDER = Settings().scenarios
GERMANY, ABERDEEN = "germany-bundestag-2025", "scotland-aberdeen-2017"
Change = Callable[[str, str, str], None]


@pytest.fixture
def general(tmp_path: Path) -> Path:
    """Two districts that vote for a president together, and each for a council by rankings."""
    home = tmp_path / "general"
    home.mkdir()
    (home / "scenario.toml").write_text(
        'name = "General"\npolling_day = 2020-05-07\nlicence = "Free."\n\n[system]\nsystem = "list"\n'
    )
    (home / "contests.csv").write_text("contest_id,name,region,country,seats\nP,Parliament,All,Land,3\n")
    (home / "candidates.csv").write_text(
        "contest_id,candidate_no,given_name,family_name,party,party_abbreviation\n"
        "P,1,,,The Reds,Red\nP,2,,,The Blues,Blue\n"
    )
    (home / "districts.csv").write_text(
        "district_id,name,region,country,electorate,contests\nN,North,Up,Land,100,P\nS,South,Down,Land,80,P\n"
    )
    (home / "results.csv").write_text(
        "district_id,contest_id,choice,votes\nN,P,1,40\nN,P,2,20\nN,P,invalid,1\nS,P,1,10\nS,P,2,30\nS,P,invalid,0\n"
    )
    return tmp_path


def changed(folder: Path, name: str, file: str, old: str, new: str) -> None:
    path = folder / name / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_contest_may_span_districts_and_has_the_sums_of_their_votes(general: Path) -> None:
    made = scenarios.load(general, "general")
    assert made.districts == (
        District("N", "North", "Up", "Land", 100, ("P",)), District("S", "South", "Down", "Land", 80, ("P",)),
    )  # fmt: skip
    assert made.results == (Result("N", "P", (40, 20), 1), Result("S", "P", (10, 30), 0))
    (contest,) = made.contests
    assert (contest.kind, contest.seats, contest.electorate) == ("lists", 3, 180)
    assert (contest.valid_votes, contest.invalid_votes) == (100, 1)
    assert [(c.name, c.kind, c.votes) for c in contest.candidates] == [
        ("The Reds", "list", 50),
        ("The Blues", "list", 50),
    ]
    assert (made.kind, made.registered, made.simple) == ("replay", 180, False)


def test_a_part_has_its_districts_alone_and_what_they_voted(general: Path) -> None:
    north = scenarios.select(scenarios.load(general, "general"), region="up")
    assert [one.name for one in north.districts] == ["North"]
    assert [(c.electorate, c.valid_votes, c.invalid_votes) for c in north.contests] == [(100, 60, 1)]
    assert scenarios.select(scenarios.load(general, "general"), ["Parliament"]).registered == 180
    assert scenarios.select(scenarios.load(general, "general"), ["South"]).registered == 80


REFUSED = {
    "an unknown contest on a paper": ("districts.csv", "80,P", "80,Q", "line 3: contest 'Q' is not in contests.csv"),
    "a contest twice on a paper": ("districts.csv", "80,P", "80,P;P", "line 3: `contests` names a contest twice"),
    "a district twice": ("districts.csv", "S,South", "N,South", "line 3: district N is there already, in line 2"),
    "nobody registered": ("districts.csv", "Land,80", "Land,0", "line 3: `electorate` is 0"),
    "a contest on no paper": (
        "contests.csv", "P,Parliament,All,Land,3", "P,Parliament,All,Land,3\nQ,Quiet,All,Land,1",
        "contest Q has no candidate",
    ),
    "an unknown choice": ("results.csv", "S,P,2,30", "S,P,9,30", "line 6: `choice` is '9'"),
    "a choice twice": ("results.csv", "S,P,2,30", "S,P,1,30", "line 6: 1 is there already in S, P"),
    "a choice without a row": ("results.csv", "S,P,2,30\n", "", "district S has no votes for 2 in contest P"),
    "a contest that is not on the paper": ("results.csv", "S,P,2", "S,Q,2", "contest Q is not on the ballot paper"),
    "more votes than registered": ("results.csv", "S,P,1,10", "S,P,1,100", "district S has 130 voters, more than"),
    "a candidate number twice": ("candidates.csv", "P,2", "P,1", "line 3: `candidate_no` 1 is there already"),
    "seats of none": ("contests.csv", "Land,3", "Land,0", "line 2: `seats` is 0"),
    "a person on a list": ("candidates.csv", "party_abbreviation\nP,1,,,The Reds,Red",
                           "party_abbreviation,kind\nP,1,,,The Reds,Red,person", "2: `kind` is 'person'"),
    "an unknown key of the system": ("scenario.toml", '"list"', '"list"\nquota = 3', "`system.quota` is not known"),
    "a wrong method": ("scenario.toml", '"list"', '"list"\nmethod = "luck"', "`system.method` is 'luck'"),
    "a threshold of words": ("scenario.toml", '"list"', '"list"\nthreshold = "5"', "Give percent, from 0 to 100"),
    "minorities that are no list": ("scenario.toml", '"list"', '"list"\nminorities = "A"', "Write a list of texts"),
    "nationwide without seats": ("scenario.toml", '"list"', '"list"\nlevel = "nationwide"', "`system.seats`"),
    "an unknown system": ("scenario.toml", '"list"', '"dice"', "`system.system` is 'dice'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_file_line_and_remedy(general: Path, case: str) -> None:
    file, old, new, what = REFUSED[case]
    changed(general, "general", file, old, new)
    if case == "a person on a list":
        changed(general, "general", file, "The Blues,Blue", "The Blues,Blue,list")
    with pytest.raises(BadInput) as refused:
        scenarios.load(general, "general")
    assert what in str(refused.value)


def test_a_contest_has_one_position_on_all_papers_and_a_district_as_many_votes_in_each(general: Path) -> None:
    home = general / "general"
    (home / "contests.csv").write_text("contest_id,name,region,country\nP,Parliament,All,Land\nQ,Assembly,All,Land\n")
    with (home / "candidates.csv").open("a") as file:
        file.write("Q,1,,,The Reds,Red\n")
    changed(general, "general", "districts.csv", "100,P", "100,P;Q")
    changed(general, "general", "districts.csv", "80,P", "80,Q;P")
    with pytest.raises(BadInput, match=r"line 3: contest Q comes at place 1 here and at place 2 before\. Give each"):
        scenarios.load(general, "general")
    changed(general, "general", "districts.csv", "80,Q;P", "80,P;Q")
    with (home / "results.csv").open("a") as file:
        file.write("N,Q,1,60\nN,Q,invalid,1\nS,Q,1,40\nS,Q,invalid,1\n")
    with pytest.raises(BadInput, match=r"line 3: district S has different numbers of votes"):
        scenarios.load(general, "general")


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    for name in (GERMANY, ABERDEEN):
        shutil.copytree(FOLDER / name, tmp_path / name)
    return tmp_path


BALLOTS = {
    "an unknown candidate": ("S13002835,673,5", "S13002835,673,99", "`ranking` names '99', which is no `candidate_no`"),
    "a candidate twice": ("S13002835,673,5", "S13002835,673,5>5", "`ranking` names a candidate twice"),
    "a gap": ("S13002835,673,5", "S13002835,673,5>>4", "`ranking` names '', which is no `candidate_no`"),
    "no preference": ("S13002835,673,5", "S13002835,673,", "`ranking` is empty"),
    "no ballots": ("S13002835,673,5", "S13002835,0,5", "`ballots` is 0 or empty"),
    "a ranking twice": ("S13002835,673,5", "S13002835,673,4>7", "this ranking is there already"),
    "an unknown contest": ("S13002835,673,5", "S99,673,5", "contest 'S99' of district 'S99' takes no ranking"),
    "ballots that do not add up": ("S13002835,673,5", "S13002835,672,5", "have 6607 votes in candidates.csv"),
}


@pytest.mark.parametrize("case", BALLOTS)
def test_rankings_that_cannot_be_are_refused(copies: Path, case: str) -> None:
    old, new, what = BALLOTS[case]
    changed(copies, ABERDEEN, "ballots.csv", old, new)
    with pytest.raises(BadInput) as refused:
        scenarios.load(copies, ABERDEEN)
    assert what in str(refused.value)


SECOND = {
    "lists that do not add up": ("second_votes.csv", "001,SPD,30558", "001,SPD,30557", "the lists of 001 have 191893"),
    "a list twice": ("second_votes.csv", "001,CDU,47686", "001,SPD,47686", "SPD is there already in 001"),
    "an unknown constituency": ("second_votes.csv", "001,CDU", "999,CDU", "contest '999' is not in contests.csv"),
    "more first votes than voters": (
        "contests.csv",
        "192882,191785,1097",
        "192882,191785,1098",
        "192882 voters, 192883",
    ),
    "another system": ("scenario.toml", '"mixed"', '"plurality"', "second votes need the system mixed"),
}


@pytest.mark.parametrize("case", SECOND)
def test_second_votes_that_cannot_be_are_refused(copies: Path, case: str) -> None:
    file, old, new, what = SECOND[case]
    changed(copies, GERMANY, file, old, new)
    if case == "another system":
        path = copies / GERMANY / file
        path.write_text(path.read_text().split("[system]")[0] + '[system]\nsystem = "plurality"\n')
    with pytest.raises(BadInput) as refused:
        scenarios.load(copies, GERMANY)
    assert what in str(refused.value)


def test_a_folder_in_the_form_of_the_official_data_needs_a_scenario_toml_alone() -> None:
    germany, aberdeen = scenarios.load(FOLDER, GERMANY), scenarios.load(FOLDER, ABERDEEN)
    assert (germany.registered, len(germany.districts), len(germany.contests)) == (60_510_631, 299, 315)
    first, second = (sum(sum(r.votes) + r.invalid for r in germany.results if r.contest_id.startswith("L") is lists)
                     for lists in (False, True))  # fmt: skip
    assert first == second == 49_928_653
    assert (aberdeen.registered, sum(contest.seats for contest in aberdeen.contests)) == (163_594, 45)
    assert sum(ballots for result in aberdeen.results for _, ballots in result.rankings) == 70_609


def test_a_part_of_the_country_shares_out_its_part_of_the_seats() -> None:
    bremen = scenarios.select(scenarios.load(FOLDER, GERMANY), region="Bremen")
    assert isinstance(bremen.system, MixedRules)
    assert (bremen.system.seats, [one.name for one in bremen.contests][-1]) == (5, "Bremen (lists)")
    assert sum(decide_election(*official(bremen), bremen.system).seats.values()) == 5


@pytest.mark.parametrize(
    ("name", "rules"),
    [("list-council", ListRules), ("mixed-parliament", MixedRules), ("stv-wards", RankedRules),
     ("irv-mayor", RankedRules), ("electoral-college", WinnerTakeAllRules)],
)  # fmt: skip
def test_there_is_a_small_simulated_election_of_each_system(name: str, rules: type) -> None:
    made = scenarios.load(FOLDER, name)
    assert isinstance(made.system, rules)
    assert made.kind == "simulated"
    grown = scenarios.with_voters(made, 2_000)
    assert grown.registered == 2_000
    assert (
        sum(c.electorate for c in grown.contests if c.contest_id in {d.contests[0] for d in grown.districts}) == 2_000
    )
