"""Results in NIST SP 1500-100: every state of an election is valid by both schemas, with ids that resolve and sums that
agree; no poll, no person, several lines, ties, a count of rankings; all 650 contests of 2019."""

import copy
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from bench.real import ABERDEEN, GERMANY, real
from election import scenarios
from election.cli import app, elections
from election.contracts.public import BallotPaper, Decision, Party, State, Verdict
from election.nist import ContestReport, Report, document, plurality, ranked, reported, written
from election.outcome import (
    AnyRules,
    Count,
    Kind,
    Line,
    ListRules,
    MixedRules,
    Race,
    RankedRules,
    WinnerTakeAllRules,
    contenders,
    decide,
    decide_election,
    decide_whole,
)
from election.outcome.race import RaceKind
from election.scenarios.official import official
from election.settings import Settings
from tests.nist_format import json_problems, json_validator, reference_problems, selections, sum_problems, xml_problems

NOW = datetime(2026, 5, 7, 23, 15, 0, 999_999, timezone(timedelta(hours=1)))
DECIDED = Decision("certified", "the returning officer", "It agrees.", datetime(2026, 5, 8, 4, 0, 0, 250_000, UTC))
RECOUNT = Verdict(datetime(2026, 5, 9, 9, 30, tzinfo=UTC), True, 1_000, 60, 60, 0, kind="recount")
PARTIES = {"A": Party("A", "Party A", "#D50000"), "B": Party("B", "Party B")}
STATES = get_args(State)


def line(number: int, party: str, candidate_id: str | None = None, kind: Kind = "person") -> Line:
    return Line(number, 1, f"Name {number}", party, f"Party {party}", None, candidate_id, kind)


def contest(votes: dict[int, int], *lines: Line, over: bool = True, number: int = 1, **how: Any) -> ContestReport:
    race = Race(number, contenders(lines), 1_000, unopposed=how.pop("unopposed", False))
    return plurality(f"C{number}", f"Contest {number}", decide(race, votes, over=over, **how))


def report(*contests: ContestReport, state: State = "counted", **more: Any) -> Report:
    decision = DECIDED if state in ("certified", "refused") else None
    return Report("may-2026", "Borough 2026", date(2026, 5, 7), date(2026, 5, 7), False, state, NOW, PARTIES, contests,
                  decision, **more)  # fmt: skip


def small(state: State, **more: Any) -> Report:
    """Two contests; before the poll nothing is counted, while it is open one of them."""
    over = state in ("counted", "refused", "certified")
    first = {} if state == "registered" else {1: 60, 2: 30}
    second = {3: 20, 4: 25} if over else {}
    return report(
        contest(first, line(1, "A"), line(2, "B"), over=over, invalid=3 if first else 0),
        contest(second, line(3, "A"), line(4, "B"), over=over, number=2, invalid=1 if second else 0),
        state=state,
        **more,
    )


def checked(made: Report) -> dict[str, Any]:
    """The JSON document, after both forms were found right."""
    content = written(made, "json")
    assert json_problems(content) == []
    assert xml_problems(written(made, "xml")) == []
    return json.loads(content)


def statuses(made: dict[str, Any]) -> dict[str, str | None]:
    return {one["@id"]: one.get("PostElectionStatus") for one in made["Election"][0]["Candidate"]}


