"""Turnout, the night by minutes, the table of contests, files to download, and what the banner says."""

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import files
from dashboard.model.export import export
from dashboard.model.nist import report
from election.contracts import aggregates, topics
from election.contracts.ballots import Place
from election.contracts.public import Party, Verdict
from election.live.colours import PALETTE, colours
from election.live.contests import page, search
from election.live.count import Reading
from election.live.integrity import claims
from election.live.night import night
from election.live.register import Candidate, Contest, Counted, Election, Register
from election.live.result import Result, result
from election.live.snapshots import Snapshot
from election.live.status import Source, Stream, kind, troubles
from election.live.turnout import by_group, by_hour, by_location
from election.nist import Form, Report, written
from tests.nist_format import json_problems, selections, xml_problems

NOBODY = Register(Election(1, "x", "X"))
NOW = datetime(2026, 5, 7, 22, 30, tzinfo=UTC)
COMMON: dict[str, Any] = {"schema_version": 1, "generation": 1, "election": 1}


def minute(at: int, member: str, votes: int) -> aggregates.MinuteTotal:
    return aggregates.MinuteTotal(
        **COMMON, votes=votes, minute=at * 60_000, position=1, series="party", member=member, label=f"Party {member}"
    )


def two_contests(name: str = "Ynys Môn", state: Any = "open") -> Result:
    register = Register(
        Election(1, "made-up", "Made up", state=state, opened_at=NOW, decided_at=NOW + timedelta(hours=2)),
        contests=(Contest(1, "W07", name, "Wales", "UK", 100), Contest(2, "E14", "Aldershot", "South East", "UK", 50)),
        candidates=(Candidate(1, 1, "Ann Lee", "A", "Party A"), Candidate(2, 1, "Bo Dee", "B", "Party B"),
                    Candidate(3, 2, "Cy Fox", "A", "Party A")),
        licence="Free to use.",
    )  # fmt: skip
    return result(register, Counted({1: 40, 2: 10, 3: 20}, {1: 50, 2: 20}, {1: 1}))


def test_turnout_is_counted_of_registered_with_silent_places_at_zero() -> None:
    register = Register(
        Election(1, "made-up", "Made up"),
        locations={1: Place(1, "UK", "Wales", "Bangor"), 2: Place(2, "UK", "Wales", "Amlwch")},
        registered={"location": {"1": 80, "2": 20}, "gender": {"female": 60, "male": 40}},
    )
    here = aggregates.LocationTurnout(**COMMON, votes=20, location=1, country="UK", region="Wales", city="Bangor")
    assert [(g.name, g.ballots, g.share) for g in by_location(register, [here])] == [
        ("Amlwch", 0, 0.0),
        ("Bangor", 20, 0.25),
    ]
    voted = aggregates.GenderTurnout(**COMMON, votes=3, gender="non-binary")
    groups = {g.name: (g.ballots, g.registered, g.share) for g in by_group(register, "gender", [voted])}
    assert groups == {"female": (0, 60, 0.0), "male": (0, 40, 0.0), "non-binary": (3, 0, None)}


def test_turnout_without_a_register_has_ballots_but_no_share() -> None:
    here = aggregates.LocationTurnout(**COMMON, votes=20, location=1, country="UK", region="Wales", city="Bangor")
    (place,) = by_location(Register(Election(1, "x", "X")), [here])
    assert (place.name, place.ballots, place.registered, place.share) == ("Bangor", 20, None, None)


def test_the_lead_changes_when_someone_else_is_ahead_alone() -> None:
    # A 3:1, then 3:3 (a tie changes nothing), then B 5:3, then A 9:5.
    found = night(
        [minute(3, "B", 2), minute(1, "B", 1), minute(1, "A", 3), minute(2, "B", 2), minute(4, "A", 6)], NOBODY
    )
    assert [(c.member, c.before, c.margin) for c in found.changes] == [("A", None, 2), ("B", "A", 2), ("A", "B", 4)]
    assert [m.at.minute for m in found.minutes] == [1, 2, 3, 4]
    assert found.minutes[1].shares == {"A": 0.5, "B": 0.5}
    assert list(found.labels) == ["A", "B"]


def test_turnout_by_hour_adds_up_in_the_order_of_the_hours() -> None:
    hours = [aggregates.HourTurnout(**COMMON, votes=votes, hour=hour * 3_600_000) for hour, votes in ((9, 30), (8, 20))]
    found = by_hour(hours, 100)
    assert [(hour.at.hour, hour.ballots, hour.so_far, hour.share) for hour in found] == [
        (8, 20, 20, 0.2),
        (9, 30, 50, 0.5),
    ]
    assert by_hour(hours, None)[-1].share is None


