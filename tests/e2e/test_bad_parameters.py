"""Parameters that no task can live with, given to the real Airflow: refused, or failed at once with the reason."""

import httpx
import pytest

from election.clients.airflow import Airflow
from tests.e2e.conftest import ended

REFUSED = {
    "seed": "18446744073709551616",
    "rate": "1e308",
    "nan": 'NaN, "x": 1',
    "voters": "1000000000000",
    "night": '"999999999999999999h"',
    "slug": '"e2e-bad\\n"',
    "region": '"Wales\\u0000"',
    "workers": "true",
    "contests": '["\\u0000"]',
    "scenario": '"nowhere"',
    "unknown": "18446744073709551616",
}
FAILED = {
    "night": ('"999999h"', "a week"),
    "workers": ("2.0", "`workers` cannot be 2.0"),
    "sed": ("7", "Did you mean seed?"),
    "voters": ("1000000000", "of disk"),
    "contests": ('["nowhere"]', "no contest 'nowhere'"),
}
RUNS = "/api/v2/dags/election_run/dagRuns"


@pytest.fixture(scope="module")
def trigger(stack):
    """Starts a run with a configuration as text, which no client would write, and returns Airflow's answer."""
    login = {"username": "operator", "password": stack.settings.secret("airflow_operator")}
    with httpx.Client(base_url=stack.settings.airflow_url, timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {http.post('/auth/token', json=login).json()['access_token']}"
        http.headers["Content-Type"] = "application/json"

        def start(run_id, name, value):
            conf = {"scenario": '"single-race"', "contests": "[]"} | {"rate" if name == "nan" else name: value}
            pairs = ", ".join(f'"{key}": {text}' for key, text in conf.items())
            body = f'{{"dag_run_id": "{run_id}", "logical_date": null, "conf": {{{pairs}}}}}'
            return http.post(RUNS, content=body)

        yield start


@pytest.mark.parametrize("name", REFUSED)
def test_the_api_refuses_it_and_makes_no_run(airflow, trigger, name):
    answer = trigger(f"e2e-bad-{name}", name, REFUSED[name])
    assert 400 <= answer.status_code < 500, answer.text
    health = airflow.health()
    assert {part: health[part]["status"] for part in ("scheduler", "dag_processor")} == {
        "scheduler": "healthy",
        "dag_processor": "healthy",
    }


def test_what_only_the_stage_can_refuse_fails_at_once_with_the_reason_in_the_log(airflow: Airflow, trigger):
    for name, (value, _) in FAILED.items():
        assert trigger(f"e2e-late-{name}", name, value).status_code == 200
    for name, (_, why) in FAILED.items():
        run = f"e2e-late-{name}"
        assert ended(airflow, "election_run", run) == "failed"
        (task,) = [task for task in airflow.tasks("election_run", run) if task["task_id"] == "prepare.register"]
        assert (task["state"], task["try_number"]) == ("failed", 1)
        assert why in "\n".join(airflow.log_tail("election_run", run, task))
