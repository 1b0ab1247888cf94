"""Who may do what in Airflow: nobody without a login, a viewer who looks, an operator who acts."""

import http.client
import time

import httpx
import pytest

from election.clients.airflow import Airflow
from election.errors import ElectionError

PAGES = (
    "/data-docs/",
    "/data-docs/e2e-docs/index.html",
    "/data-docs/e2e-docs/operators/raw.html",
    "/data-docs/missing.html",
    "/control-room/runs/election_run/e2e-demo",
    "/control-room/runs/election_run/e2e-demo/live",
    "/control-room/rejected/e2e-demo",
    "/control-room/static/control-room.css",
)

MINE = {"connection_id": "mine", "conn_type": "generic"}


@pytest.fixture(scope="module", autouse=True)
def documents(stack):
    folder = stack.settings.data_docs / "e2e-docs"
    (folder / "operators").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text("<h1>All validations</h1>")
    (folder / "operators" / "raw.html").write_text("<pre>raw</pre>")


@pytest.fixture(scope="module")
def viewer(stack):
    return Airflow(stack.settings, "viewer")


@pytest.fixture(scope="module")
def operator(stack):
    return Airflow(stack.settings, "operator")


@pytest.fixture(scope="module")
def session(stack):
    """Opens pages as a user of Airflow, with the cookie that a browser would send."""

    def log_in(user):
        login = {"username": user, "password": stack.settings.secret(f"airflow_{user}")}
        token = httpx.post(f"{stack.settings.airflow_url}/auth/token", json=login, timeout=30).json()["access_token"]
        return httpx.Client(base_url=stack.settings.airflow_url, cookies={"_token": token}, timeout=30)

    return log_in


@pytest.mark.parametrize("path", PAGES)
def test_no_page_answers_without_a_session(stack, path):
    assert httpx.get(stack.settings.airflow_url + path, timeout=30).status_code == 401
    for forged in ({"Cookie": "_token=forged"}, {"Authorization": "Bearer forged"}):
        assert httpx.get(stack.settings.airflow_url + path, headers=forged, timeout=30).status_code in (401, 403)


def test_the_applications_do_not_describe_themselves(stack):
    for path in ("/data-docs/openapi.json", "/data-docs/docs", "/control-room/openapi.json", "/control-room/docs"):
        assert httpx.get(stack.settings.airflow_url + path, timeout=30).status_code in (401, 404)


def test_a_viewer_reads_reports_but_no_raw_records(session):
    with session("viewer") as viewer, session("operator") as operator:
        for who in (viewer, operator):
            assert who.get("/data-docs/e2e-docs/index.html").text == "<h1>All validations</h1>"
            assert who.get("/data-docs/e2e-docs").headers["location"].endswith("/data-docs/e2e-docs/")
        for raw in ("/data-docs/e2e-docs/operators/raw.html", "/control-room/rejected/e2e-demo"):
            assert viewer.get(raw).status_code == 403
        assert operator.get("/data-docs/e2e-docs/operators/raw.html").text == "<pre>raw</pre>"


@pytest.mark.parametrize(
    "path",
    [
        "/data-docs/../secrets/airflow_admin",
        "/data-docs/%2e%2e/secrets/airflow_admin",
        "/data-docs/..%2fsecrets%2fairflow_admin",
        "/data-docs/%2e%2e%2fairflow%2fairflow.cfg",
        "/data-docs/e2e-docs/..%2f..%2fstack.json",
        "/data-docs/%252e%252e%252fstack.json",
        "/data-docs//etc/passwd",
        "/data-docs/%2fetc%2fpasswd",
        "/data-docs/..%5c..%5cstack.json",
        "/data-docs/%00",
        "/control-room/static/..%2fpages.py",
        "/control-room/static/%2e%2e%2ftemplates%2fpage.html",
    ],
)
def test_no_address_leads_out_of_the_reports(stack, session, path):
    with session("admin") as admin:
        token = admin.cookies["_token"]
    # As it is written here: clients and browsers would tidy the address up.
    connection = http.client.HTTPConnection(stack.settings.airflow_host, stack.settings.airflow_port, timeout=30)
    connection.request("GET", path, headers={"Cookie": f"_token={token}"})
    answer = connection.getresponse()
    assert answer.status == 404
    assert stack.settings.secret("airflow_admin").encode() not in answer.read()


def test_a_spelling_that_hides_the_folder_shows_a_viewer_no_raw_records(stack, session):
    with session("viewer") as viewer:
        for folder in ("./operators", "x/../operators", "%6fperators", "x%2f..%2foperators", "%2e/operators"):
            assert viewer.get(f"/data-docs/e2e-docs/{folder}/raw.html").status_code in (403, 404)


def test_a_viewer_sees_runs_but_cannot_start_stop_repeat_or_decide(airflow, viewer, session):
    assert "election_run" in viewer.dags()
    acts = {
        "start": lambda: viewer.trigger("election_run", "e2e-viewer", {"scenario": "single-race", "contests": []}),
        "stop": lambda: viewer.stop("election_run", "e2e-viewer"),
        "repeat": lambda: viewer.clear("election_run", "e2e-viewer"),
        "pause": lambda: viewer.pause("election_run", True),
        "describe": lambda: viewer.note("election_run", "e2e-viewer", "mine"),
        "reconfigure": lambda: viewer.set_connections([MINE]),
    }
    for act in acts.values():
        with pytest.raises(ElectionError, match="403"):
            act()
    question = "/api/v2/dags/election_run/dagRuns/e2e-viewer/taskInstances/certification.decide/-1/hitlDetails"
    with session("viewer") as browser:
        assert browser.patch(question, json={"chosen_options": ["Certify"]}).status_code == 403
    assert airflow.dags()["election_run"] is False


def stopped(operator, run_id):
    """Stops the run; again while Airflow answers 500, as it does when its scheduler changes the same run just then."""
    for _ in range(20):
        try:
            operator.stop("election_run", run_id)
            return
        except ElectionError as error:
            if ": 500 " not in str(error):
                raise
            time.sleep(0.5)
    raise AssertionError(f"{run_id} cannot be stopped")


def test_an_operator_starts_and_stops_but_does_not_reconfigure(operator):
    operator.trigger("election_run", "e2e-operator", {"scenario": "single-race", "contests": [], "voters": 100})
    stopped(operator, "e2e-operator")
    assert operator.run("election_run", "e2e-operator")["state"] == "failed"
    with pytest.raises(ElectionError, match="403"):
        operator.set_connections([MINE])


def test_status_says_who_may_log_in_and_keeps_their_passwords(command, stack):
    airflow = command("status", "--json")["airflow"]
    assert [login["username"] for login in airflow["logins"]] == ["admin", "operator", "viewer"]
    told = command("status").stdout
    for login in airflow["logins"]:
        assert login["password_file"] in told
        assert stack.settings.secret(f"airflow_{login['username']}") not in told
