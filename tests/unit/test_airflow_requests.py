"""What stands before Airflow's API server: the session's cookie, headers of answers, requests that it must not have."""

import json
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from election.orchestration.control_room.session import MOST_BYTES, SessionGuard, unusable

DASHBOARD = "http://127.0.0.1:18501"
PAGE = {"Origin": "http://testserver"}


@pytest.fixture
def client() -> TestClient:
    """A stand-in for Airflow's routes, behind the guard as the plugin puts it there."""
    app = FastAPI(openapi_url=None)

    @app.post("/auth/token", status_code=201)
    def token() -> dict[str, str]:
        return {"access_token": "abc.def"}

    @app.get("/api/v2/auth/logout")
    def logout() -> Response:
        answer = Response()
        answer.delete_cookie("_token", httponly=True)
        return answer

    @app.get("/refreshed")
    def refreshed() -> Response:
        answer = Response()
        answer.set_cookie("_token", "new", samesite="lax")
        answer.set_cookie("other", "1", samesite="lax")
        return answer

    @app.get("/report")
    def report() -> Response:
        return Response(headers={"Content-Security-Policy": "default-src 'none'"})

    @app.post("/execution/xcoms")
    @app.post("/api/v2/dags/election_run/dagRuns")
    async def back(request: Request) -> Any:
        return Response(await request.body(), media_type="application/json")

    @app.get("/{path:path}")
    def page(path: str) -> str:
        return path

    app.add_middleware(SessionGuard, frames=[DASHBOARD], lifetime=3600)
    return TestClient(app)


def _cookie(answer: Any) -> set[str]:
    return {part.strip() for part in answer.headers["set-cookie"].split(";")}


def test_a_login_from_airflows_own_page_sets_a_cookie_that_no_script_and_no_other_site_has(client):
    answer = client.post("/auth/token", json={"username": "a", "password": "b"}, headers=PAGE)
    assert answer.json() == {"access_token": "abc.def"}
    assert _cookie(answer) == {"_token=abc.def", "Path=/", "Max-Age=3600", "HttpOnly", "SameSite=Strict"}


def test_behind_tls_the_cookie_is_secure(client):
    secure = TestClient(client.app, base_url="https://testserver")
    answer = secure.post("/auth/token", json={}, headers={"Origin": "https://testserver"})
    assert "Secure" in _cookie(answer)


@pytest.mark.parametrize(
    "origin", [{}, {"Origin": "http://elsewhere"}, {"Origin": "null"}, {"Origin": "http://testserver:1"}]
)
def test_a_program_and_another_site_get_no_cookie(client, origin):
    assert "set-cookie" not in client.post("/auth/token", json={}, headers=origin).headers


def test_logging_out_takes_the_same_cookie_away(client):
    client.post("/auth/token", json={}, headers=PAGE)
    assert client.cookies["_token"] == "abc.def"
    assert {"Max-Age=0", "Path=/", "HttpOnly", "SameSite=Strict"} <= _cookie(client.get("/api/v2/auth/logout"))
    assert "_token" not in client.cookies


def test_a_cookie_that_airflow_renews_is_as_strict_and_others_stay_as_they_are(client):
    token, other = client.get("/refreshed").headers.get_list("set-cookie")
    assert "SameSite=Strict" in token
    assert "lax" not in token
    assert other.endswith("SameSite=lax")


def test_every_answer_says_who_may_frame_it_and_that_types_are_not_guessed(client):
    for answer in (client.get("/dags"), client.get("/x%00"), client.post("/auth/token", content=b"[1e999]")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert f"frame-src 'self' {DASHBOARD}" in policy
        assert "'unsafe-eval'" not in policy
    # A page with a stricter policy of its own keeps it.
    assert client.get("/report").headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("path", ["/control-room/runs/x/%00", "/control-room/rejected/%00", "/dags?q=%00", "/%00"])
def test_an_address_with_nul_is_no_page(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/auth/docs", "/auth/openapi.json", "/execution/docs"]
)
def test_airflow_does_not_describe_itself(client, path):
    assert client.get(path).status_code == 404


BEYOND = {
    b'{"conf": {"seed": 18446744073709551616}}': "64 bits",
    b'{"conf": {"seed": -9223372036854775809}}': "64 bits",
    b'{"conf": {"other": [{"deep": 18446744073709551616}]}}': "64 bits",
    b'{"conf": {"rate": NaN}}': "finite",
    b'{"conf": {"rate": -Infinity}}': "finite",
    b'{"conf": {"rate": 1e999}}': "finite",
    b'{"conf": {"region": "a\\u0000"}}': "NUL",
    b'{"conf": {"a\\u0000": 1}}': "NUL",
    b'{"conf": {"region": "\\ud800"}}': "half of a pair",
    b'{"conf": {"seed": ' + b"9" * 5_000 + b"}}": "cannot be read",
    b"[" * 200_000: "nested",
    b'"' + b"x" * MOST_BYTES + b'"': "too long",
}


@pytest.mark.parametrize("body", BEYOND, ids=lambda body: body[:50].decode())
def test_what_would_end_a_task_or_cannot_be_stored_is_refused_before_airflow_has_it(client, body):
    answer = client.post("/api/v2/dags/election_run/dagRuns", content=body)
    assert answer.status_code == 422
    assert BEYOND[body] in answer.json()["detail"]


def test_everything_else_goes_through_as_it_is(client):
    conf = {"seed": 2**63 - 1, "least": -(2**63), "rate": 1e308, "region": "Ynys Môn 🗳", "none": None, "on": True}
    body = json.dumps({"conf": conf}).encode()
    for path in ("/api/v2/dags/election_run/dagRuns", "/execution/xcoms"):
        assert client.post(path, content=body).content == body
    for text in (b"", b"{", b"username=a&password=b", b"[1, 2]"):
        assert client.post("/api/v2/dags/election_run/dagRuns", content=text).content == text
        assert unusable(text) == ""