@pytest.mark.parametrize(
    ("state", "status", "counted"),
    [
        ("registered", "pre-election", "not-processed"),
        ("open", "unofficial-partial", "in-process"),
        ("closed", "unofficial-partial", "in-process"),
        ("counted", "unofficial-complete", "completed"),
        ("refused", "unofficial-complete", "completed"),
        ("certified", "certified", "completed"),
    ],
)
def test_each_state_of_an_election_is_valid_and_has_its_status(state: State, status: str, counted: str) -> None:
    made = checked(small(state))
    (election,) = made["Election"]
    assert (made["Status"], made["IsTest"], made["TestType"]) == (status, True, "simulation")
    assert [one["Status"] for one in election["CountStatus"]] == [counted]
    assert [one.get("VotersParticipated") for one in made["GpUnit"]] == {
        "not-processed": [None, None, None], "in-process": [93, 93, 0], "completed": [139, 93, 46],
    }[counted]  # fmt: skip
    assert made["GpUnit"][0]["SubUnitsReported"] == {"not-processed": 0, "in-process": 1, "completed": 2}[counted]
    assert ("Certification refused" in made["Notes"]) == (state == "refused")
    assert ("BallotCounts" in election) == (state != "registered")


def test_figures_and_seats_of_a_counted_election() -> None:
    made = checked(small("counted"))
    (election,) = made["Election"]
    assert statuses(made) == {
        "candidate-1": "winner", "candidate-2": "defeated", "candidate-3": "defeated", "candidate-4": "winner",
    }  # fmt: skip
    assert [(one["GpUnitId"], one["BallotsCast"], one["BallotsRejected"]) for one in election["BallotCounts"]] == [
        ("unit-whole", 139, 4), ("unit-1", 93, 3), ("unit-2", 46, 1),
    ]  # fmt: skip
    assert selections(made, 0) == {"Name 1": 60, "Name 2": 30}
    seats = election["Contest"][-1]
    assert seats["@type"] == "ElectionResults.PartyContest"
    assert [(own["PartyIds"], own["VoteCounts"][0]["Type"], own["VoteCounts"][0]["Count"])
            for own in seats["ContestSelection"]] == [(["party-1"], "seats", 1), (["party-2"], "seats", 1)]  # fmt: skip
    assert [(one["Name"]["Text"][0]["Content"], one.get("Color")) for one in made["Party"]] == [
        ("Party A", "d50000"), ("Party B", None),
    ]  # fmt: skip


def test_a_recount_has_its_own_status_and_says_what_it_found() -> None:
    made = checked(small("certified", recount=RECOUNT))
    assert (made["Status"], made["GeneratedDate"]) == ("recount", "2026-05-09T09:30:00Z")
    assert "the certified result stands" in made["Notes"]
    differs = document(small("certified", recount=replace(RECOUNT, ok=False)))
    assert "differ from the certified result" in differs["Notes"]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_certified_document_has_the_same_bytes_whenever_it_is_made(form: Any) -> None:
    early, late = small("certified"), replace(small("certified"), now=NOW + timedelta(days=400))
    assert written(early, form) == written(late, form)
    assert document(early)["GeneratedDate"] == "2026-05-08T04:00:00Z"
    assert written(small("counted"), form) != written(replace(small("counted"), now=late.now), form)
    assert document(small("counted"))["GeneratedDate"] == "2026-05-07T22:15:00Z", "UTC, without fractions"


def test_a_lead_that_no_ballot_can_overturn_is_a_projected_winner() -> None:
    lines = line(1, "A"), line(2, "B")
    assert statuses(checked(report(contest({1: 600, 2: 150}, *lines, over=False), state="open"))) == {
        "candidate-1": "projected-winner", "candidate-2": None,
    }  # fmt: skip
    assert set(statuses(checked(report(contest({1: 400, 2: 150}, *lines, over=False), state="open"))).values()) == {
        None
    }


def test_a_candidate_elected_unopposed_has_no_votes() -> None:
    alone = contest({}, line(3, "A"), number=2, unopposed=True)
    for state in STATES:
        over = state in ("counted", "refused", "certified")
        polled = contest({1: 5} if state != "registered" else {}, line(1, "A"), line(2, "B"), over=over)
        made = checked(report(polled, alone, state=state))
        (election,) = made["Election"]
        assert statuses(made)["candidate-3"] == "winner"
        assert election["Contest"][1]["CountStatus"][0]["Status"] == "completed"
        assert "VoteCounts" not in election["Contest"][1]["ContestSelection"][0]
        assert "unit-2" not in [counts["GpUnitId"] for counts in election.get("BallotCounts", [])]
        assert "Contest 2: elected unopposed, without a poll: Name 3." in made["Notes"]


