"""Scenarios: what comes with the platform is right, and what cannot be right is refused with file, line and remedy."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from election import scenarios
from election.errors import BadInput
from election.outcome import Rules
from election.settings import Settings

FOLDER = Settings().scenarios
CASES = Path(__file__).parents[1] / "cases"
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


def test_the_election_before_is_another_scenario_of_the_folder(folder: Path) -> None:
    assert scenarios.predecessor(FOLDER, UK) == "uk-general-election-2017"
    assert scenarios.predecessor(folder, "borough") is None
    assert scenarios.predecessor(folder, "gone") is None, "the folder of an election may be removed"
    change(folder, "scenario.toml", 'licence = "Free."', 'licence = "Free."\npredecessor = "earlier"')
    with pytest.raises(BadInput, match=r"`predecessor` is 'earlier', .*Add its folder beside this one"):
        scenarios.predecessor(folder, "borough")
    for value in ('"borough"', '"../borough"', '""', "2016"):
        text = (folder / "borough" / "scenario.toml").read_text()
        (folder / "borough" / "scenario.toml").write_text(re.sub("predecessor = .*", f"predecessor = {value}", text))
        with pytest.raises(BadInput, match=r"line 4: `predecessor` is .*Name the folder of the election before"):
            scenarios.load(folder, "borough")


def test_the_election_before_has_its_official_winners(folder: Path) -> None:
    shutil.copytree(folder / "borough", folder / "later")
    later = folder / "later" / "scenario.toml"
    assert scenarios.earlier(folder, "later") is None
    later.write_text(later.read_text().replace("[parties]", 'predecessor = "borough"\n\n[parties]'))
    before = scenarios.earlier(folder, "later")
    assert before is not None
    assert (before.scenario, before.title) == ("borough", "Borough")
    assert before.parties == {"Red": "The Reds", "Blue": "The Blues"}
    assert {name: (found.party, found.ballots) for name, found in before.by_id.items()} == {
        "B1": ("Red", 62), "B2": ("Red", 90),
    }  # fmt: skip
    later.write_text(later.read_text().replace('"borough"', '"single-race"'))
    shutil.copytree(FOLDER / "single-race", folder / "single-race")
    with pytest.raises(BadInput, match=r"`predecessor` is 'single-race', which has no official figures"):
        scenarios.earlier(folder, "later")


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
    "a terminal's escape": ("candidates.csv", "Cleo", "Cl\x1b[2Jeo", 4, r"U\+001B"),
    "a control character of eight bits": ("candidates.csv", "Cleo", "Cl\x9b2Jeo", 4, r"U\+009B"),
    "a right-to-left override": ("contests.csv", "Lower", "Lo\u202ewer", 3, r"U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
    "an isolate": ("scenario.toml", "Borough", "Bor\u2067ough", 1, r"U\+2067"),
    "an override that TOML writes": ("scenario.toml", "Free.", r"Free\u202e.", 3, r"`licence` contains U\+202E"),
    "a control character in a party": ("scenario.toml", "The Reds", r"The\u001bReds", 6, r"`Red` contains U\+001B"),
    "a name of two lines": ("contests.csv", "Upper Ward", '"Upper\nWard"', 2, r"`name` contains U\+000A"),
    "a year of two digits": ("scenario.toml", "2020-05-07", "0020-05-07", 2, "in the year 20"),
    "a time in a year of two digits": ("contests.csv", "2020-05-07T", "0020-05-07T", 2, "in the year 20"),
    "a year mistyped": ("contests.csv", "2020-05-07T", "2021-05-07T", 2, "more than 3 days after polling day 2020"),
    "a declaration weeks later": ("contests.csv", "2020-05-07T", "2020-05-11T", 2, "a column polling_day"),
    "a column twice": ("contests.csv", "declared_at,", "name,", 1, "column name is there twice"),
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_named_as_such(folder: Path, encoding: str) -> None:
    file = folder / "borough" / "candidates.csv"
    file.write_bytes(file.read_text("utf-8").encode(encoding))
    with pytest.raises(BadInput, match=r"candidates\.csv, line 1: the file is UTF-16.*iconv -f utf-16"):
        scenarios.load(folder, "borough")


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_file_with_other_separators_is_named_as_such(folder: Path, separator: str, name: str) -> None:
    change(folder, "contests.csv", ",", separator)
    with pytest.raises(BadInput, match=rf"contests\.csv, line 1: the columns are separated by {name}, not by commas"):
        scenarios.load(folder, "borough")


def test_names_that_look_garbled_are_a_warning_with_file_and_line(folder: Path) -> None:
    change(folder, "contests.csv", "Lower Ward", "CafÃ© Ward")
    change(folder, "candidates.csv", "Alder", "Oâ€™Neil")
    change(folder, "candidates.csv", "Birch", "Müller-Ångström")
    garbled, other = scenarios.load(folder, "borough").warnings
    assert re.search(r"contests\.csv, line 3: `name` is 'CafÃ© Ward', which looks like 'Café Ward'.*UTF-8", garbled)
    assert "candidates.csv, line 2: `family_name`" in other and "O’Neil" in other


def test_a_gender_that_is_not_given_is_unknown(folder: Path) -> None:
    change(folder, "candidates.csv", "female", "")
    assert scenarios.load(folder, "borough").contests[0].candidates[0].gender == "unknown"


def test_a_single_name_has_no_blank_around_it() -> None:
    (contest,) = scenarios.load(CASES, "mononym").contests
    assert [candidate.name for candidate in contest.candidates] == ["Zadie", "Ben"]


def test_a_contest_that_polls_later_says_so_in_its_row() -> None:
    with pytest.raises(BadInput, match=r"contests\.csv, line 5: declared 2024-12-03, more than 3 days after"):
        scenarios.load(CASES, "late-poll")


def test_a_contest_with_a_later_polling_day_is_taken(tmp_path: Path) -> None:
    shutil.copytree(CASES / "late-poll", tmp_path / "late-poll")
    table = tmp_path / "late-poll" / "contests.csv"
    header, *rows = table.read_text().splitlines()
    days = {"N1": ",2024-12-03"}
    table.write_text("\n".join([f"{header},polling_day", *(row + days.get(row[:2], ",") for row in rows)]))
    late = scenarios.load(tmp_path, "late-poll")
    assert [str(contest.polling_day) for contest in late.contests] == ["None", "None", "None", "2024-12-03"]
    table.write_text(table.read_text().replace("2024-12-03T23:30", "2024-12-02T23:30"))
    with pytest.raises(BadInput, match="line 5: declared 2024-12-02, before polling day 2024-12-03"):
        scenarios.load(tmp_path, "late-poll")


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
    change(folder, "contests.csv", "invalid_votes\n", "invalid_votes,note\n")
    change(folder, "contests.csv", "100,60,2", '100,60,2,"of two\nlines"')
    change(folder, "contests.csv", "200,90,0", "200,-90,0,")
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
    ("given", "ids"),
    [
        (["Sutton, East"], ["C1"]),
        (["sutton, east", " Sutton, West "], ["C1", "C2"]),
        (["Sutton, East; Sutton, West"], ["C1", "C2"]),
        (["Sutton, East\nC2"], ["C1", "C2"]),
        (["C1,C2"], ["C1", "C2"]),
        (["C1, c2;"], ["C1", "C2"]),
        ([" "], ["C1", "C2"]),
    ],
)
def test_a_contest_is_chosen_by_a_name_with_a_comma(given: list[str], ids: list[str]) -> None:
    chosen = scenarios.select(scenarios.load(CASES, "comma-contest"), given).contests
    assert [contest.contest_id for contest in chosen] == ids


def test_what_is_suggested_for_a_contest_can_be_typed() -> None:
    commas = scenarios.load(CASES, "comma-contest")
    with pytest.raises(BadInput, match="no contest 'Suton, East'") as refused:
        scenarios.select(commas, ["Suton, East"])
    suggested = str(refused.value).split("mean ")[1].split(" or ")[0].rstrip("?")
    assert [contest.contest_id for contest in scenarios.select(commas, [suggested]).contests] == ["C1"]
    with pytest.raises(BadInput, match="no contest 'C9'"):
        scenarios.select(commas, ["C1,C9"])


def test_every_contest_of_the_uk_can_be_chosen_by_its_name() -> None:
    uk = scenarios.load(FOLDER, UK)
    for contest in uk.contests:
        assert contest in scenarios.select(uk, [contest.name]).contests, contest.name


def test_a_filter_takes_the_apostrophe_that_phones_type() -> None:
    chosen = scenarios.select(scenarios.load(CASES, "curly-apostrophe"), ["King\u2019s Norton ward"]).contests
    assert [contest.contest_id for contest in chosen] == ["A1"]


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


def case(tmp_path: Path, name: str, candidates: str) -> Path:
    """A case with other candidates."""
    shutil.copytree(CASES / name, tmp_path / name)
    (tmp_path / name / "candidates.csv").write_text(candidates)
    return tmp_path


HEAD = "contest_id,given_name,family_name,gender,party,party_abbreviation,votes"


def test_lines_that_look_like_one_person_are_refused_with_the_column_that_settles_it() -> None:
    with pytest.raises(BadInput, match=r"line 3: Ada Marsh \(Working Families\) .* in line 2.*candidate_id"):
        scenarios.load(CASES, "fusion-lines")


def test_two_people_of_one_name_and_party_are_refused_with_the_column_that_settles_it() -> None:
    with pytest.raises(BadInput, match=r"line 3: Ada Marsh .* there already, in line 2.*`candidate_id`"):
        scenarios.load(CASES, "namesakes")


def test_a_candidate_id_settles_who_is_who(tmp_path: Path) -> None:
    one = "F1,Ada,Marsh,female,Democratic,DEM,40,ada\nF1,Ada,Marsh,female,Working Families,WFP,15,ada\n"
    folder = case(tmp_path, "fusion-lines", f"{HEAD},candidate_id\n{one}F1,Ben,Holt,male,Republican,REP,50,\n")
    (contest,) = scenarios.load(folder, "fusion-lines").contests
    assert [candidate.candidate_id for candidate in contest.candidates] == ["ada", "ada", None]
    two = "A1,Ada,Marsh,female,Independent,Ind,12,1\nA1,Ada,Marsh,female,Independent,Ind,8,2\n"
    (contest,) = scenarios.load(case(tmp_path, "namesakes", f"{HEAD},candidate_id\n{two}"), "namesakes").contests
    assert [candidate.candidate_id for candidate in contest.candidates] == ["1", "2"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("F1,Ada,Marsh,female,D,DEM,55,ada\nF1,Ben,Holt,male,R,REP,50,ada\n", r"`candidate_id` ada is Ada Marsh"),
        ("F1,Ada,Marsh,female,D,DEM,55,ada\nF1,Ada,Marsh,female,D,DEM,50,ada\n", "is there already, in line 2"),
        ("F1,Ada,Marsh,female,D,DEM,55,ada\nF1,ADA, Marsh,female,R,REP,50,\n", "has the same name as"),
        # The same name, once composed and once decomposed, once in one column and once in two.
        ("F1,Zoé,Marsh,female,D,DEM,55,\nF1,Zoe\u0301 Marsh,,female,R,REP,50,\n", "has the same name as"),
    ],
)
def test_ids_that_contradict_the_names_are_refused(tmp_path: Path, lines: str, message: str) -> None:
    folder = case(tmp_path, "fusion-lines", f"{HEAD},candidate_id\n{lines}")
    with pytest.raises(BadInput, match=rf"candidates.csv, line 3: .*{message}"):
        scenarios.load(folder, "fusion-lines")


def test_a_party_is_one_however_its_name_is_encoded(tmp_path: Path) -> None:
    lines = "F1,Ada,Marsh,female,Écologie,É,55\nF1,Ben,Holt,male,E\u0301cologie,E\u0301,50\n"
    (party,) = scenarios.load(case(tmp_path, "fusion-lines", f"{HEAD}\n{lines}"), "fusion-lines").parties
    assert party.abbreviation == "É"


def test_a_contest_with_one_candidate_and_no_ballots_is_unopposed() -> None:
    assert [contest.unopposed for contest in scenarios.load(CASES, "unopposed").contests] == [True, False]


def test_lines_that_are_no_person_need_no_party_and_no_gender(tmp_path: Path) -> None:
    lines = "F1,Ada,Marsh,female,D,DEM,55,\nF1,,None of the above,,,,40,none-of-the-above\nF1,,Others,,,,10,write-in\n"
    folder = case(tmp_path, "fusion-lines", f"{HEAD},kind\n{lines}")
    scenario = scenarios.load(folder, "fusion-lines")
    assert [(c.kind, c.party_abbreviation, c.gender) for c in scenario.contests[0].candidates] == [
        ("person", "DEM", "female"),
        ("none-of-the-above", "None of the above", "unknown"),
        ("write-in", "Others", "unknown"),
    ]
    assert not scenario.contests[0].unopposed
    (folder / "fusion-lines" / "candidates.csv").write_text(f"{HEAD},kind\n{lines.replace('write-in', 'ghost')}")
    with pytest.raises(BadInput, match=r"line 4: `kind` is 'ghost'.*person, none-of-the-above, write-in"):
        scenarios.load(folder, "fusion-lines")


def test_the_rules_of_the_system_are_read_and_checked(tmp_path: Path) -> None:
    shutil.copytree(CASES / "unopposed", tmp_path / "ruled")
    file = tmp_path / "ruled" / "scenario.toml"
    text = file.read_text()
    file.write_text(f'{text}\n[system]\nnone_of_the_above_leads = "next"\n')
    assert scenarios.load(tmp_path, "ruled").system == Rules(none_of_the_above_leads="next")
    file.write_text(f'{text}\n[system]\nnone_of_the_above_leads = "nobody"\n')
    with pytest.raises(BadInput, match=r'line \d+: .*Write none_of_the_above_leads = "vacant" or "next"'):
        scenarios.load(tmp_path, "ruled")
