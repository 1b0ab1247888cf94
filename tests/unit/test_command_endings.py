"""A command ends with status 0 only if what it was asked for was done, and by this command."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from election import casting, certification
from election.casting.replaying import Replayed
from election.cli import app, stages, tally
from election.cli import certification as certifying
from election.cli import quarantine as quarantining
from election.cli import rejected as rejecting
from election.cli import run as running
from election.clients.airflow import Airflow
from election.contracts.public import Decision
from election.count import driver
from election.count.driver import DriverState
from election.errors import BadInput, ElectionError, UnknownElection
from election.orchestration import questions
from election.preparation import registration
from election.storage import elections

MADE = Decision("certified", "admin", "All boxes are in.", datetime(2026, 11, 30, 16, tzinfo=UTC), 17)


@pytest.fixture(autouse=True)
def platform(monkeypatch):
    """None is there: each test says what its command finds."""
    settings = SimpleNamespace(certifier_names=["admin"], airflow_page="http://127.0.0.1", var=Path.cwd())
    connection = SimpleNamespace(__enter__=lambda: None)
    reached = SimpleNamespace(settings=settings, connect=lambda role: Nothing(), kafka={}, connection=connection)
    for module in (certifying, quarantining, stages, rejecting, running):
        monkeypatch.setattr(module, "native", lambda: reached)
    monkeypatch.setattr("election.platform.native", lambda: reached)
    monkeypatch.setattr(Airflow, "__init__", lambda self, settings, user="admin": setattr(self, "user", user))
    return reached


class Nothing:
    """A connection that nothing is asked through."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def ended(*arguments):
    answer = CliRunner().invoke(app, list(arguments))
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.output


@pytest.mark.parametrize(
    "made",
    [
        replace(MADE, decision="refused", reason="A box is missing."),
        replace(MADE, decided_by="operator"),
        replace(MADE, reason="It looks right."),
    ],
)
def test_an_answer_that_another_one_overtook_is_told_who_decided_what(monkeypatch, made):
    decisions = iter([None, made])
    monkeypatch.setattr(certification, "decision", lambda *_: next(decisions))
    monkeypatch.setattr(questions, "answer", lambda *_: "a-run")
    status, said = ended("certify", "a-poll", "--reason", MADE.reason)
    assert status == 1
    assert f"a-poll was {made}" in " ".join(said.split())


def test_an_answer_that_is_the_decision_ends_well(monkeypatch):
    decisions = iter([None, MADE])
    monkeypatch.setattr(certification, "decision", lambda *_: next(decisions))
    monkeypatch.setattr(questions, "answer", lambda *_: "a-run")
    assert ended("certify", "a-poll", "--reason", f" {MADE.reason} ")[0] == 0


@pytest.mark.parametrize("command", ["certify", "refuse"])
def test_what_is_certified_already_is_not_decided_again(monkeypatch, command):
    monkeypatch.setattr(certification, "decision", lambda *_: MADE)
    status, said = ended(command, "a-poll", "--reason", MADE.reason)
    assert status == 1 and "Nothing was decided now." in said


@pytest.mark.parametrize(("closed", "told", "status"), [(True, [], 0), (False, ["a-run"], 0), (False, [], 1)])
def test_closing_a_poll_that_is_closed_closes_nothing(monkeypatch, closed, told, status):
    monkeypatch.setattr(casting, "close_poll", lambda *_: closed)
    monkeypatch.setattr(questions, "answer_closing", lambda *_: told)
    assert ended("close", "a-poll")[0] == status


@pytest.mark.parametrize(("ballots", "status"), [(5, 0), (0, 1)])
def test_publishing_nothing_again_is_not_done(monkeypatch, ballots, status):
    monkeypatch.setattr(casting, "republish", lambda *_: ballots)
    assert ended("republish", "a-poll")[0] == status