def test_choices_that_are_no_person_have_votes_but_no_party_and_no_standing() -> None:
    lines = line(1, "A"), line(2, "NOTA", kind="none-of-the-above"), line(3, "WI", kind="write-in")
    made = checked(report(contest({1: 10, 2: 30, 3: 5}, *lines)))
    (election,) = made["Election"]
    assert selections(made, 0) == {"Name 1": 10, "Name 2": 30, "write-in": 5}
    assert statuses(made) == {"candidate-1": "defeated", "candidate-2": None}
    assert election["Contest"][0]["OtherCounts"][0]["WriteIns"] == 5
    assert [one["@id"] for one in made["Party"]] == ["party-1"]
    assert [own["VoteCounts"][0]["Count"] for own in election["Contest"][1]["ContestSelection"]] == [0]
    assert "Contest 1: vacant seats: 1 of 1." in made["Notes"]


def test_the_lines_of_one_candidate_name_one_candidate_and_a_party_each() -> None:
    made = checked(report(contest({1: 40, 2: 15, 3: 50}, line(1, "A", "ada"), line(2, "B", "ada"), line(3, "C"))))
    (election,) = made["Election"]
    assert [(own["CandidateIds"], own["EndorsementPartyIds"], own["VoteCounts"][0]["Count"], own["SequenceOrder"])
            for own in election["Contest"][0]["ContestSelection"]] == [
        (["candidate-1"], ["party-1"], 40, 1), (["candidate-1"], ["party-2"], 15, 2),
        (["candidate-3"], ["party-3"], 50, 3),
    ]  # fmt: skip
    assert statuses(made) == {"candidate-1": "winner", "candidate-3": "defeated"}
    assert election["Candidate"][0]["ExternalIdentifier"][0]["Value"] == "ada"


def test_a_tie_elects_no_candidate_before_its_lot() -> None:
    lines = line(1, "A"), line(2, "B"), line(3, "C")
    tied = {1: 20, 2: 20, 3: 1}
    made = checked(report(contest(tied, *lines)))
    assert statuses(made) == {"candidate-1": None, "candidate-2": None, "candidate-3": "defeated"}
    assert "Contest 1: a tie awaits its lot: Name 1, Name 2." in made["Notes"]
    made = checked(report(contest(tied, *lines, drawn=2), state="certified"))
    assert statuses(made) == {"candidate-1": "defeated", "candidate-2": "winner", "candidate-3": "defeated"}
    assert "Contest 1: elected by lot after a tie: Name 2." in made["Notes"]


def test_the_stages_of_a_count_of_rankings_are_rounds() -> None:
    races, count = real(ABERDEEN)
    outcome = decide_election(races, count, RankedRules())
    made = checked(report(*(ranked(one.race.contest_id, one.race.contest_id, one, count) for one in outcome.contests)))
    ward, found = outcome.contests[0], made["Election"][0]["Contest"][0]
    assert (found["VoteVariation"], found["NumberElected"]) == ("rcv", ward.race.seats)
    assert {
        (votes["Round"], own["CandidateIds"][0]): votes["Count"]
        for own in found["ContestSelection"]
        for votes in own["VoteCounts"]
    } == {
        (stage.number, f"candidate-{candidate}"): float(votes)
        for stage in ward.stages
        for candidate, votes in stage.votes.items()
    }
    assert Counter(statuses(made).values())["winner"] == 45


def whole_report(races: list[Race], count: Count, rules: AnyRules, positions: dict[int, int], **more: Any) -> Report:
    outcomes = decide_whole(races, count, rules).outcomes
    return report(
        *(
            reported(own.race.contest_id, own.race.contest_id, own, count, rules, positions.get(own.race.number, 1))
            for own in outcomes
        ),
        **more,
    )


