"""A webhook is told about gates that failed and runs that ended, and whatever it does costs a run nothing."""

import logging
import socket
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from election.errors import NotReachable, StageFailed
from election.evidence import Head
from election.orchestration import evidence
from election.orchestration.failures import advice, say_what_next
from election.orchestration.notification import Webhook, at_a_gate, at_the_end
from election.settings import Settings
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


HEAD = Head(100, b"\x01" * 32, "a signed note", "election/a/1+key", datetime(2026, 11, 30, tzinfo=UTC), "closed")


@pytest.fixture
def sealed(monkeypatch):
    """The election's log has one head; what it was sealed with."""
    asked: list[dict[str, Any]] = []
    platform = SimpleNamespace(settings=Settings())
    monkeypatch.setattr(evidence, "this_election", lambda: (platform, "a"))

    def seal(*_: Any, **how: Any) -> Head:
        asked.append(how)
        return HEAD

    monkeypatch.setattr(evidence, "seal", seal)
    monkeypatch.setattr(evidence, "newest_note", lambda *_: "the journal's head")
    return asked


@pytest.mark.parametrize(("send", "follows"), [(evidence.seal_until_closed, True), (evidence.send_last_head, False)])
def test_a_head_of_the_log_is_sent_with_its_key(webhook, sealed, send, follows):
    send(CONTEXT)
    (message,) = webhook.told
    assert sealed[0]["follow"] is follows
    assert (message["event"], message["run"]) == ("log_head", "ynys-mon")
    assert (message["head"], message["key"]) == (HEAD.head, HEAD.verifier_key)
    assert message["journal"] == "the journal's head"


def test_a_head_that_cannot_be_sent_costs_the_run_nothing(webhook, sealed, caplog):
    webhook.status = 500
    assert evidence.seal_until_closed(CONTEXT) == {"size": 100, "root": HEAD.root.hex()}
    assert "The head was not sent. The webhook answered 500" in caplog.text


def test_a_log_without_a_head_sends_none(webhook, sealed, monkeypatch):
    monkeypatch.setattr(evidence, "seal", lambda *_, **how: None)
    assert evidence.seal_until_closed(CONTEXT) is None
    assert webhook.told == []
