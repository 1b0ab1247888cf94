"""``election tally stop`` where Airflow was about to start the next driver, a moment too short to meet for real."""

import pytest
from typer.testing import CliRunner

from election.cli import application
from election.cli import tally as commands
from election.clients.airflow import Airflow
from election.count import driver


def test_a_stop_outlasts_a_try_that_was_on_its_way_when_the_dag_was_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, runs = iter([True, True, False]), [False, True]

    def stop(_settings: object, *, seconds: float) -> bool:
        return runs.pop(0)

    monkeypatch.setattr(commands, "_let_airflow", lambda _settings, run: True)
    monkeypatch.setattr(Airflow, "under_way", lambda _self, _dag: next(looks))
    monkeypatch.setattr(driver, "stop", stop)
    said = CliRunner().invoke(application.app, ["tally", "stop"], catch_exceptions=False).stdout
    assert "The tally has stopped." in said
    assert (list(looks), runs) == ([], []), "asked again once the try had come to its end"