def by_candidate(at: int, number: int, votes: int) -> aggregates.MinuteTotal:
    return aggregates.MinuteTotal(
        **COMMON,
        votes=votes,
        minute=at * 60_000,
        position=1,
        series="candidate",
        member=str(number),
        label=f"Candidate {number}",
    )


def test_candidates_of_different_contests_are_compared_by_party_or_within_their_contest() -> None:
    # Party A wins both contests, with as many votes in each.
    register = two_contests().register
    totals = [by_candidate(1, 1, 5), by_candidate(1, 3, 5), by_candidate(2, 2, 2)]
    found = night(totals, register)
    assert [(c.member, c.margin) for c in found.changes] == [("A", 10)], "A leads from the first minute"
    assert found.minutes[1].shares == {"A": 10 / 12, "B": 2 / 12}
    within = night(totals, register, 1)
    assert (within.labels, within.parties) == ({"1": "Ann Lee", "2": "Bo Dee"}, {"1": "A", "2": "B"})
    assert [(c.member, c.margin) for c in within.changes] == [("1", 5)]


def test_within_a_contest_the_lines_of_one_candidate_are_one_series() -> None:
    lines = (Candidate(1, 1, "Ada", "A", "Party A", candidate_id="ada"), Candidate(2, 1, "Ben", "B", "Party B"),
             Candidate(3, 1, "Ada", "C", "Party C", candidate_id="ada"))  # fmt: skip
    register = Register(Election(1, "x", "X"), contests=(Contest(1, "C1", "One"),), candidates=lines)
    found = night([by_candidate(1, 1, 4), by_candidate(1, 2, 5), by_candidate(1, 3, 3)], register)
    assert [(c.member, c.margin) for c in found.changes] == [("1", 2)]


def test_a_night_without_votes_has_no_minutes() -> None:
    assert night([], NOBODY).minutes == ()


def test_a_search_needs_no_accents_and_finds_candidates_too() -> None:
    contests = two_contests().contests
    assert [c.contest.id for c in search(contests, "ynys MON", "Name")] == ["W07"]
    assert [c.contest.id for c in search(contests, "fox", "Name")] == ["E14"]
    quoted = two_contests("O'Neil-Smith").contests
    assert [c.contest.id for c in search(quoted, "o\u2019neil\u2013smith", "Name")] == ["W07"]
    assert [c.contest.id for c in search(contests, "", "Smallest margin")] == ["W07", "E14"]
    assert search(contests, "nowhere", "Name") == []


def test_every_row_is_on_exactly_one_page() -> None:
    rows = list(range(53))
    pages = [page(rows, number, 25) for number in range(1, 4)]
    assert [row for shown in pages for row in shown.rows] == rows
    assert [(shown.first, shown.last) for shown in pages] == [(1, 25), (26, 50), (51, 53)]
    assert page(rows, 99, 25).number == 3
    assert (page([], 1, 25).pages, page([], 1, 25).first) == (1, 0)


def test_a_downloaded_csv_names_its_election_and_proves_itself() -> None:
    lines = export(two_contests("=HYPERLINK(1)"), [], "candidates", "csv", NOW).decode().splitlines(keepends=True)
    head = dict(line[2:].rstrip("\n").split(": ", 1) for line in lines if line.startswith("# "))
    body = "".join(line for line in lines if not line.startswith("# "))
    assert (head["election"], head["state"], head["at"]) == ("made-up", "open", "2026-05-07T22:30:00.000+00:00")
    assert head["state_since"] == "2026-05-07T22:30:00+00:00"
    assert head["licence"] == "Free to use."
    assert head["sha256"] == hashlib.sha256(body.encode()).hexdigest()
    rows = list(csv.DictReader(body.splitlines()))
    assert [(row["candidate"], row["votes"]) for row in rows] == [("Ann Lee", "40"), ("Bo Dee", "10"), ("Cy Fox", "20")]
    assert rows[0]["contest"] == "'=HYPERLINK(1)"  # a spreadsheet must not run a name


@pytest.mark.parametrize("state", ["certified", "refused"])
def test_a_downloaded_file_says_whether_the_result_was_certified_and_when(state: Any) -> None:
    found = json.loads(export(two_contests(state=state), [], "candidates", "json", NOW))
    assert (found["state"], found["state_since"]) == (state, "2026-05-08T00:30:00+00:00")


@pytest.mark.parametrize("table", ["candidates", "contests", "locations"])
def test_a_downloaded_json_proves_itself(table: Any) -> None:
    found = json.loads(export(two_contests(), [], table, "json", NOW))
    rows = json.dumps(found["rows"], ensure_ascii=False, separators=(",", ":"))
    assert found["sha256"] == hashlib.sha256(rows.encode()).hexdigest()
    assert (found["election"], found["table"], found["ballots_counted"]) == ("made-up", table, 71)