def test_bremen_with_two_votes_a_voter() -> None:
    """Second votes decide; the voters of both constituencies choose from the state's lists."""
    races, count = real(GERMANY)
    races = [race for race in races if race.region == "Bremen"]
    (lists,) = [race for race in races if race.kind == "lists"]
    constituencies = [race for race in races if race != lists]
    papers = tuple(
        BallotPaper(n, race.contest_id, race.contest_id, race.registered or 0, (race.number, lists.number))
        for n, race in enumerate(constituencies, 1)
    )
    made = checked(whole_report(races, count, MixedRules(seats=5), {lists.number: 2}, papers=papers))
    (election,), units = made["Election"], {one["@id"]: one for one in made["GpUnit"]}
    found = {one["@id"]: one for one in election["Contest"]}
    second = found[f"contest-{lists.number}"]
    assert (second["@type"], second["VoteVariation"]) == ("ElectionResults.PartyContest", "proportional")
    votes = {own["@id"]: {one["Type"]: one["Count"] for one in own["VoteCounts"]} for own in second["ContestSelection"]}
    assert {own: one["total"] for own, one in votes.items()} == {
        f"selection-{line.number}": count.votes[line.number] for c in lists.contenders for line in c.lines
    }
    assert units[f"unit-{lists.number}"]["ComposingGpUnitIds"] == ["district-1", "district-2"]
    assert units["unit-whole"]["ComposingGpUnitIds"] == [f"unit-{race.number}" for race in constituencies]
    ballots = [sum(count.votes[line.number] for c in race.contenders for line in c.lines) + count.invalid[race.number]
               for race in constituencies]  # fmt: skip
    assert election["BallotCounts"][0]["BallotsCast"] == sum(ballots) == units["unit-whole"]["VotersParticipated"]
    persons = [contender for race in constituencies for contender in race.contenders]
    assert len(election["Candidate"]) == len(persons), "a list is no candidate"
    seats = sum(own["VoteCounts"][0]["Count"] for own in found["contest-seats"]["ContestSelection"])
    winners = Counter(statuses(made).values())["winner"]
    assert (seats, winners + sum(one["seats"] for one in votes.values())) == (5, 5)
    assert "vacant" not in made["Notes"]


def lists_of(number: int, seats: int, *parties: str, kind: RaceKind = "lists") -> Race:
    own: Kind = "list" if kind == "lists" else "person"
    lines = (replace(line(10 * number + n, party, kind=own), contest=number) for n, party in enumerate(parties))
    return Race(number, contenders(lines), 1_000, seats=seats, kind=kind, contest_id=f"C{number}")


def test_seats_of_lists_and_those_that_no_list_can_take() -> None:
    races = [lists_of(1, 5, "A", "B"), lists_of(2, 3, "A", "B")]
    count = Count({10: 60, 11: 40, 20: 10, 21: 80}, {1: 4}, over=True)
    made = checked(whole_report(races, count, ListRules(), {}))
    (election,) = made["Election"]
    first, second, whole = election["Contest"]
    assert [one["Count"] for own in first["ContestSelection"] for one in own["VoteCounts"]] == [60, 3, 40, 2]
    assert [one["Count"] for own in second["ContestSelection"] for one in own["VoteCounts"]] == [10, 0, 80, 3]
    assert [own["VoteCounts"][0]["Count"] for own in whole["ContestSelection"]] == [3, 5]
    assert "Candidate" not in election
    nobody = checked(whole_report(races, Count(over=True), ListRules(), {}))
    assert "C1: vacant seats: 5 of 5." in nobody["Notes"]


