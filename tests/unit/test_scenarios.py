"""Scenarios: what comes with the platform is right, and what cannot be right is refused with file, line and remedy."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from election import scenarios
from election.errors import BadInput
from election.settings import Settings

FOLDER = Settings().scenarios
UK = "uk-general-election-2019"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a scenario `borough` of two contests and official results; tests break it."""
    home = tmp_path / "borough"
    home.mkdir()
    (home / "scenario.toml").write_text(
        'name = "Borough"\npolling_day = 2020-05-07\nlicence = "Free."\n\n'
        '[parties]\nRed = { name = "The Reds", colour = "#aa0000" }\n'
    )
    (home / "contests.csv").write_text(
        "contest_id,name,region,country,declared_at,electorate,valid_votes,invalid_votes\n"
        "B1,Upper Ward,North,Borough,2020-05-07T23:10,100,60,2\n"
        "B2,Lower Ward,South,Borough,,200,90,0\n"
    )
    (home / "candidates.csv").write_text(
        "contest_id,given_name,family_name,gender,party,party_abbreviation,votes\n"
        "B1,Ann,Alder,female,The Reds,Red,40\n"
        "B1,Bob,Birch,male,The Blues,Blue,20\n"
        "B2,Cleo,Cedar,non-binary,The Reds,Red,90\n"
    )
    return tmp_path


def change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / "borough" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_uk_of_2019_is_complete() -> None:
    uk = scenarios.load(FOLDER, UK)
    assert (uk.kind, uk.polling_day, len(uk.contests)) == ("replay", date(2019, 12, 12), 650)
    assert uk.registered == 47_562_702
    assert sum(contest.valid_votes or 0 for contest in uk.contests) == 32_014_110
    assert sum(contest.invalid_votes or 0 for contest in uk.contests) == 117_919
    assert sum(len(contest.candidates) for contest in uk.contests) == 3_320
    times = sorted(contest.declared_at for contest in uk.contests if contest.declared_at)
    assert [time.isoformat() for time in (times[0], times[-1])] == ["2019-12-12T23:27:00", "2019-12-13T14:52:00"]
    assert "Contains Parliamentary information licensed under the Open Parliament Licence v3.0." in uk.licence


def test_the_seats_of_2019_are_the_official_ones() -> None:
    seats: dict[str, int] = {}
    for contest in scenarios.load(FOLDER, UK).contests:
        winner = max(contest.candidates, key=lambda candidate: candidate.votes or 0).party_abbreviation
        seats[winner] = seats.get(winner, 0) + 1
    assert seats == {
        "Con": 365, "Lab": 202, "SNP": 48, "LD": 11, "DUP": 8, "SF": 7, "PC": 4, "SDLP": 2,
        "Green": 1, "APNI": 1, "Spk": 1,
    }  # fmt: skip


def test_the_map_has_a_shape_for_every_contest() -> None:
    uk = scenarios.load(FOLDER, UK)
    assert uk.map is not None
    shapes = json.loads(uk.map.read_text("utf-8"))["features"]
    assert {shape["properties"]["contest_id"] for shape in shapes} == {contest.contest_id for contest in uk.contests}


def test_the_single_race_is_simulated_with_three_parties() -> None:
    race = scenarios.load(FOLDER, "single-race")
    assert (race.kind, len(race.contests), len(race.parties), race.registered) == ("simulated", 1, 3, 10_000)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", scenarios.names(FOLDER))