def test_figures_that_disagree_are_found() -> None:
    outcome = two_contests()
    by_topic: dict[str, list[Any]] = {topic: [] for topic in topics.AGGREGATES}
    by_topic[topics.VOTES_PER_PARTY] = [aggregates.PartyTotal(**COMMON, votes=69, position=1, party="A")]
    for contest, validity, votes in ((1, "valid", 50), (1, "invalid", 1), (2, "valid", 20)):
        where = {"district": contest, "contest": contest, "contest_name": "", "position": 1}
        total = aggregates.ContestTotal(**COMMON, **where, votes=votes, validity=validity)  # type: ignore[arg-type]
        by_topic[topics.BALLOTS_PER_CONTEST].append(total)
    held = {claim.text: claim.holds for claim in claims(outcome, by_topic)}
    assert held["Parties' votes add up to the valid votes"] is False
    assert held["Valid and invalid votes add up to the votes counted"] is True
    assert held["Registered voters by district add up to the electorate"] is None


def test_a_verdict_is_compared_with_the_count() -> None:
    outcome = two_contests()
    register = Register(
        outcome.register.election, contests=outcome.register.contests, candidates=outcome.register.candidates,
        verdict=Verdict(NOW, False, 150, 72, 71, 0, published=71),
    )  # fmt: skip
    again = result(register, Counted({1: 40, 2: 10, 3: 20}, {1: 50, 2: 20}, {1: 1}))
    held = {claim.text: claim.holds for claim in claims(again, {topic: [] for topic in topics.AGGREGATES})}
    assert held["Ballots stored in the database equal the ballots counted"] is False
    assert held["Ballots stored in the database equal the ballots published"] is False
    assert held["Ballots published equal the ballots counted"] is True
    assert held["Voters registered in the database equal the electorate"] is True


def test_parties_without_a_colour_get_one_that_nobody_else_has() -> None:
    register = Register(
        Election(1, "x", "X"),
        parties={"A": Party("A", "A", "#123456"), "B": Party("B", "B", "red;} body{"), "C": Party("C", "C")},
    )
    found = colours(register)
    assert found["A"] == "#123456"
    assert len({*found.values()}) == 3
    assert all(colour.startswith("#") and len(colour) == 7 for colour in found.values())


def test_seventy_parties_have_seventy_colours_that_show_on_both_themes_and_the_known_ones_stay_theirs() -> None:
    known = {f"K{n}": Party(f"K{n}", "", colour) for n, colour in enumerate(("#e4003b", "#b88a01", "#00843d"))}
    more = {f"P{n:02}": Party(f"P{n:02}", "") for n in range(67)}
    # P05 stands in two contests, P03 in one, the others in none.
    candidates = tuple(Candidate(n, n, "", party, "") for n, party in enumerate(("P03", "P05", "P05"), 1))
    found = colours(Register(Election(1, "x", "X"), parties={**known, **more}, candidates=candidates))
    assert [found[party] for party in known] == ["#e4003b", "#b88a01", "#00843d"]
    assert len({*found.values()}) == 70
    assert [found["P05"], found["P03"], found["P00"], found["P01"]] == [PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3]]
    assert "#b88a00" not in found.values(), "it would be taken for the known one"
    assert all(0.05 < luminance(colour) < 0.5 for party, colour in found.items() if party in more)