def test_the_winner_of_a_state_has_its_electors_and_of_a_divided_one_only_some() -> None:
    races = [lists_of(1, 5, "A", "B", kind="candidates"), lists_of(2, 4, "A", "B", kind="candidates")]
    divided = {2: {"D1": {20: 30, 21: 20}, "D2": {20: 5, 21: 25}}}
    count = Count({10: 60, 11: 40, 20: 35, 21: 45}, districts=divided, over=True)
    made = checked(whole_report(races, count, WinnerTakeAllRules(split=("C2",)), {}))
    one, two, whole = made["Election"][0]["Contest"]
    assert (one["VoteVariation"], one["NumberElected"], two["NumberElected"]) == ("plurality", 5, 4)
    assert [votes["Count"] for own in one["ContestSelection"] for votes in own["VoteCounts"]] == [60, 5, 40, 0]
    assert [votes["Count"] for own in two["ContestSelection"] for votes in own["VoteCounts"]] == [35, 1, 45, 3]
    assert [own["VoteCounts"][0]["Count"] for own in whole["ContestSelection"]] == [6, 3]
    assert list(statuses(made).values()) == ["winner", "defeated", "winner", "winner"]


def test_a_certified_count_of_rankings_has_its_ballots_from_first_preferences() -> None:
    races, count = real(ABERDEEN)
    frozen = replace(count, rankings={})
    outcomes = decide_whole(races, count, RankedRules()).outcomes
    one = reported("W1", "Ward 1", outcomes[0], frozen, RankedRules())
    assert one.valid == sum(count.rankings[races[0].number].values()) and one.stages
    checked(report(one, state="certified"))


def test_text_from_data_is_shown_as_written_and_cannot_break_the_document() -> None:
    odd = replace(DECIDED, reason="</Notes> & \x1b[2J \ufffe \r ]]> \U0001f5f3")
    made = replace(small("refused"), decision=odd, name='<script>"Ynys Môn"')
    assert "\\x1b[2J \ufffd \\r ]]> \U0001f5f3" in checked(made)["Notes"]


REQUIRED = [
    (name, field)
    for name, rules in json_validator().schema["definitions"].items()
    for field in rules.get("required", [])
]


def test_each_required_field_that_is_missing_is_found() -> None:
    whole = document(small("certified"))
    whole["Election"][0]["Contest"][0]["OtherCounts"] = [
        {"@type": "ElectionResults.OtherCounts", "GpUnitId": "unit-1", "WriteIns": 0}
    ]
    assert json_problems(json.dumps(whole).encode()) == []
    tried = set()
    for kind, field in REQUIRED:
        broken = copy.deepcopy(whole)
        for own in _objects(broken):
            if own["@type"] == kind:
                tried.add(kind)
                del own[field]
                assert not json_validator().is_valid(broken), f"{kind} without {field}"
                break
    assert len(tried) == 16, "every type that the document has"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for own in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(own)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Election", 0, "Candidate", 0, "PartyId"), "party-9"),
        (("Election", 0, "Candidate", 0, "PartyId"), "unit-1"),
        (("Election", 0, "Contest", 0, "ContestSelection", 0, "CandidateIds", 0), "candidate-9"),
        (("Election", 0, "Contest", 1, "ElectionDistrictId"), "contest-1"),
        (("GpUnit", 0, "ComposingGpUnitIds", 1), "unit-9"),
        (("Party", 1, "@id"), "party-1"),
    ],
)
def test_an_id_that_names_nothing_or_the_wrong_thing_is_found(path: tuple[Any, ...], value: str) -> None:
    made = document(small("counted"))
    _put(made, path, value)
    assert list(json_validator().iter_errors(made)) == [], "the schema does not see it"
    assert list(reference_problems(made))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Election", 0, "BallotCounts", 0, "BallotsCast"), 140),
        (("Election", 0, "BallotCounts", 1, "BallotsRejected"), 4),
        (("GpUnit", 2, "VotersParticipated"), 45),
        (("GpUnit", 2, "VotersRegistered"), 45),
        (("Election", 0, "Contest", 0, "ContestSelection", 0, "VoteCounts", 0, "Count"), 61),
        (("Election", 0, "Contest", 2, "ContestSelection", 0, "VoteCounts", 0, "Count"), 2),
        (("Election", 0, "Candidate", 1, "PostElectionStatus"), "winner"),
    ],
)
def test_a_sum_that_does_not_agree_is_found(path: tuple[Any, ...], value: Any) -> None:
    made = document(small("counted"))
    _put(made, path, value)
    assert list(sum_problems(made))


