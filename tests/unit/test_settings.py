"""Where settings come from, and what the set-up asks of the machine."""

import json
import os
from pathlib import Path

import pytest

from election import toolchain
from election.errors import BadInput, StackError
from election.settings import Settings
from election.stack.secrets import private_file


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stack that was started on port 25432."""
    monkeypatch.setenv("ELECTION_VAR", str(tmp_path))
    monkeypatch.delenv("ELECTION_POSTGRES_PORT", raising=False)
    (tmp_path / "stack.json").write_text(json.dumps({"postgres_port": 25432}))
    return tmp_path


def test_later_commands_find_the_started_stack(var: Path) -> None:
    assert Settings().var == var
    assert Settings().postgres_port == 25432


def test_the_environment_wins_over_the_started_stack(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELECTION_POSTGRES_PORT", "26432")
    assert Settings().postgres_port == 26432


def test_a_relative_folder_means_the_same_everywhere(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(var)
    monkeypatch.setenv("ELECTION_VAR", "here")
    assert Settings().var == var / "here"


def test_a_printed_address_has_no_password(var: Path) -> None:
    (var / "secrets").mkdir()
    (var / "secrets" / "postgres_reader").write_text("s3cret\n")
    assert "s3cret" in Settings().dsn("reader")
    assert "s3cret" not in Settings().dsn("reader", password=False)


def test_a_secret_that_was_never_made_says_how_to_make_it(var: Path) -> None:
    with pytest.raises(StackError, match="make up"):
        Settings().secret("postgres_reader")


@pytest.mark.parametrize(
    ("release", "fits"), [("17.0.15", True), ("21", True), ("11.0.2", False), ("1.8.0_402", False)]
)
def test_only_java_17_and_21_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, fits: bool) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{release}\" 2026-01-01' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(toolchain, "JVM_FOLDER", tmp_path / "none")
    if fits:
        assert toolchain.java() == program
    else:
        with pytest.raises(StackError, match=r"Java 17 or 21 is needed.*apt-get install"):
            toolchain.java()


def test_a_secret_is_written_although_who_wrote_before_was_killed_and_had_the_same_number(tmp_path: Path) -> None:
    (tmp_path / f"key.{os.getpid()}.new").write_text("half")
    private_file(tmp_path / "key", "whole")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("key", "whole")]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("user", ["boris", "../secrets/postgres_reader", ""])
def test_a_name_without_a_login_decides_nothing(var: Path, user: str) -> None:
    (var / "secrets").mkdir()
    private_file(var / "secrets" / "airflow_admin", "right")
    private_file(var / "secrets" / "postgres_reader", "of another")
    assert Settings().airflow_password("admin") == "right"
    with pytest.raises(BadInput, match="nothing can be decided in that name"):
        Settings().airflow_password(user)