def luminance(colour: str) -> float:
    red, green, blue = ((int(colour[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("state", "counted", "is_"),
    [("registered", 0, "waiting"), ("open", 0, "waiting"), ("open", 1, "partial"), ("closed", 9, "partial"),
     ("counted", 9, "complete"), ("certified", 9, "certified"), ("refused", 9, "refused")],
)  # fmt: skip
def test_the_banner_names_what_the_numbers_are(state: Any, counted: int, is_: str) -> None:
    assert kind(Election(1, "x", "X", state=state), counted) == is_


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def answered(seconds: float) -> Source:
    return Source(ago(seconds), ago(99))


def causes(kafka: Source, postgres: Source, stream: Stream, state: Any = "open") -> list[str]:
    return [trouble.cause for trouble in troubles(Election(1, "x", "X", state=state), kafka, postgres, stream, NOW)]


def test_a_source_that_is_away_for_ten_seconds_makes_the_numbers_old() -> None:
    well, calm = answered(1), Stream(ago(1), ago(1))
    assert causes(well, well, calm) == []
    assert causes(Source(ago(9), ago(99), "down", ago(9)), well, calm) == []
    assert causes(Source(ago(11), ago(99), "down", ago(11)), well, calm) == ["kafka"]
    assert causes(well, Source(None, ago(1), "down", ago(1)), calm) == ["postgres"]
    assert causes(answered(11), answered(11), calm) == ["kafka", "postgres"], "a source that hangs gives no reason"
    assert causes(well, Source(None, ago(1)), calm) == [], "it was asked a moment ago"
    assert causes(well, Source(None, ago(11)), calm) == ["postgres"]


def test_ballots_that_arrive_without_being_counted_make_the_numbers_old() -> None:
    well = answered(1)
    died = Stream(told_at=ago(30), batch_at=ago(30), ballots_at=ago(5))
    assert causes(well, well, died) == ["count"]
    assert causes(well, well, died, state="counted") == []
    assert causes(well, well, Stream(ballots_at=ago(5))) == ["count"], "no batch was ever finished"
    assert causes(well, well, Stream(told_at=ago(30), batch_at=ago(30), ballots_at=ago(40))) == [], "nothing came since"
    assert causes(well, well, Stream(told_at=ago(5), batch_at=ago(5), ballots_at=ago(1))) == []
    hangs = Stream(told_at=ago(1), batch_at=ago(30), lag=7, ballots_at=ago(29))
    assert causes(well, well, hangs) == ["count"], "it tells of itself, but of no new batch"
    idle = Stream(told_at=ago(3), batch_at=ago(300), lag=0, ballots_at=ago(299))
    assert causes(well, well, idle) == [], "a poll to which nobody comes"


def test_messages_of_an_unknown_form_are_named() -> None:
    well = answered(1)
    assert causes(well, well, Stream(ago(1), ago(1), unusable=3, unusable_since=ago(60))) == ["versions"]


def test_missing_topics_and_tables_are_named() -> None:
    def lacks(what: str) -> Source:
        return Source(ago(1), ago(99), missing=(what,), missing_since=ago(50))

    assert causes(lacks("votes_topic"), lacks("tables"), Stream()) == ["topics", "tables"]
    assert causes(Source(ago(1), ago(99), loading=True), answered(1), Stream()) == ["loading"]


def test_a_report_for_other_programs_is_made_of_the_same_figures() -> None:
    found = two_contests()
    assert report(found, NOW) is None, "the topics alone do not have the polling day"
    election = replace(found.register.election, polling_day=date(2026, 5, 7))
    register = replace(
        found.register,
        election=election,
        parties={"A": Party("A", "Party A", "#D50000")},
        contests=(found.register.contests[0], replace(found.register.contests[1], polling_day=date(2026, 5, 9))),
    )
    made = report(result(register, Counted({1: 40, 2: 10, 3: 20}, {1: 50, 2: 20}, {1: 1})), NOW)
    assert made is not None
    assert (made.last_day, made.status, made.generated_at) == (date(2026, 5, 9), "unofficial-partial", NOW)
    content = written(made, "json")
    assert (json_problems(content), xml_problems(written(made, "xml"))) == ([], [])
    assert selections(json.loads(content), 0) == {"Ann Lee": 40, "Bo Dee": 10}


def download(monkeypatch: pytest.MonkeyPatch, found: Result) -> TestClient:
    """The dashboard's downloads of the one election ``made-up``."""
    snapshot = Snapshot(1, found.register, Reading(0, Counted({}, {}, {}), {}, {}, None), found, NOW)
    source = SimpleNamespace(
        snapshot=lambda slug: snapshot if slug == "made-up" else None, kafka=SimpleNamespace(ok=True)
    )
    monkeypatch.setattr(files, "feed", lambda: source)
    return TestClient(Starlette(routes=files.ROUTES))


def test_without_postgres_no_report_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    client = download(monkeypatch, two_contests())
    for address, status, words in (
        ("made-up/nist.json", 503, "Postgres does not answer."),
        ("never-held/nist.xml", 404, "No such election."),
        ("made-up/nist.csv", 404, "No such file."),
    ):
        answer = client.get(f"/exports/{address}")
        assert (answer.status_code, answer.text) == (status, words)


def test_a_report_is_written_once_for_all_who_download_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, made = two_contests(), list[str]()

    def counting(report: Report, form: Form) -> bytes:
        made.append(form)
        return written(report, form)

    register = replace(found.register, election=replace(found.register.election, polling_day=date(2026, 5, 7)))
    monkeypatch.setattr(files, "written", counting)
    client = download(monkeypatch, replace(found, register=register))
    answers = [client.get(f"/exports/made-up/nist.{form}") for form in ("json", "xml", "json", "xml")]
    assert made == ["json", "xml"]
    assert [answer.headers["content-type"] for answer in answers[:2]] == ["application/json", "application/xml"]
    assert (answers[0].content, answers[1].content) == (answers[2].content, answers[3].content)