def _put(made: Any, path: tuple[Any, ...], value: Any) -> None:
    *way, last = path
    for step in way:
        made = made[step]
    made[last] = value


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_command_prints_the_document_or_writes_it_with_its_checksum(form: str, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(elections, "native", lambda: None)
    monkeypatch.setattr("election.results.nist_report", lambda _, slug: replace(small("certified"), slug=slug))
    monkeypatch.setattr("election.results.checked", lambda _, slug, name, made: True)
    made = written(replace(small("certified"), slug="demo"), "json" if form == "json" else "xml")
    printed = CliRunner().invoke(app, ["export", "demo", "--format", f"nist-{form}"])
    assert (printed.exit_code, printed.stdout_bytes) == (0, made)
    file = tmp_path / "result"
    answer = CliRunner().invoke(app, ["export", "demo", "--format", f"nist-{form}", "--output", str(file)])
    assert (answer.exit_code, file.read_bytes()) == (0, made)
    assert f"certified, SHA-256: {hashlib.sha256(made).hexdigest()}, as recorded" in answer.output
    monkeypatch.setattr("election.results.checked", lambda _, slug, name, made: False)
    failed = CliRunner().invoke(app, ["export", "demo", "--format", f"nist-{form}"])
    assert failed.exit_code == 1 and "is not the one that was recorded" in str(failed.output)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--format", "nist-json", "--output", "/proc/nowhere"], 1, "cannot be written"),
        (["--format", "csv"], 2, "Invalid value for '--format'"),
        ([], 2, "--format"),
    ],
)
def test_a_file_or_a_format_that_cannot_be_used_is_refused(monkeypatch, arguments, status, message) -> None:
    monkeypatch.setattr(elections, "native", lambda: None)
    monkeypatch.setattr("election.results.nist_report", lambda _, __: small("counted"))
    answer = CliRunner().invoke(app, ["export", "demo", *arguments])
    assert (answer.exit_code, message in " ".join(answer.output.split())) == (status, True), answer.output


def test_all_650_contests_of_2019() -> None:
    """The JSON Schema takes ten seconds for all of them, so it checks the document of every 25th."""
    uk = scenarios.load(Settings().scenarios, "uk-general-election-2019")
    races, count = official(uk)
    contests = tuple(
        plurality(own.contest_id, own.name, decide(race, count.votes, over=True, invalid=count.invalid[race.number]))
        for race, own in zip(races, uk.contests, strict=True)
    )
    whole = replace(report(*contests, state="certified"), replay=True)
    started = time.process_time()
    forms = [written(whole, "json"), written(whole, "xml")]
    assert time.process_time() - started < 10, "seconds of processor time"
    assert all(2_000_000 < len(form) < 5_000_000 for form in forms)
    made = json.loads(forms[0])
    assert [*reference_problems(made), *sum_problems(made)] == []
    assert xml_problems(forms[1]) == []
    assert json_problems(written(replace(whole, contests=contests[::25]), "json")) == []
    names = {one["@id"]: one["Abbreviation"]["Text"][0]["Content"] for one in made["Party"]}
    *polled, by_party = made["Election"][0]["Contest"]
    seats = {names[own["PartyIds"][0]]: own["VoteCounts"][0]["Count"] for own in by_party["ContestSelection"]}
    assert len(polled) == 650
    assert (seats["Con"], seats["Lab"], seats["SNP"], sum(seats.values())) == (365, 202, 48, 650)