@pytest.mark.parametrize(("accepted", "status"), [(1, 0), (0, 1)])
def test_putting_back_nothing_is_not_done(monkeypatch, accepted, status):
    monkeypatch.setattr(casting, "replay", lambda *_: Replayed(2, accepted))
    monkeypatch.setattr(elections, "election", lambda *_: SimpleNamespace(election_no=1))
    monkeypatch.setattr("election.messaging.rejected.rejected", lambda *_: [])
    assert ended("rejected", "a-poll", "--replay")[0] == status


def test_a_count_that_was_stopped_as_it_started_was_not_started(monkeypatch):
    monkeypatch.setattr(tally, "_let_airflow", lambda _settings, run: True)
    monkeypatch.setattr(driver, "state", lambda _: DriverState("stopped"))
    monkeypatch.setattr(driver, "start", lambda _: DriverState("stopped"))
    status, said = ended("tally", "start")
    assert status == 1 and "was stopped at the same moment" in said


def test_a_count_that_was_started_as_it_stopped_was_not_stopped(monkeypatch):
    monkeypatch.setattr(tally, "_let_airflow", lambda _settings, run: False)
    monkeypatch.setattr(driver, "stop", lambda _, seconds: True)
    monkeypatch.setattr(driver, "state", lambda _: DriverState("counting"))
    status, said = ended("tally", "stop")
    assert status == 1 and "was started again at the same moment" in said


def test_a_run_does_not_take_another_runs_election_for_its_own(monkeypatch):
    monkeypatch.setattr(registration, "checked", lambda *_: SimpleNamespace(registered=1, most_votes=1, warnings=()))
    monkeypatch.setattr(elections, "election", lambda *_: SimpleNamespace(state="certified"))
    monkeypatch.setattr(Airflow, "trigger", lambda *_: pytest.fail("a run was started"))
    status, said = ended("run", "--scenario", "single-race", "--slug", "taken")
    assert status == 1 and "There is an election 'taken' already (certified)" in said


def test_who_may_not_decide_cannot_start_a_run_that_asks_nobody(monkeypatch):
    def unknown(*_):
        raise UnknownElection("new", [])

    monkeypatch.setattr(registration, "checked", lambda *_: SimpleNamespace(registered=1, most_votes=1, warnings=()))
    monkeypatch.setattr(elections, "election", unknown)
    monkeypatch.setattr("election.storage.deciders.deciders", lambda _: ["operator"])
    monkeypatch.setattr(Airflow, "trigger", lambda *_: pytest.fail("a run was started"))
    status, said = ended("run", "--scenario", "single-race", "--slug", "new", "--auto-certify")
    assert status == 1 and "admin may not decide. These may: operator." in " ".join(said.split())


def test_an_answer_to_what_was_answered_says_by_whom(monkeypatch):
    question = {
        "params": {},
        "task_instance": {"start_date": "2026-11-30T12:00:00+00:00"},
        "assigned_users": [],
        "responded_by_user": {"id": "operator", "name": "An operator"},
        "chosen_options": ["Refuse"],
    }
    monkeypatch.setattr(Airflow, "_send", lambda *_, **__: question)
    monkeypatch.setattr(Airflow, "_request", lambda *_, **__: SimpleNamespace(status_code=409))
    with pytest.raises(ElectionError, match=r"^operator answered 'Refuse' already"):
        Airflow(None).answer("election_run", "a-run", "decide", "Certify")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command",
    [("lot", "an-election", "--contest", "F1", "--elected", "Ada Marsh"), ("quarantine", "an-election", "--yes")],
)
def test_a_decision_in_the_name_of_another_is_not_made(monkeypatch, platform, command):
    def no_login(user):
        raise BadInput(f"There is no password of {user}.")

    platform.settings.airflow_password = no_login
    monkeypatch.setattr("election.certification.record_lot", lambda *_: pytest.fail("a lot was recorded"))
    monkeypatch.setattr("election.reconciliation.find_forged", lambda *_: pytest.fail("ballots were looked for"))
    status, said = ended(*command, "--user", "boris", "--reason", "It is so.")
    assert status == 1 and "There is no password of boris." in said
