"""The dashboard's pages over a real Postgres and Kafka: an election appears, its numbers grow, nothing ends them."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard.feed import Snapshots, feed
from dashboard.files import ROUTES
from dashboard.model.export import export
from dashboard.model.nist import report
from election.contracts import topics
from election.contracts.messages import encode
from election.errors import NotReachable
from election.evidence.entries import SIMPLE, Entry
from election.evidence.journal import journal_heads, sign_journal
from election.evidence.log import Round, append, heads, signer
from election.evidence.tree import Tree
from election.live.registers import RegisterReader
from election.messaging.clients import SafeProducer
from election.messaging.topics import create_topics
from election.nist import Form, written
from election.platform import Platform
from election.preparation import Registration, create_tables
from election.reconciliation import Difference, Verdict, record
from election.results import nist_report, record_documents
from election.settings import PROJECT
from election.storage.elections import election
from tests.dashboard_rehearsal import Count, certify, election_no, set_state, set_up
from tests.nist_format import json_problems, xml_problems

NOW = datetime(2026, 5, 8, tzinfo=UTC)
REPLAY = Registration("uk-general-election-2019", "pages-ynys-mon", ("W07000041",))
REGION = Registration("uk-general-election-2019", "pages-ireland", region="Northern Ireland")
SEATS = {"Democratic Unionist Party": "8", "Sinn Féin": "7", "Social Democratic & Labour Party": "2", "Alliance": "1"}


@pytest.fixture(scope="module")
def live(platform: Platform) -> Snapshots:
    """The feed that the pages under test share."""
    create_tables(platform)
    create_topics(platform)
    return feed()


@pytest.fixture(scope="module")
def replay(platform: Platform, live: Snapshots) -> Count:
    scenario = set_up(platform, REPLAY)
    return Count(platform, REPLAY.slug, scenario)


def open_page(slug: str, page: str = "", **query: str) -> AppTest:
    """What the page shows for an election; an exception on it fails the test."""
    if page:

        def script(name: str) -> None:
            import importlib

            from dashboard.pages import frame
            from dashboard.pages.addresses import pages

            frame.page(importlib.import_module(f"dashboard.pages.{name}").draw, pages())

        test = AppTest.from_function(script, args=(page,), default_timeout=30)
    else:
        test = AppTest.from_file(PROJECT / "dashboard" / "pages" / "election_night.py", default_timeout=30)
    if slug:
        test.query_params["election"] = slug
    for key, value in query.items():
        test.query_params[key] = value
    test.run()
    assert not test.exception
    return test


def text(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.get("html"))


def until(found: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it becomes true in time; the feeds work in the background."""
    end = time.monotonic() + seconds
    while not found():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def official(_contest: int, _candidate: int, _index: int, votes: int) -> int:
    return votes


def test_the_start_page_lists_elections_and_links_to_them(replay: Count) -> None:
    assert until(lambda: f"./?election={REPLAY.slug}" in text(open_page("")))


def test_an_unknown_election_is_said_to_be_unknown(live: Snapshots) -> None:
    assert "There is no election “never-held”" in text(open_page("never-held"))
    assert "There is no election “&lt;script&gt;”" in text(open_page("<script>"))


