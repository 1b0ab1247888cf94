"""Whose the platform's files and processes are, and what the doctor says when others may read them."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from election.errors import StackError
from election.settings import Settings
from election.stack import doctor, privacy, starting
from election.stack.account import unprivileged
from election.stack.doctor import Finding


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """State as a start leaves it: a folder of a service, and a file."""
    settings = Settings.model_validate({"var": tmp_path / "var"})
    (settings.var / "results").mkdir(parents=True)
    (settings.var / "stack.json").write_text("{}")
    privacy.make_private(settings.var)
    return settings


def said(settings: Settings) -> list[Finding]:
    return [finding for finding in doctor.examine(settings) if finding.subject in ("files", "user")]


def test_the_doctor_is_content_with_private_files_and_no_process_of_root(own: Settings) -> None:
    assert [finding.ok for finding in said(own)] == [True, True]
    assert own.var.stat().st_mode & 0o777 == 0o711
    assert {path.stat().st_mode & 0o077 for path in own.var.iterdir()} == {0}


@pytest.mark.parametrize(("name", "mode"), [("", 0o755), ("results", 0o710), ("results", 0o701), ("stack.json", 0o640)])
def test_the_doctor_names_what_others_may_read_and_a_start_closes_it(own: Settings, name: str, mode: int) -> None:
    path = own.var / name
    path.chmod(mode)
    assert said(own)[-1] == Finding("files", False, f"Others may read {path}. `election up` closes it to them.")
    privacy.make_private(own.var)
    assert said(own)[-1].ok


def test_the_doctor_names_files_of_another_user(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "foreign", lambda var: [var / "results"])
    finding = said(own)[-1]
    assert not finding.ok
    assert f"{own.var / 'results'} " in finding.detail
    assert f"chown -R {os.geteuid()} {own.var}" in finding.detail


def test_a_start_leaves_files_of_another_user_as_they_are(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (own.var / "tmp").mkdir()
    (own.var / "tmp").chmod(0o755)
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    privacy.make_private(own.var)
    assert (own.var / "tmp").stat().st_mode & 0o777 == 0o755
    monkeypatch.undo()
    privacy.make_private(own.var)
    assert (own.var / "tmp").stat().st_mode & 0o777 == 0o700


def test_only_files_of_this_user_are_its_own(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert privacy.foreign(own.var) == []
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert privacy.foreign(own.var) == [own.var, own.var / "results", own.var / "stack.json"]


def test_the_doctor_names_a_process_that_runs_as_root(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    init = psutil.Process(1)
    monkeypatch.setattr(doctor, "_processes", lambda settings: [psutil.Process(), init])
    assert [finding.detail for finding in said(own) if finding.ok is False] == [
        f"As root run {init.name()} (process 1). Type `election down`, then `election up`, as root."
    ]


def test_root_may_start_no_service(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(StackError, match="No service runs as root"):
        starting.start(own, ("postgres",))


def test_another_users_state_is_refused(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(StackError, match=r"belongs to .* as that user or as root.*ELECTION_VAR"):
        unprivileged(own)


def test_what_a_command_writes_is_private(own: Settings) -> None:
    code = "from election.cli import app; app(['logs'], standalone_mode=False); open('made', 'w')"
    environment = os.environ | {"ELECTION_VAR": str(own.var)}
    subprocess.run([sys.executable, "-c", code], cwd=own.var, env=environment, check=True, umask=0o022)
    assert (own.var / "made").stat().st_mode & 0o777 == 0o600
