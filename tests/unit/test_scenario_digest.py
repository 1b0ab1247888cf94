"""The digest of a scenario covers all that decides the result, and nothing else."""

import shutil
from dataclasses import replace

import pytest

from election import scenarios
from election.storage.scenario import candidates_digest, scenario_digest
from tests.unit.test_scenarios import CASES


@pytest.fixture
def ward(tmp_path):
    shutil.copytree(CASES / "bracket-title", tmp_path / "ward")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("scenario.toml", "recount", "count"),
        ("scenario.toml", "2024-05-02", "2024-05-03"),
        ("contests.csv", ",40,20,0", ",41,20,0"),
        ("contests.csv", ",40,20,0", ",40,20,1"),
        ("contests.csv", "Only", "One"),
        ("contests.csv", "A1,Only ward,North,Testland,,", "A1,Only ward,North,Testland,2024-05-02T23:00,"),
        ("candidates.csv", "Ben", "Bel"),
        ("candidates.csv", "Reds,R,12\nA1,Ben,Holt,male,Blues,B,8", "Reds,R,8\nA1,Ben,Holt,male,Blues,B,12"),
        ("candidates.csv", "Blues,B", "Blue,B"),
    ],
)
def test_whatever_decides_the_result_changes_it(ward, file, old, new):
    before = scenarios.load(ward, "ward")
    path = ward / "ward" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    after = scenarios.load(ward, "ward")
    assert scenario_digest(after) != scenario_digest(before)
    (then,), (now,) = before.contests, after.contests
    assert (candidates_digest(now) != candidates_digest(then)) is (file == "candidates.csv")


def test_the_licence_and_the_simulation_do_not_change_it_nor_does_reading_again(ward):
    found = scenarios.load(ward, "ward")
    assert scenario_digest(scenarios.load(ward, "ward")) == scenario_digest(found)
    other = replace(found, licence="Other.", simulation=scenarios.Simulation(turnout=0.1), warnings=("garbled",))
    assert scenario_digest(other) == scenario_digest(found)


def test_the_size_of_a_simulated_electorate_does_not_change_it():
    clocks = scenarios.load(CASES, "clock-change")
    assert scenario_digest(scenarios.with_voters(clocks, 50)) == scenario_digest(clocks)
