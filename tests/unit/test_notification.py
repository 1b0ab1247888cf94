"""A webhook is told about gates that failed and runs that ended, and whatever it does costs a run nothing."""

import logging
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from election.errors import NotReachable, StageFailed
from election.orchestration.failures import advice, say_what_next
from election.orchestration.notification import Webhook, at_a_gate, at_the_end
from tests.webhook import listening

CONTEXT: Any = {
    "dag": SimpleNamespace(dag_id="election_run", get_template_env=lambda **_: None),
    "run_id": "ynys-mon",
    "task_instance": SimpleNamespace(task_id="reconciliation.reconcile"),
    "exception": StageFailed("The election does not reconcile: 1 difference(s)."),
}


@pytest.fixture
def webhook(monkeypatch):
    with listening() as there:
        monkeypatch.setenv("ELECTION_WEBHOOK_URL", there.url)
        yield there


def test_a_failed_gate_is_told_with_why_and_what_to_do_next(webhook):
    (_, notifier) = at_a_gate()
    assert isinstance(notifier, BaseNotifier)
    notifier(CONTEXT)
    (message,) = webhook.told
    assert (message["event"], message["dag"], message["run"]) == ("gate_failed", "election_run", "ynys-mon")
    assert message["task"] == "reconciliation.reconcile"
    assert "does not reconcile" in message["text"] and "election reconcile" in message["text"]
    assert message["url"].endswith("/dags/election_run/runs/ynys-mon")


@pytest.mark.parametrize(("event", "word"), [("run_succeeded", "succeeded"), ("run_failed", "failed")])
def test_an_election_that_ended_is_told_with_how(webhook, event, word):
    for notifier in at_the_end(event):
        notifier(CONTEXT)
    (message,) = webhook.told
    assert (message["event"], message["text"]) == (event, f"election_run ynys-mon {word}.")


def test_without_a_webhook_nobody_is_told(monkeypatch):
    monkeypatch.setenv("ELECTION_WEBHOOK_URL", "")
    assert at_a_gate() == [say_what_next]
    assert at_the_end("run_failed") == []


def test_a_webhook_that_refuses_is_named_without_its_address(webhook):
    webhook.status = 500
    with pytest.raises(NotReachable, match="answered 500") as refusal:
        Webhook("run_failed")(CONTEXT)
    assert "secret-token" not in str(refusal.value)


def test_a_webhook_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr("election.orchestration.notification._SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ELECTION_WEBHOOK_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/secret-token")
        began = time.monotonic()
        with pytest.raises(NotReachable, match="does not answer: ReadTimeout") as given_up:
            Webhook("run_failed")(CONTEXT)
    assert time.monotonic() - began < 60, "it hangs"
    assert "secret-token" not in str(given_up.value)


def test_what_to_do_next_is_the_last_line_of_a_failed_tasks_log(caplog):
    with caplog.at_level(logging.ERROR):
        say_what_next(CONTEXT)
    assert advice("reconciliation.reconcile") in caplog.messages[-1]
    assert advice("casting.cast") != advice("count.wait_until_counted")
    assert "clear this task" in advice("something.new")