def test_a_night_from_the_first_ballot_to_the_official_result(
    platform: Platform, replay: Count, live: Snapshots
) -> None:
    assert "No ballot counted yet." in text(open_page(REPLAY.slug))
    set_state(platform, REPLAY.slug, "open")
    half = replay.show(lambda _c, _n, _i, votes: votes // 2, 1_700_000_000_000 // 60_000 * 60_000, invalid=0.5)

    def counted() -> int:
        snapshot = live.snapshot(REPLAY.slug)
        return snapshot.result.counted if snapshot else -1

    assert until(lambda: counted() == half)
    assert until(lambda: "6,479" in text(open_page(REPLAY.slug))), "totals of candidates are on a topic of their own"
    page = text(open_page(REPLAY.slug))
    assert "Partial result." in page and f"{half:,} ballots counted of 51,925 registered" in page
    assert "6,479" in page and "Virginia Crosbie" in page  # half of 12,959
    assert "can still be overturned" in page

    everything = replay.show(official, 1_700_000_060_000 // 60_000 * 60_000)
    set_state(platform, REPLAY.slug, "counted")
    assert until(lambda: counted() == everything == 36_673)
    assert until(lambda: live.elections()[-1] is not None and "Complete" in text(open_page(REPLAY.slug)))
    page = text(open_page(REPLAY.slug))
    assert page.count("✓ equal") == 4
    assert "12,959" in page and "36,552" in page and "121" in page and "70.6%" in page
    assert "The count is over; this lead cannot be overturned." in page


def test_a_certified_and_a_refused_result_say_so(platform: Platform, replay: Count, live: Snapshots) -> None:
    for state, words in (("certified", "Certified result."), ("refused", "Refused: this result was not certified.")):
        set_state(platform, REPLAY.slug, state)
        assert until(lambda words=words: words in text(open_page(REPLAY.slug)))  # type: ignore[misc]
        assert f"{state} (now)" in text(open_page(REPLAY.slug, "integrity"))
        assert f"The election is {state}" in text(open_page(REPLAY.slug, "downloads"))
    set_state(platform, REPLAY.slug, "counted")


def test_stored_published_and_counted_stand_beside_each_other(
    platform: Platform, replay: Count, live: Snapshots
) -> None:
    assert "not compared yet" in text(open_page(REPLAY.slug, "integrity"))
    difference = Difference("ballot missing from votes_topic", "00ff", "published", "absent")
    for published, words in ((36_672, "differs from"), (36_673, "equals")):
        verdict = Verdict(published == 36_673, 51_925, 36_673, published, 36_673, 0, (difference,), 36_673)
        record(platform, REPLAY.slug, verdict)
        assert until(lambda words=words: text(open_page(REPLAY.slug, "integrity")).count(f">{words}<") == 2)  # type: ignore[misc]
    assert "ballot missing from votes_topic 00ff: expected published, found absent" in text(
        open_page(REPLAY.slug, "integrity")
    )


def test_what_is_certified_is_shown_as_certified_whatever_the_topics_say(platform: Platform, live: Snapshots) -> None:
    registration = Registration("uk-general-election-2019", "pages-certified", ("S14000027",))
    scenario = set_up(platform, registration)
    set_state(platform, registration.slug, "open")
    count = Count(platform, registration.slug, scenario)
    count.show(official, 1_700_000_000_000 // 60_000 * 60_000)
    certify(platform, registration.slug, scenario)
    assert until(lambda: "14,542</dd>" in text(open_page(registration.slug, "integrity")).replace("<small>", "</dd>"))
    # Nothing was reconciled here: counted and certified alone. Topics arrive one after the other.
    assert until(lambda: text(open_page(registration.slug, "integrity")).count(">equals<") == 1)
    page = text(open_page(registration.slug, "integrity"))
    assert "certified (now)" in page and "Returning &lt;b&gt;officer&lt;/b&gt;" in page and "It was rehearsed." in page
    snapshot = live.snapshot(registration.slug)
    assert snapshot is not None
    leader = snapshot.result.contests[0].leaders[0]
    count.put(
        topics.VOTES_PER_CANDIDATE, f"1/1/{leader.contender.number}", votes=leader.votes + 5, district=1, contest=1,
        contest_name="", candidate=leader.contender.number, candidate_name="", party=leader.contender.party,
    )  # fmt: skip
    count.put(
        topics.BALLOTS_PER_CONTEST, "1/1/1/valid", votes=14_482, district=1, contest=1, position=1, contest_name="",
        validity="valid",
    )  # fmt: skip
    count.producer.flush()
    assert until(lambda: text(open_page(registration.slug, "integrity")).count(">differs from<") == 1)
    page = text(open_page(registration.slug))
    assert f"{leader.votes:,}" in page and f"{leader.votes + 5:,}" not in page
    assert "Certified result." in page
    contest = text(open_page(registration.slug, "contests", contest="S14000027"))
    assert "Candidates of Na h-Eileanan An Iar, by votes" in contest
    client = TestClient(Starlette(routes=ROUTES))
    for form in get_args(Form):
        answer = client.get(f"/exports/{registration.slug}/nist.{form}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{registration.slug}-nist.{form}"'
        assert answer.content == written(nist_report(platform, registration.slug), form), "as the command writes it"
        assert {"json": json_problems, "xml": xml_problems}[form](answer.content) == []
    assert client.get("/exports/never-held/nist.json").status_code == 404
    assert client.get(f"/exports/{registration.slug}/nist.csv").status_code == 404


@pytest.mark.parametrize("name", ["mixed-parliament", "stv-wards", "list-council", "electoral-college"])
def test_a_report_of_any_system_is_that_of_the_command(name: str, platform: Platform, live: Snapshots) -> None:
    registration = Registration(name, f"pages-report-{name}")
    count = Count(platform, registration.slug, set_up(platform, registration))
    ballots = count.show(lambda _c, number, _i, _v: 100 + number * number, 1_700_000_040_000)
    for number, ranking in enumerate(("1,2", "2", "3,1,2"), 1):
        if name == "stv-wards":
            count.put(topics.VOTES_PER_RANKING, f"1/1/{ranking}", votes=99 * number, district=1, contest=1,
                      ranking=ranking)  # fmt: skip
    count.producer.flush()
    set_state(platform, registration.slug, "counted")

    def shown() -> bytes:
        snapshot = live.snapshot(registration.slug)
        made = None if snapshot is None else report(snapshot.result, NOW)
        return b"" if made is None else written(made, "json")

    made = replace(nist_report(platform, registration.slug), now=NOW)
    until(lambda: shown() == written(made, "json"), 20)
    assert json.loads(shown()) == json.loads(written(made, "json"))
    assert ballots > 0
    assert (name == "stv-wards") == any(contest.stages for contest in made.contests)
    assert (name in ("mixed-parliament", "electoral-college")) == bool(made.districts)
    assert {contest.position for contest in made.contests} == ({1, 2} if name == "mixed-parliament" else {1})


def test_recorded_hashes_of_the_documents_of_a_certified_result_are_shown(platform: Platform, live: Snapshots) -> None:
    registration = Registration("uk-general-election-2019", "pages-documents", ("S14000027",))
    scenario = set_up(platform, registration)
    set_state(platform, registration.slug, "open")
    certify(platform, registration.slug, scenario)
    assert until(lambda: "nist.json" in text(open_page(registration.slug, "downloads")))
    assert "SHA-256 recorded" not in text(open_page(registration.slug, "downloads"))
    with platform.connect("owner") as connection:
        connection.execute(
            """WITH given AS (
                   INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences)
                   SELECT election_no, true, 1, 1, 1, 0, '[]' FROM elections WHERE slug = %s RETURNING *)
               INSERT INTO certifications (election_no, decision, decided_by, reason, verdict_no)
               SELECT election_no, 'certified', 'me', 'It agrees.', verdict_no FROM given""",
            [registration.slug],
        )
    record_documents(platform, registration.slug)
    digest = hashlib.sha256(written(nist_report(platform, registration.slug), "json")).hexdigest()
    assert until(lambda: f"nist-json</th><td><code>{digest}" in text(open_page(registration.slug, "downloads")))


def test_quality_reports_are_listed_with_the_latest_of_each_checkpoint(platform: Platform, replay: Count) -> None:
    assert "No quality gate has checked" in text(open_page(REPLAY.slug, "integrity"))
    with platform.connect("auditor") as connection:
        for checkpoint, ok, failed in (("electorate", False, 2), ("electorate", True, 0), ("count", False, 3)):
            connection.execute(
                """INSERT INTO validations (election_no, checkpoint, validated_at, ok, expectations, failed, warnings,
                                            findings, report)
                   VALUES (%s, %s, clock_timestamp(), %s, 12, %s, 0, '[]', 'pages ynys/a/index.html')""",
                [replay.number, checkpoint, ok, failed],
            )
    assert until(lambda: "3 failed" in text(open_page(REPLAY.slug, "integrity")))
    page = text(open_page(REPLAY.slug, "integrity"))
    assert "12 of 12" in page and "9 of 12" in page and "2 failed" not in page
    assert "/data-docs/pages%20ynys/a/index.html" in page


@pytest.mark.parametrize("page", ["contests", "turnout", "night", "integrity", "downloads"])
def test_each_page_opens(page: str, replay: Count) -> None:
    assert "UK general election 2019" in text(open_page(REPLAY.slug, page))
    assert "There is no election" in text(open_page("never-held", page))


def test_eighteen_seats_and_every_contest_in_the_table(platform: Platform, live: Snapshots) -> None:
    scenario = set_up(platform, REGION)
    set_state(platform, REGION.slug, "open")
    count = Count(platform, REGION.slug, scenario)
    total = count.show(official, 1_700_000_000_000 // 60_000 * 60_000)
    set_state(platform, REGION.slug, "counted")

    def complete() -> bool:
        snapshot = live.snapshot(REGION.slug)
        return snapshot is not None and snapshot.result.counted == total and snapshot.result.complete == 18

    assert until(complete)
    snapshot = live.snapshot(REGION.slug)
    assert snapshot is not None
    won = {snapshot.register.party(party.party).name: str(party.won) for party in snapshot.seats.parties}
    assert won == SEATS
    page = text(open_page(REGION.slug))
    assert "A majority is 10 of 18 seats. No party has it." in page and "Half circle of 18 seats" in page
    assert "Compared with" in page and "UK general election 2017" in page
    net = {"Social Democratic &amp; Labour Party": "+2", "Alliance": "+1", "Democratic Unionist Party": "−2"}
    for party, seats in net.items():
        assert f'<bdi class="en-name">{party}</bdi> <b>{seats}</b>' in page, "as in 2019"
    test = open_page(REGION.slug, "contests")
    assert text(test).count("contests?election=pages-ireland") >= 18
    test.text_input(key="contest-search").input("foyle").run()
    assert "Contests 1 to 1 of 1" in text(test)
    chosen = open_page(REGION.slug, "contests", contest="N06000008", refresh="5")
    assert "contests?election=pages-ireland&amp;contest=N06000008&amp;refresh=5" in text(chosen)
    assert "declared" in text(chosen)
    turnout = text(open_page(REGION.slug, "turnout"))
    assert "Turnout by place: 1 to 18 of 18" in turnout
    hours = turnout[turnout.index("Turnout by hour") : turnout.index("Turnout by place")]
    assert f"{total:,}" in hours and "14 Nov 2023, 22:00" in hours
    assert until(lambda: text(open_page(REGION.slug, "integrity")).count("✓ yes") == len(topics.AGGREGATES))
    assert "✗ no" not in text(open_page(REGION.slug, "integrity"))


def test_without_a_map_contests_and_places_are_ranked(platform: Platform, live: Snapshots, monkeypatch: Any) -> None:
    monkeypatch.setattr("dashboard.pages.contests.has_map", lambda _scenarios, _scenario: False)
    page = text(open_page(REGION.slug, "contests"))
    assert "Contests by the lead of their first party: 18 of 18" in page
    ranked = re.findall(r'<th scope="row"><a [^>]*><bdi class="en-name">([^<]*)', page)[:18]
    snapshot = live.snapshot(REGION.slug)
    assert snapshot is not None
    margins = {contest.contest.name: contest.margin_share or 0 for contest in snapshot.result.contests}
    assert ranked == sorted(margins, key=lambda name: -margins[name])
    registration = Registration("single-race", "pages-places", voters=1000)
    scenario = set_up(platform, registration)
    with platform.connect("owner") as connection:
        for number, city, registered in ((2, "Low Town", 500), (3, "High Town", 200)):
            key = election_no(platform, registration.slug)
            connection.execute("INSERT INTO locations VALUES (%s, %s, 'A', 'B', %s)", [key, number, city])
            connection.execute(
                "INSERT INTO registered_counts VALUES (%s, 'location', %s, %s)", [key, str(number), registered]
            )
    count = Count(platform, registration.slug, scenario)
    for number, city, votes in ((2, "Low Town", 100), (3, "High Town", 150)):
        count.put(topics.TURNOUT_BY_LOCATION, str(number), votes=votes, location=number, country="A", region="B",
                  city=city)  # fmt: skip
    count.show(lambda _c, n, _i, _v: 10 * n, 1_700_000_040_000 // 60_000 * 60_000)

    def shares() -> set[str]:
        return set(re.findall(r"[\d.]+%", text(open_page(registration.slug, "contests"))))

    assert until(lambda: {"75.0%", "20.0%"} <= shares())
    page = text(open_page(registration.slug, "contests"))
    assert page.index("High Town") < page.index("Low Town") and "20.0%" in page


def test_figures_that_go_on_to_disagree_are_shown_in_red(platform: Platform, live: Snapshots, replay: Count) -> None:
    replay.put(topics.VOTES_PER_PARTY, "1/Con", votes=12_960, position=1, party="Con")
    replay.producer.flush()
    assert until(lambda: "✗ no" in text(open_page(REPLAY.slug, "integrity")))


def test_names_from_the_data_are_text_on_every_page(platform: Platform, live: Snapshots) -> None:
    registration = Registration("single-race", "pages-hostile", voters=1000)
    scenario = set_up(platform, registration)
    number = election_no(platform, registration.slug)
    bad = "<script>alert(1)</script>"
    with platform.connect("owner") as connection:
        connection.execute("UPDATE candidates SET given_name = %s WHERE election_no = %s", [bad, number])
        connection.execute("UPDATE parties SET name = %s WHERE election_no = %s", ["[x](javascript:y) **", number])
        connection.execute("UPDATE contests SET name = %s WHERE election_no = %s", [bad, number])
        connection.execute("UPDATE elections SET name = %s WHERE election_no = %s", [bad, number])
    Count(platform, registration.slug, scenario).show(
        lambda _c, n, _i, _v: 100 + n, 1_700_000_040_000 // 60_000 * 60_000
    )
    assert until(lambda: (s := live.snapshot(registration.slug)) is not None and s.result.counted == 306)
    for page in ("", "contests", "turnout", "night", "integrity", "downloads"):
        shown = text(open_page(registration.slug, page))
        assert "<script" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert 'href="javascript' not in shown


def test_the_stream_is_shown_as_it_is_now_also_while_no_total_changes(
    platform: Platform, live: Snapshots, replay: Count
) -> None:
    assert until(lambda: live.count.live.progress is not None)
    told, ended = live.count.live.progress, live.count.live.batch_at
    assert told is not None
    again = msgspec.structs.replace(told, at=told.at + 60_000)
    later = msgspec.structs.replace(
        told, batch=told.batch + 7, lag=4711, at=told.at + 90_000, batch_at=told.at + 80_000
    )
    producer = SafeProducer(platform.login("tally"))
    for progress, finished in ((again, ended), (later, datetime.fromtimestamp(later.at / 1000 - 10, UTC))):
        producer.produce(topics.TALLY_PROGRESS, encode(progress), str(told.generation).encode())
        producer.flush()
        assert until(lambda at=progress.at: (now := live.count.live.progress) is not None and now.at == at)  # type: ignore[misc]
        assert live.count.live.batch_at == finished, "when the batch ended, not when it was told of again"
    assert "4,711" in text(open_page(REPLAY.slug, "integrity"))


def test_a_name_that_is_no_elections_is_forgotten(live: Snapshots) -> None:
    assert live.registers.register("never-held") is None
    assert until(lambda: "never-held" not in live.registers._asked)
    assert live.registers.register(REPLAY.slug) is not None


def test_messages_of_no_known_form_are_left_out_and_counted(platform: Platform, live: Snapshots) -> None:
    before = live.count.live.unusable
    producer = SafeProducer(platform.login("tally"))
    unknown = {"schema_version": 99, "generation": 1, "election": 1, "votes": 10**9, "party": "Con"}
    producer.produce(topics.VOTES_PER_PARTY, json.dumps(unknown).encode(), b"1/1/Con")
    producer.produce(topics.VOTES_PER_PARTY, b"\xff\xfe", b"nonsense")
    producer.produce(topics.VOTES_PER_PARTY, None, b"nonsense")
    producer.produce(topics.TALLY_PROGRESS, b"[]", b"1")
    producer.produce(topics.REJECTED, b"{}", b"x/0/0")
    producer.produce(topics.REJECTED, b"[" * 5_000, b"x/0/1")
    producer.produce(topics.VOTES_PER_PARTY, b"[" * 5_000, b"1/1/Con")
    producer.flush()
    assert until(lambda: live.count.live.unusable >= before + 4)
    assert "36,673" in text(open_page(REPLAY.slug)) and live.kafka.ok


def test_a_fault_while_reading_loses_no_record_that_was_taken_with_it(
    platform: Platform, live: Snapshots, monkeypatch: Any
) -> None:
    take, faults = live.count._apply, [MemoryError("made by the test")]

    def apply(record: Any) -> int:
        if record.topic() == topics.REJECTED and faults:
            raise faults.pop()
        return take(record)

    monkeypatch.setattr(live.count, "_apply", apply)
    producer = SafeProducer(platform.kafka)
    record = {"stage": "count", "election": 999, "reason": "not_json"}
    for offset in range(20):
        producer.produce(topics.REJECTED, json.dumps(record).encode(), b"votes_topic/0/%d" % offset)
    producer.flush()
    assert until(lambda: live.count.read(999).rejected == {("count", "not_json"): 20})
    assert not faults and until(lambda: live.kafka.ok)


def test_rejected_records_are_counted_once_by_reason(platform: Platform, live: Snapshots, replay: Count) -> None:
    producer = SafeProducer(platform.kafka)
    record = {"schema_version": 1, "stage": "casting", "election": replay.number, "topic": "ballots_topic",
              "partition": 0, "offset": 7, "key": None, "value": None, "reason": "second_ballot", "detail": "",
              "rejected_at": 0}  # fmt: skip
    for key in (b"ballots_topic/0/7", b"ballots_topic/0/7", b"ballots_topic/0/8"):
        producer.produce(topics.REJECTED, json.dumps(record).encode(), key)
    producer.flush()
    assert until(lambda: live.count.read(replay.number).rejected == {("casting", "second_ballot"): 2})
    assert "second ballot (casting)" in text(open_page(REPLAY.slug, "integrity"))
    # A record that was used after all is no longer rejected.
    producer.produce(topics.REJECTED, None, b"ballots_topic/0/8")
    producer.flush()
    assert until(lambda: live.count.read(replay.number).rejected == {("casting", "second_ballot"): 1})


def test_messages_left_out_of_the_count_are_shown_with_who_and_why(platform: Platform, live: Snapshots) -> None:
    registration = Registration("single-race", "pages-quarantine", voters=100)
    set_up(platform, registration)
    assert until(lambda: registration.slug in text(open_page("")))
    assert "Quarantine" not in text(open_page(registration.slug, "integrity"))
    forged = [{"partition_no": 0, "offset_no": n, "ballot_id": f"{n:032x}", "found": "not stored"} for n in (7, 8)]
    with platform.connect("auditor") as connection:
        connection.execute(
            "SELECT quarantine(%s, 'admin', %s, 'a-topic', %s)",
            [registration.slug, "Written by <b>no</b> casting worker.", json.dumps(forged)],
        )
    assert until(lambda: "Quarantine" in text(open_page(registration.slug, "integrity")))
    page = text(open_page(registration.slug, "integrity"))
    shown = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Messages on votes_topic that are not stored ballots 2 " in shown
    assert "Excluded from the tally by admin, " in shown and "Written by &lt;b&gt;no&lt;/b&gt; casting worker." in shown


def test_the_newest_head_of_the_log_is_shown_and_every_head_is_offered(platform: Platform, live: Snapshots) -> None:
    registration = Registration("single-race", "pages-log", voters=100)
    set_up(platform, registration)
    files = TestClient(Starlette(routes=ROUTES))
    assert until(lambda: registration.slug in text(open_page("")))
    assert "No ballot is sealed yet." in text(open_page(registration.slug, "integrity"))
    assert "heads.txt" not in text(open_page(registration.slug, "downloads"))
    assert files.get(f"/exports/{registration.slug}/heads.txt").status_code == 404
    with platform.connect("auditor") as connection:
        poll, tree = election(connection, registration.slug), Tree()
        for number in range(2):
            entries = SIMPLE.pack(Entry(bytes([number] * 16), 1, 1, 1, 0, 0, 0))
            append(connection, poll, SIMPLE, signer(platform, poll), tree, Round("topic", {}, {}, entries))
    assert until(lambda: tree.root().hex() in text(open_page(registration.slug, "integrity")))
    assert f"exports/{registration.slug}/heads.txt" in text(open_page(registration.slug, "downloads"))
    with platform.connect("dashboard") as connection:
        known = heads(connection, poll.election_no)
    offered = files.get(f"/exports/{registration.slug}/heads.txt").text
    assert offered == "\n".join(head.head for head in known) and len(known) == 2


def test_the_newest_head_of_the_journal_is_shown(platform: Platform, live: Snapshots) -> None:
    registration = Registration("single-race", "pages-journal", voters=100)
    set_up(platform, registration)
    assert until(lambda: registration.slug in text(open_page("")))
    assert "No verdict or decision is signed yet." in text(open_page(registration.slug, "integrity"))
    with platform.connect("auditor") as connection:
        connection.autocommit = True
        poll = election(connection, registration.slug)
        forged = [{"partition_no": 0, "offset_no": 9, "ballot_id": f"{9:032x}", "found": "not stored"}]
        connection.execute("SELECT quarantine(%s, 'admin', 'Forged.', 'a-topic', %s)", [poll.slug, json.dumps(forged)])
        assert sign_journal(platform, connection, poll) is None
        (known,) = journal_heads(connection, poll.election_no)
    assert until(lambda: known.hash.hex() in text(open_page(registration.slug, "integrity")))
    assert known.verifier_key in text(open_page(registration.slug, "integrity"))


def test_a_package_is_offered_once_it_is_written(platform: Platform, live: Snapshots) -> None:
    registration = Registration("single-race", "pages-package", voters=100)
    set_up(platform, registration)
    files = TestClient(Starlette(routes=ROUTES))
    assert until(lambda: registration.slug in text(open_page("")))
    assert "package.tar" not in text(open_page(registration.slug, "downloads"))
    results = platform.settings.var / "results"
    for slug in (registration.slug, "never-held"):
        (results / slug).mkdir(parents=True)
        (results / slug / "package.tar").write_bytes(b"an archive")
    assert f"exports/{registration.slug}/package.tar" in text(open_page(registration.slug, "downloads"))
    assert files.get(f"/exports/{registration.slug}/package.tar").content == b"an archive"
    for other in ("never-held", "..", "%2e%2e"):
        assert files.get(f"/exports/{other}/package.tar").status_code == 404


def test_a_downloaded_file_holds_the_result_and_its_checksum(replay: Count, live: Snapshots) -> None:
    snapshot = live.snapshot(REPLAY.slug)
    assert snapshot is not None
    content = json.loads(export(snapshot.result, snapshot.locations, "candidates", "json", snapshot.at))
    rows = json.dumps(content["rows"], ensure_ascii=False, separators=(",", ":")).encode()
    assert content["sha256"] == hashlib.sha256(rows).hexdigest()
    assert {row["candidate"]: row["votes"] for row in content["rows"]}["Virginia Crosbie"] == 12_959
    assert "Open Parliament Licence" in content["licence"]


def test_the_dashboards_role_can_read_neither_voters_nor_votes(platform: Platform, live: Snapshots) -> None:
    for table in ("voters", "votes", "candidates", "elections", "ballot_keys"):
        with platform.connect("dashboard") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {table}")


def test_without_postgres_the_topics_alone_give_names_and_votes(platform: Platform, replay: Count) -> None:
    def away(_role: str) -> psycopg.Connection:
        raise NotReachable("Postgres does not answer.")

    source = Snapshots(Platform(away, platform.login, platform.settings)).start()
    try:
        assert until(source.count.caught_up.is_set)
        assert until(lambda: REPLAY.slug in {election.slug for election in source.elections()})
        snapshot = source.snapshot(REPLAY.slug)
        assert snapshot is not None and snapshot.result.counted == 36_673
        assert snapshot.result.contests[0].leaders[0].contender.name == "Virginia Crosbie"
        assert snapshot.result.turnout is None
        assert source.postgres.trouble == "Postgres does not answer."
    finally:
        source.stop()


def test_a_platform_without_tables_is_no_election_yet(platform: Platform, live: Snapshots) -> None:
    def empty() -> psycopg.Connection:
        connection = platform.connect("dashboard")
        connection.execute("SET search_path TO pg_temp")
        connection.commit()
        return connection

    log = platform.settings.var / "logs" / "postgres.log"
    before = log.stat().st_size
    registers = RegisterReader(empty, platform.settings.scenarios)
    registers.start()
    try:
        assert until(lambda: registers.pulse.now.missing == ("tables",))
        assert "does not exist" not in log.read_text()[before:], "an error a second would hide those that matter"
        assert registers.elections == ()
        assert registers.register("any") is None
        assert until(lambda: "any" in registers._looked_for), "whoever asks is not kept waiting"
    finally:
        registers.stop()
