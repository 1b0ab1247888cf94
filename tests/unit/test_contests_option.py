"""Contests are named on the command line as they are written, commas included."""

import pytest
from typer.testing import CliRunner

from election.cli import app


@pytest.mark.parametrize("command", ["run", "prepare"])
def test_the_option_is_given_several_times(command, monkeypatch):
    class Seen(Exception):
        """Ends the command once its options are read."""

    def seen(platform, registration):
        raise Seen(registration.contests)

    monkeypatch.setattr("election.preparation.registration.checked", seen)
    scenario = ["--scenario", "comma-contest"] if command == "run" else ["comma-contest"]
    ended = CliRunner().invoke(app, [command, *scenario, "--contest", "Sutton, East", "--contests", "C2"])
    assert repr(ended.exception) == "Seen(('Sutton, East', 'C2'))"
