"""The reports: what a validation leaves behind, for whom, for how long; and that their pages need no network."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from election.casting import cast, close_poll
from election.contracts import topics
from election.errors import StageFailed
from election.messaging.clients import SafeProducer
from election.messaging.reading import bounds
from election.orchestration.control_room.rendering import DOCUMENT
from election.platform import native
from election.publication.voters import record_range
from election.quality.validating import validate
from election.settings import ROLES
from tests.browser import FLAGS, chromium

SLUG = "quality-docs"
HOSTILE = b'<img src="https://elsewhere.example/x.png"><script>document.title = "taken over"</script>'


@pytest.fixture(scope="module")
def reports(tables, published):
    """The reports of an election in order but for one record that casting could not use."""
    poll = published(SLUG, voters=300)
    with tables.connect("app") as connection:
        producer = SafeProducer(tables.kafka)
        producer.produce(topics.VOTERS, HOSTILE, b"hostile", 0)
        producer.flush()
        begin = {int(partition): offset for partition, offset in poll.voters_from.items()}
        record_range(connection, poll.election_no, begin, bounds(tables.kafka, topics.VOTERS)[1])
    cast(tables, SLUG, log=lambda _: None)
    close_poll(tables, SLUG)
    return {gate: validate(tables, SLUG, gate, lambda _: None) for gate in ("electorate", "casting")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield launched
        launched.close()


def test_a_warning_is_reported_and_the_gate_is_passed(reports):
    (finding,) = reports["casting"].findings
    assert (finding.name, finding.severity, finding.rows) == ("rejected_topic.none", "warning", 1)
    assert finding.keys == ("not_json (1)",)
    assert reports["casting"].ok
    assert reports["electorate"].findings == ()


@pytest.fixture(scope="module")
def served(tables) -> Iterator[str]:
    """The data docs' address on a server with the content security policy of Airflow's control room."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            self.send_header("Content-Security-Policy", DOCUMENT)
            super().end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tables.settings.data_docs))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_page_is_complete_and_asks_no_other_host_for_anything(tables, reports, browser, served):
    docs = tables.settings.data_docs
    page = browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(f"{served}/index.html")
    page.get_by_role("link", name=SLUG).click()
    page.get_by_role("row", name="casting").get_by_role("link").click()
    assert page.locator("#findings tr").nth(1).inner_text().startswith("rejected_topic.none")
    page.get_by_role("link", name="The rejected records themselves").click()
    assert "elsewhere.example" in page.inner_text("body")
    assert page.title() == f"{SLUG}: rejected records"
    seen = sorted((docs / SLUG).rglob("*.html"))
    assert {file.stem for file in seen} >= {"index", "voters", "votes", "votes_topic", "rejected_topic", "rejected"}
    for file in seen:
        page.goto(f"{served}/{file.relative_to(docs)}", wait_until="networkidle")
    # The library's own page: its sentences, its styles, its chart, its buttons.
    page.goto(f"{served}/{reports['electorate'].report.replace('index', 'voters')}", wait_until="networkidle")
    sentence = page.get_by_text("There are as many voters as are registered.").first
    assert sentence.is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.navbar')).display") == "flex"
    expect(page.locator("canvas, svg.marks").first).to_be_visible()
    page.get_by_text("Failed Only").click()
    expect(sentence).to_be_hidden()
    page.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith((served, "blob:", "data:"))] == []
    assert len(asked) > 100


def test_nothing_of_a_person_and_no_secret_gets_into_a_report_or_the_records(tables, reports):
    with tables.connect("owner") as connection:
        (no,) = connection.execute("SELECT election_no FROM elections WHERE slug = %s", [SLUG]).fetchone()
        people = connection.execute(
            "SELECT email, phone, street FROM voters WHERE election_no = %s AND voter_no < 50", [no]
        ).fetchall()
        (key,) = connection.execute("SELECT key FROM ballot_keys WHERE election_no = %s", [no]).fetchone()
        recorded = connection.execute("SELECT findings::text FROM validations WHERE election_no = %s", [no]).fetchall()
    texts = [file.read_text() for file in (tables.settings.data_docs / SLUG).rglob("*.html")]
    texts += [text for (text,) in recorded]
    secrets = [tables.settings.secret(f"postgres_{role}") for role in ROLES] + [key.hex()]
    for text in texts:
        assert not any(part in text for person in people for part in person)
        assert not any(secret in text for secret in secrets)


def test_raw_bytes_are_on_pages_for_operators_alone(tables, reports):
    docs = tables.settings.data_docs / SLUG
    having = [file.relative_to(docs) for file in docs.rglob("*.html") if "elsewhere.example" in file.read_text()]
    assert having and {file.parts[0] for file in having} == {"operators"}


def test_only_the_auditor_records_a_validation_and_the_public_sees_the_outcome(tables, reports):
    with tables.connect("dashboard") as connection:
        rows = connection.execute(
            """SELECT v.checkpoint, v.ok, v.expectations, v.failed, v.report FROM public_validations v
               JOIN public_elections USING (election_no) WHERE slug = %s ORDER BY validated_at""",
            [SLUG],
        ).fetchall()
    assert rows == [(gate, True, found.expectations, 0, found.report) for gate, found in reports.items()]
    forged = "INSERT INTO validations VALUES (DEFAULT, 1, 'count', now(), true, 9, 0, 0, '[]', '')"
    for role in ("app", "dashboard", "results_feed", "reader"):
        with tables.connect(role) as connection:
            connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
            connection.commit()
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(forged)


def test_old_validations_go_with_their_reports_and_the_newest_of_each_checkpoint_stays(tables, reports):
    few = native(tables.settings.model_copy(update={"validations_kept": 2}))
    again = [validate(few, SLUG, "casting", lambda _: None).report for _ in range(3)]
    docs = tables.settings.data_docs
    with tables.connect("reader") as connection:
        kept = {
            report
            for (report,) in connection.execute(
                "SELECT report FROM validations JOIN elections USING (election_no) WHERE slug = %s", [SLUG]
            )
        }
    assert kept == {reports["electorate"].report, *again[1:]}
    assert {f"{SLUG}/{file.name}/index.html" for file in (docs / SLUG).glob("2*")} == kept
    assert {file.name for file in (docs / SLUG / "operators").iterdir()} == {path.split("/")[1] for path in again[1:]}


def test_the_command_line_validates_and_its_status_tells_the_outcome(tables, reports):
    def validated(*arguments, status):
        line = [sys.executable, "-m", "election.cli", "validate", SLUG, *arguments]
        done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    found = json.loads(validated("--json", status=0).stdout)
    assert (found["checkpoint"], found["ok"], found["failed"], found["warnings"]) == ("casting", True, 0, 1)
    assert "not_json (1)" in found["findings"][0]["keys"]
    assert "is for elections that are counted" in validated("--checkpoint", "count", status=1).stderr
    with tables.connect("owner") as connection:
        connection.execute("UPDATE contests SET registered = registered + 1 FROM elections e "
                           "WHERE contests.election_no = e.election_no AND slug = %s", [SLUG])  # fmt: skip
    assert "contests.registered" in validated("--checkpoint", "electorate", status=1).stdout


def test_a_checkpoint_that_an_election_has_not_reached_is_refused(tables, reports):
    with pytest.raises(StageFailed, match="is for elections that are counted"):
        validate(tables, SLUG, "count")
