"""The control room's pages over a real Postgres and Kafka, as a viewer and as an operator see them."""

import asyncio
import os
from collections.abc import Callable

import httpx
import pytest

from election.contracts import topics
from election.contracts.messages import Unusable
from election.messaging.clients import SafeProducer
from election.messaging.rejected import reject
from election.orchestration.control_room import addresses
from election.platform import Platform
from election.preparation import Registration, register
from election.storage.elections import Election, election
from election.storage.runs import note_run
from tests.records import Record

Get = Callable[..., httpx.Response]
HOSTILE = b"<script>window.hurt=1</script>\xff"
RUN = "manual__2026-05-07T21:00:00+00:00"


@pytest.fixture(scope="module")
def get(tables: Platform, tmp_path_factory: pytest.TempPathFactory) -> Get:
    """Asks for a page as an operator or as a viewer; that nobody else gets in is tried on the whole stack."""
    os.environ.setdefault("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    from election.orchestration.control_room import access
    from election.orchestration.control_room.data_docs import data_docs
    from election.orchestration.control_room.pages import pages

    def ask(path: str, operator: bool = True) -> httpx.Response:
        prefix = f"/{path.split('/')[1]}"
        make = {addresses.PAGES: pages, addresses.DATA_DOCS: data_docs}[prefix]
        app = make(tables)
        app.dependency_overrides = {access.LOGGED_IN.dependency: lambda: None, access.is_operator: lambda: operator}

        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://airflow") as client:
                return await client.get(path.removeprefix(prefix))

        return asyncio.run(answer())

    return ask


@pytest.fixture(scope="module")
def poll(tables: Platform) -> Election:
    """An election that a run registered, with three rejected records, one of them hostile."""
    slug = "control-room"
    register(tables, Registration("single-race", slug, voters=100))
    with tables.connect("app") as connection:
        note_run(connection, "election_run", RUN, slug)
        found = election(connection, slug)
    producer = SafeProducer(tables.kafka)
    for offset, value in enumerate((HOSTILE, b"{}", None)):
        reject(
            producer, "casting", Record(value, (0, offset)), Unusable("not_json", "no <b>JSON</b>"), found.election_no
        )
    producer.flush()
    return found


def test_a_run_shows_its_election_and_its_result(get, poll, tables):
    page = get(f"/control-room/runs/election_run/{RUN}")
    assert page.status_code == 200
    assert poll.name in page.text and poll.slug in page.text
    assert f'src="{tables.settings.dashboard_url}/?election={poll.slug}&amp;embed=true"' in page.text
    assert "State <b>registered</b>" in page.text
    assert "State <b>registered</b>" in get(f"/control-room/runs/election_run/{RUN}/live").text


def test_a_cleared_run_that_registers_again_stays_with_its_election(tables, poll):
    with tables.connect("app") as connection:
        note_run(connection, "election_run", RUN, poll.slug)
        runs = connection.execute("SELECT election_no FROM runs WHERE run_id = %s", [RUN]).fetchall()
    assert runs == [(poll.election_no,)]


def test_a_run_without_an_election_says_why(get, tables):
    assert "has not registered its election yet" in get("/control-room/runs/election_run/later").text
    assert "is not about one election" in get("/control-room/runs/tally_stream/scheduled__2026").text


def test_the_verdict_and_its_differences_are_told(get, poll, tables):
    with tables.connect("auditor") as connection:
        connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences)
               VALUES (%s, false, 100, 1200, 1199, 3, %s)""",
            [poll.election_no, '[{"what": "ballot <i>missing</i>", "key": "00ff", "expected": 1, "found": 0}]'],
        )
    page = get(f"/control-room/runs/election_run/{RUN}").text
    assert "it does not agree" in page and "Stored <b>1,200</b>" in page and "Counted <b>1,199</b>" in page
    assert "<li>ballot &lt;i&gt;missing&lt;/i&gt; 00ff: expected 1, found 0</li>" in page


def test_the_latest_report_of_each_gate_is_told_and_linked(get, poll, tables):
    with tables.connect("auditor") as connection:
        for ok, failed, report in ((False, 2, "first"), (True, 0, "second")):
            connection.execute(
                """INSERT INTO validations (election_no, checkpoint, validated_at, ok, expectations, failed, warnings,
                                            findings, report)
                   VALUES (%s, 'casting', now() + %s * interval '1 s', %s, 25, %s, 0, '[]', %s)""",
                [poll.election_no, int(ok), ok, failed, f"{poll.slug}/{report}/index.html"],
            )
    for page in (f"/control-room/runs/election_run/{RUN}", "/data-docs/", "/data-docs/index.html"):
        text = get(page).text
        assert f'href="/data-docs/{poll.slug}/second/index.html"' in text
        assert f"{poll.slug}/first/" not in text
        assert "passed" in text and "2 not met" not in text


def test_an_operator_sees_rejected_bytes_as_text(get, poll):
    page = get(f"/control-room/rejected/{poll.slug}")
    assert page.status_code == 200
    assert "Could not be used: 3." in page.text
    assert "&lt;script&gt;window.hurt=1&lt;/script&gt;\\xff" in page.text
    assert "<script>window" not in page.text and "no &lt;b&gt;JSON" in page.text
    assert f"{topics.BALLOTS}/0/0" in page.text
    assert "Page 1 of 1" in page.text
    assert f"{topics.BALLOTS}/0/0" not in get(f"/control-room/rejected/{poll.slug}?page=2").text


def test_a_viewer_is_neither_shown_rejected_bytes_nor_led_to_them(get, poll):
    refused = get(f"/control-room/rejected/{poll.slug}", operator=False)
    assert refused.status_code == 403 and "Only operators" in refused.text and "hurt" not in refused.text
    for page in (f"/control-room/runs/election_run/{RUN}", "/data-docs/"):
        assert "/control-room/rejected/" in get(page).text
        assert "/control-room/rejected/" not in get(page, operator=False).text


def test_reports_are_served_with_a_policy_that_lets_nothing_in_them_run(get, poll, tables):
    folder = tables.settings.data_docs / poll.slug
    (folder / "operators").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>All validations</h1>")
    (folder / "operators" / "raw.html").write_text("<pre>raw</pre>")
    moved = get(f"/data-docs/{poll.slug}")
    assert moved.status_code == 307 and moved.headers["location"].endswith(f"/{poll.slug}/")
    page = get(f"/data-docs/{poll.slug}/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'", "no script inside a page"
    assert "connect-src" not in policy, "no request, whoever is logged in"
    assert policy["frame-ancestors"] == "'self'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert get(f"/data-docs/{poll.slug}/operators/raw.html").text == "<pre>raw</pre>"
    assert get(f"/data-docs/{poll.slug}/operators/raw.html", operator=False).status_code == 403
    assert f'href="/data-docs/{poll.slug}/"' in get("/data-docs/", operator=False).text


def test_what_is_not_there_says_what_to_do(get, poll):
    assert get("/control-room/rejected/nobody").status_code == 404
    assert "There is no election" in get("/control-room/rejected/nobody").text
    assert get(f"/control-room/rejected/{poll.slug}?page=x").status_code == 404
    assert get("/data-docs/nobody/index.html").status_code == 404