@pytest.mark.parametrize("page", ["#ffffff", "#0e1117"])
def test_the_parties_colours_stand_out_on_light_and_on_dark_pages(name: str, page: str) -> None:
    for party in scenarios.load(FOLDER, name).parties:
        if party.colour is not None:
            light, dark = sorted((luminance(party.colour), luminance(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, party


def test_a_users_folder_is_a_scenario(folder: Path) -> None:
    assert scenarios.names(folder) == ["borough"]
    borough = scenarios.load(folder, "borough")
    assert [(party.abbreviation, party.name, party.colour) for party in borough.parties] == [
        ("Red", "The Reds", "#aa0000"),
        ("Blue", "The Blues", None),
    ]
    assert [str(contest.declared_at) for contest in borough.contests] == ["2020-05-07 23:10:00", "None"]


def test_a_scenario_without_figures_is_simulated_at_any_size(folder: Path) -> None:
    change(folder, "contests.csv", "100,60,2", "100,,")
    change(folder, "contests.csv", "200,90,0", "200,,")
    for votes in ("Red,40", "Blue,20", "Red,90"):
        change(folder, "candidates.csv", votes, votes.split(",")[0] + ",")
    borough = scenarios.load(folder, "borough")
    assert borough.kind == "simulated"
    assert [contest.electorate for contest in scenarios.with_voters(borough, 1_000).contests] == [333, 667]
    assert [contest.electorate for contest in scenarios.with_voters(borough, 2).contests] == [1, 1]
    with pytest.raises(BadInput, match="has 2 contests"):
        scenarios.with_voters(borough, 1)


@pytest.mark.parametrize("voters", [2, 3, 17, 999, 12_345_678])
def test_voters_are_spread_to_the_last_one(voters: int) -> None:
    race = scenarios.load(FOLDER, "single-race")
    sizes = (3, 50_000, 7)
    contests = tuple(
        scenarios.Contest(str(n), "", "", "", None, size, None, None, ())
        for n, size in enumerate(sizes[: min(voters, 3)])
    )
    several = scenarios.Scenario(race.name, "", race.polling_day, "simulated", "", (), contests)
    assert scenarios.with_voters(several, voters).registered == voters


def test_voters_are_refused_on_a_replay(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"replay.*electorate of 300 is given"):
        scenarios.with_voters(scenarios.load(folder, "borough"), 1_000)


REFUSED = {
    "a missing column": ("contests.csv", "invalid_votes", "spoilt", 1, "missing column invalid_votes"),
    "a negative number": ("candidates.csv", "Red,40", "Red,-40", 2, "negative"),
    "no number": ("contests.csv", "100,60", "a hundred,60", 2, "not a whole number"),
    "a broken number": ("contests.csv", "100,60", "100.5,60", 2, "not a whole number"),
    "a huge number": ("contests.csv", "100,60", "1" + "0" * 30 + ",60", 2, "more than there are people"),
    "candidates that do not add up": ("candidates.csv", "Red,90", "Red,89", 3, "have 89 votes.*`valid_votes` is 90"),
    "more ballots than registered": ("contests.csv", "100,60,2", "100,60,41", 2, "more than its electorate of 100"),
    "nobody registered": ("contests.csv", "100,60,2", "0,60,2", 2, "`electorate` is 0"),
    "a duplicate contest": ("contests.csv", "B2,", "B1,", 3, "there already, in line 2"),
    "a duplicate candidate": ("candidates.csv", "Bob,Birch,male,The Blues", "Ann,Alder,male,The Reds", 3, "in line 2"),
    "a candidate of an unknown contest": ("candidates.csv", "B2,Cleo", "B3,Cleo", 4, "'B3' is not in contests.csv"),
    "a contest without candidates": ("contests.csv", "B2,", "B3,x,,,,9,,\nB2,", None, "is empty"),
    "a nameless candidate": ("candidates.csv", "Ann,Alder", ",", 2, "no name"),
    "a gender in capitals": ("candidates.csv", "female", "Female", 2, "`gender` is 'Female'"),
    "no party": ("candidates.csv", "The Reds,Red,40", "The Reds,,40", 2, "`party_abbreviation` is empty"),
    "a result missing": ("candidates.csv", "Blue,20", "Blue,", 3, "`votes` is empty, while other lines"),
    "ballots missing": ("contests.csv", "200,90,0", "200,90,", 3, "`invalid_votes` is empty, while other lines"),
    "an electorate missing": ("contests.csv", "200,90,0", ",90,0", 3, "`electorate` is empty, while other lines"),
    "no time": ("contests.csv", "2020-05-07T23:10", "ten past eleven", 2, "not a local time"),
    "a time zone": ("contests.csv", "2020-05-07T23:10", "2020-05-07T23:10Z", 2, "not a local time"),
    "declared too early": ("contests.csv", "2020-05-07T23:10", "2020-05-06T23:10", 2, "before polling day 2020-05-07"),
    "a value too many": ("contests.csv", "B2,Lower", "B2,,Lower", 3, "9 values for 8 columns"),
    "an open quote": ("contests.csv", "B2,Lower", 'B2,"Lower', 3, "not CSV"),
    "a NUL": ("contests.csv", "Lower", "Lo\0wer", 3, "NUL"),
    "a column twice": ("contests.csv", "declared_at,", "name,", 1, "missing column declared_at"),
    "no TOML": ("scenario.toml", 'name = "Borough"', "name = Borough", None, r"not TOML .*line 1"),
    "no polling day": ("scenario.toml", "polling_day = 2020-05-07\n", "", None, "`polling_day` is None"),
    "a bad polling day": ("scenario.toml", "2020-05-07", '"7 May"', 2, "not a date"),
    "no licence": ("scenario.toml", 'licence = "Free."', "", None, "`licence` is missing"),
    "a bad colour": ("scenario.toml", "#aa0000", "red", 6, "colour of 'Red' is 'red'"),
    "an unknown key": ("scenario.toml", "licence", "license", 3, "`license` is not known"),
    "no such map": ("scenario.toml", "licence", 'map = "../map.geojson"\nlicence', 3, "no file of this folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_with_file_line_and_remedy(folder: Path, case: str) -> None:
    file, old, new, line, what = REFUSED[case]
    change(folder, file, old, new)
    with pytest.raises(BadInput, match=what) as refused:
        scenarios.load(folder, "borough")
    # Candidates that do not add up are told at the contest, whose line has the other figure.
    told_in = "contests.csv" if "add up" in case else file
    place = f"{folder / 'borough' / told_in}" + (f", line {line}: " if line else "")
    message = str(refused.value)
    assert message.startswith(place), message
    assert re.search(r"\. [A-Z][^.]*", message), f"no remedy in {message}"


def test_a_contest_nobody_stands_in_is_refused(folder: Path) -> None:
    change(folder, "candidates.csv", "B2,Cleo,Cedar,non-binary,The Reds,Red,90\n", "")
    with pytest.raises(BadInput, match=r"contests\.csv, line 3: contest B2 has no candidate in candidates\.csv"):
        scenarios.load(folder, "borough")


def test_bytes_that_are_not_utf_8_are_refused(folder: Path) -> None:
    file = folder / "borough" / "candidates.csv"
    file.write_bytes(file.read_bytes().replace(b"Cleo", b"Cl\xe9o"))
    with pytest.raises(BadInput, match=r"candidates\.csv, line 4: the byte 0xe9 is not UTF-8.*iconv"):
        scenarios.load(folder, "borough")


@pytest.mark.parametrize("file", ["scenario.toml", "contests.csv", "candidates.csv"])
def test_a_missing_or_empty_file_is_refused(folder: Path, file: str) -> None:
    (folder / "borough" / file).write_bytes(b"")
    with pytest.raises(BadInput, match=re.escape(file)):
        scenarios.load(folder, "borough")
    (folder / "borough" / file).unlink()
    with pytest.raises(BadInput, match=rf"{re.escape(file)}: the file is missing"):
        scenarios.load(folder, "borough")


def test_spreadsheets_habits_are_taken(folder: Path) -> None:
    """A byte order mark, CRLF, blank lines, blanks around values, columns in another order and more of them."""
    home = folder / "borough"
    for file in ("contests.csv", "candidates.csv"):
        lines = [f"x, {line} " for line in (home / file).read_text().splitlines()]
        (home / file).write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*lines[:2], "", *lines[2:], ",,"]).encode())
    (home / "contests.csv").write_bytes((home / "contests.csv").read_bytes().removesuffix(b"\r\n,,"))
    (home / "candidates.csv").write_bytes((home / "candidates.csv").read_bytes().removesuffix(b"\r\n,,"))
    assert scenarios.load(folder, "borough").registered == 300


def test_a_quoted_line_break_does_not_shift_the_line_numbers(folder: Path) -> None:
    change(folder, "contests.csv", "Upper Ward", '"Upper\nWard"')
    change(folder, "contests.csv", "200,90,0", "200,-90,0")
    with pytest.raises(BadInput, match=r"contests\.csv, line 4"):
        scenarios.load(folder, "borough")


@pytest.mark.parametrize("name", ["brough", "../borough", "", ".", "..", "nothing like it"])
def test_an_unknown_scenario_is_refused_with_those_that_are_there(folder: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"There is no scenario .* borough"):
        scenarios.load(folder, name)


def test_contests_are_chosen_by_id_name_region_or_country(folder: Path) -> None:
    borough = scenarios.load(folder, "borough")

    def chosen(contests: tuple[str, ...] = (), region: str | None = None) -> list[str]:
        return [contest.contest_id for contest in scenarios.select(borough, contests, region).contests]

    assert chosen() == ["B1", "B2"]
    assert chosen(("b2", "B1")) == ["B1", "B2"]
    assert chosen((" lower ward ",)) == ["B2"]
    assert chosen(region="NORTH") == ["B1"]
    assert chosen(region="borough") == ["B1", "B2"]
    assert chosen(("B1", "B2"), "South") == ["B2"]
    assert [party.abbreviation for party in scenarios.select(borough, ("B2",)).parties] == ["Red"]


@pytest.mark.parametrize(
    ("contests", "region", "why"),
    [
        (("B9",), None, "no contest 'B9'. Did you mean B"),
        (("Uper Ward",), None, "Did you mean Upper Ward"),
        ((), "Nort", "no region or country 'Nort'. Did you mean North"),
        (("B1",), "South", "None of the contests B1 lies in South"),
    ],
)
def test_a_filter_that_matches_nothing_is_refused_with_what_comes_near(
    folder: Path, contests: tuple[str, ...], region: str | None, why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        scenarios.select(scenarios.load(folder, "borough"), contests, region)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("turnout = 1.2", "from 0 to 1"),
        ("turnout = nan", "from 0 to 1"),
        ("turnoot = 0.5", "`simulation.turnoot` is not known"),
        ("[simulation.support]\nRed = [0.5, 0.2]", "support of 'Red'"),
        ("support = 3", "not a table"),
    ],
)
def test_what_a_simulation_cannot_draw_from_is_refused(folder: Path, table: str, why: str) -> None:
    with (folder / "borough" / "scenario.toml").open("a") as file:
        file.write(f"[simulation]\n{table}\n")
    with pytest.raises(BadInput, match=re.escape(why)):
        scenarios.load(folder, "borough")


def test_a_copy_of_the_uk_under_another_name_works(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / UK, tmp_path / "uk-again")
    assert scenarios.load(tmp_path, "uk-again").registered == 47_562_702
