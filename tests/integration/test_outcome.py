"""Who is elected, from the stored votes to the certified result: lines, no poll, no person, a tie, its lot."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest

from election.casting import cast, close_poll, open_poll
from election.certification import certify, question, record_lot
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.errors import BadInput, StageFailed
from election.nist import Form, written
from election.platform import Platform, native
from election.preparation import Registration, register
from election.publication import publish_candidates, publish_voters
from election.results import export, nist_report, results
from election.storage.elections import Election, election
from tests.certifying import counted, verdict
from tests.nist_format import json_problems, selections, xml_problems

CASES = Path(__file__).parents[1] / "cases"
HEAD = "contest_id,given_name,family_name,gender,party,party_abbreviation,votes,candidate_id,kind"


@pytest.fixture(scope="module")
def place(tables, tmp_path_factory) -> Platform:
    """The platform with the cases as its scenarios."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "scenarios"
    for case in ("fusion-lines", "unopposed"):
        shutil.copytree(CASES / case, folder / case)
    made = {
        "fusion-lines": ("F1,Ada,Marsh,female,Democratic,DEM,40,ada,",
                         "F1,Ada,Marsh,female,Working Families,WFP,15,ada,",
                         "F1,Ben,Holt,male,Republican,REP,50,,"),
        "tie": ("F1,Ada,Marsh,female,Democratic,DEM,40,ada,", "F1,Ada,Marsh,female,Working Families,WFP,10,ada,",
                "F1,Ben,Holt,male,Republican,REP,50,,", "F1,Cy,Fox,male,Greens,GRN,5,,"),
        "nobody": ("F1,Ada,Marsh,female,Democratic,DEM,45,,", "F1,,None of the above,,,,60,,none-of-the-above"),
    }  # fmt: skip
    for name, lines in made.items():
        shutil.copytree(CASES / "fusion-lines", folder / name, dirs_exist_ok=True)
        (folder / name / "candidates.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    return native(tables.settings.model_copy(update={"root": root}))


def polled(place: Platform, scenario: str) -> Election:
    """The election of that scenario, cast by its voters and counted."""
    slug = f"outcome-{scenario}"
    register(place, Registration(scenario, slug))
    seed_candidates(place, slug)
    seed_voters(place, slug, lambda _: None)
    check_electorate(place, slug)
    publish_candidates(place, slug)
    publish_voters(place, slug)
    open_poll(place, slug)
    cast(place, slug, log=lambda _: None)
    close_poll(place, slug)
    counted(place, slug)
    with place.connect("app") as connection:
        return election(connection, slug)


def certified(place: Platform, slug: str) -> dict[str, Any]:
    certify(place, slug, "the returning officer", "It agrees.", verdict(place, slug))
    return results(place, slug)


def reported(place: Platform, slug: str) -> dict[str, Any]:
    """The certified election in NIST's format, which is valid and has the same bytes each time."""
    first, second = ([written(nist_report(place, slug), form) for form in get_args(Form)] for _ in range(2))
    assert first == second
    assert (json_problems(first[0]), xml_problems(first[1])) == ([], [])
    made = json.loads(first[0])
    assert made["Status"] == "certified"
    export(place, slug)  # as the last step of a run, it records what they are
    digests = {f"nist-{form}": hashlib.sha256(one).hexdigest() for form, one in zip(get_args(Form), first, strict=True)}
    assert results(place, slug)["documents"] == digests
    export(place, slug)
    return made


def standings(made: dict[str, Any]) -> dict[str, str | None]:
    """What the report says became of each candidate, by name."""
    (election,) = made["Election"]
    return {one["BallotName"]["Text"][0]["Content"]: one.get("PostElectionStatus") for one in election["Candidate"]}


def frozen(place: Platform, number: int) -> tuple[list[Any], list[Any]]:
    with place.connect("dashboard") as connection:
        elected = connection.execute(
            "SELECT contest_no, candidate, parties, votes, how FROM public_certified_elected WHERE election_no = %s"
            " ORDER BY 1, position",
            [number],
        ).fetchall()
        return elected, connection.execute(
            "SELECT party, seats FROM public_certified_seats WHERE election_no = %s ORDER BY 1", [number]
        ).fetchall()


def test_a_candidate_on_two_party_lines_is_elected_with_the_votes_of_both(place):
    poll = polled(place, "fusion-lines")
    asked = question(place, poll.slug, verdict(place, poll.slug)).replace("\\", "")
    assert "Ada Marsh, Democratic, Working Families | 55 |" in asked
    assert "**Elected**: Ada Marsh, DEM, WFP" in asked
    found = certified(place, poll.slug)
    (contest,) = found["contests"]
    assert (contest["elected"], contest["how"], found["seats"]) == (["Ada Marsh"], "votes", {"DEM": 1})
    assert [(c["name"], c["party"], c["votes"]) for c in contest["candidates"]] == [
        ("Ada Marsh", "DEM", 40), ("Ada Marsh", "WFP", 15), ("Ben Holt", "REP", 50),
    ]  # fmt: skip
    assert frozen(place, poll.election_no) == ([(1, "Ada Marsh", ["DEM", "WFP"], 55, "votes")], [("DEM", 1)])
    made = reported(place, poll.slug)
    assert standings(made) == {"Ada Marsh": "winner", "Ben Holt": "defeated"}
    assert selections(made, 0) == {"Ada Marsh": 55, "Ben Holt": 50}
    assert json.loads((export(place, poll.slug) / "result.json").read_text())["contests"][0]["elected"] == ["Ada Marsh"]


def test_a_contest_without_a_poll_elects_its_candidate_and_takes_no_ballot(place):
    poll = polled(place, "unopposed")
    asked = question(place, poll.slug, verdict(place, poll.slug)).replace("\\", "")
    assert "**Elected unopposed**: Eve Lone, B" in asked
    with place.connect("owner") as connection:
        assert connection.execute(
            "SELECT sum(registered) FROM registered_counts WHERE election_no = %s AND dimension = 'gender'",
            [poll.election_no],
        ).fetchone() == (80,), "the base of the turnout is where a poll is held"
    with place.connect("app") as connection, pytest.raises(psycopg.errors.ForeignKeyViolation, match="ballot paper"):
        connection.execute("INSERT INTO votes VALUES (%s, 1, 1, 1, now(), 1)", [poll.election_no])
    found = certified(place, poll.slug)
    first, second = found["contests"]
    assert (first["elected"], first["how"], first["valid"]) == (["Eve Lone"], "unopposed", 0)
    assert (second["elected"], second["how"], second["valid"]) == (["Ada Marsh"], "votes", 12)
    assert (found["seats"], found["registered"], found["entitled"]) == ({"B": 1, "R": 1}, 160, 80)
    made = reported(place, poll.slug)
    assert standings(made)["Eve Lone"] == standings(made)["Ada Marsh"] == "winner"
    assert "elected unopposed, without a poll: Eve Lone." in made["Notes"]


def test_a_line_that_is_no_person_keeps_the_seat_vacant(place):
    poll = polled(place, "nobody")
    assert "**Vacant**: no person is elected in 1 contest" in question(place, poll.slug, verdict(place, poll.slug))
    found = certified(place, poll.slug)
    (contest,) = found["contests"]
    assert (contest["elected"], found["seats"], contest["standings"][0]["votes"]) == ([], {}, 60)
    assert standings(reported(place, poll.slug)) == {"Ada Marsh": "defeated", "None of the above": None}


def test_a_tie_is_certified_only_after_its_lot_was_recorded_and_reconciled(place):
    poll = polled(place, "tie")
    slug, by = poll.slug, "the returning officer"
    with pytest.raises(StageFailed, match="has no tie"):
        record_lot(place, slug, "F1", ["Ben Holt"], by, "Drawn in public.")
    first = verdict(place, slug)
    assert "**Tie** of Ada Marsh and Ben Holt" in question(place, slug, first)
    with pytest.raises(StageFailed, match=r"there is a tie in Fusion ward\. .*election lot outcome-tie"):
        certify(place, slug, by, "It agrees.", first)
    for elected, who, reason, error, message in (
        ("Ben Holt", "Somebody else", "Drawn.", StageFailed, "may not decide"),
        ("Ben Holt", by, " ", BadInput, "needs a reason"),
        ("Cy Fox", by, "Drawn.", StageFailed, "has no tie"),
        ("Nobody", by, "Drawn.", BadInput, "No candidate is called 'Nobody'"),
    ):
        with pytest.raises(error, match=message):
            record_lot(place, slug, "Fusion ward", [elected], who, reason)
    record_lot(place, slug, "fusion ward", ["ben holt"], by, "Drawn in public by the returning officer.")
    with pytest.raises(StageFailed, match="a lot was recorded after the verdict"):
        certify(place, slug, by, "It agrees.", first)
    second = verdict(place, slug)
    assert "**Elected by lot**: Ben Holt, REP" in question(place, slug, second).replace("\\", "")
    certify(place, slug, by, "It agrees.", second)
    found = results(place, slug)
    (contest,) = found["contests"]
    assert (contest["elected"], contest["how"], found["seats"]) == (["Ben Holt"], "lot", {"REP": 1})
    assert contest["tied"] == ["Ada Marsh", "Ben Holt"]
    made = reported(place, slug)
    assert standings(made) == {"Ada Marsh": "defeated", "Ben Holt": "winner", "Cy Fox": "defeated"}
    assert "elected by lot after a tie: Ben Holt." in made["Notes"]
    assert frozen(place, poll.election_no) == ([(1, "Ben Holt", ["REP"], 50, "lot")], [("REP", 1)])
    with pytest.raises(StageFailed, match="is certified already"):
        record_lot(place, slug, "F1", ["Ada Marsh"], by, "Once more.")
    with place.connect("owner") as connection, pytest.raises(psycopg.errors.RaiseException, match="are never changed"):
        connection.execute("UPDATE lots SET candidate_no = 1 WHERE election_no = %s", [poll.election_no])
    with place.connect("app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO lots (election_no) VALUES (1)")
