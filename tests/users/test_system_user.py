"""As whom the platform runs, and who reads its files. Run by root, who alone can act as several users.

Commands are started as their users start them, on a platform with ports and a folder of its own.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from election.settings import Settings
from election.stack.account import USER
from election.stack.orphans import orphans
from election.stack.services import SERVICES, STORAGE
from election.stack.supervision import Supervisor
from tests.conftest import free_ports

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as several users"),
    pytest.mark.timeout(1200),
]

ORDINARY = "games"
"""An account that every Debian has and that owns nothing here, in place of a person's."""

AS = """
import pwd, sys
from election.settings import Settings
from election.stack.account import Account, become
entry = pwd.getpwnam(sys.argv.pop(1))
become(Account(entry.pw_name, entry.pw_uid, entry.pw_gid), Settings())
from election.cli import app
app()
"""

OLDER = """
import os
from election.settings import Settings
from election.stack.starting import start
os.geteuid = lambda: 1
start(Settings(), ("kafka",))
"""
"""Starts Kafka as root, as before there was the user."""

ATTEMPTS = """xargs -0 sh -c 'for path; do (: <"$path") 2>/dev/null && printf "%s\\0" "$path"; done; true' sh"""


@dataclass(frozen=True)
class Own:
    """A platform of the test's own."""

    settings: Settings

    def election(self, *arguments: str, user: str = "", status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Runs a command as root, or as ``user``."""
        start = ("-c", AS, user) if user else ("-m", "election.cli")
        return self.python(*start, *arguments, status=status)

    def python(self, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Root's interpreter, with the platform's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ELECTION_")}
        done = subprocess.run(
            [sys.executable, *arguments], env=kept | self.settings.environment,
            capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL, umask=0o022,
        )  # fmt: skip
        assert status is None or done.returncode == status, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def processes(self) -> list[psutil.Process]:
        """Supervisor, all that it started, and the streaming driver."""
        daemon = Supervisor(self.settings).daemon()
        assert daemon is not None
        return [daemon, *daemon.children(recursive=True), *orphans(self.settings)]

    def owners(self) -> set[int]:
        found = set()
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):  # ended meanwhile
                found.update(process.uids())
        return found

    def files(self) -> list[Path]:
        """The folder of the state, and every folder and file in it."""
        var = self.settings.var
        inside = (Path(at, name) for at, folders, files in os.walk(var) for name in (*folders, *files))
        return [var, *inside]

    def file_owners(self) -> set[int]:
        found = set()
        for path in self.files():
            with suppress(FileNotFoundError):  # removed meanwhile
                found.add(path.lstat().st_uid)
        return found

    def read_by_nobody(self) -> list[str]:
        """What an unprivileged stranger opens of all the folders and files there are."""
        paths = [str(path) for path in self.files() if path.is_dir() or path.is_file()]
        assert len(paths) > 100
        control = "/etc/passwd"
        answer = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", ATTEMPTS],
            input="\0".join([control, *paths]), capture_output=True, text=True, check=True, cwd="/",
        )  # fmt: skip
        first, *opened = answer.stdout.split("\0")[:-1]
        assert first == control
        return opened


@contextmanager
def apart(mode: int = 0o755) -> Iterator[Own]:
    """Its state is in a folder of that mode, which belongs to root."""
    with tempfile.TemporaryDirectory(prefix="election-users-") as folder:
        Path(folder).chmod(mode)
        names = [name for name in Settings.model_fields if name.endswith("_port")]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        made = Own(Settings.model_validate({"var": Path(folder, "var"), **ports}))
        try:
            yield made
        finally:
            made.election("down", status=None)


@pytest.fixture
def own() -> Iterator[Own]:
    with apart() as made:
        yield made


@pytest.fixture(scope="module")
def counted() -> Iterator[Own]:
    """Everything is up, started by root, and an election was counted and certified."""
    with apart() as made:
        made.election("up")
        made.election("run", "--scenario", "single-race", "--slug", "small", "--voters", "500")
        yield made


@pytest.mark.slow
def test_no_process_that_root_starts_is_roots(counted: Own) -> None:
    assert len(counted.processes()) > len(SERVICES)
    assert counted.owners() == {pwd.getpwnam(USER).pw_uid}


@pytest.mark.slow
def test_no_stranger_reads_anything_of_it(counted: Own) -> None:
    var = counted.settings.var
    for kept in ("postgres/data/PG_VERSION", "kafka/data/meta.properties", "airflow/airflow.cfg", "logs/dashboard.log",
                 "results/small", "data-docs/small", "secrets/airflow_admin", "spark/work", "tally"):  # fmt: skip
        assert (var / kept).exists(), kept
    assert counted.read_by_nobody() == []
    assert counted.file_owners() == {pwd.getpwnam(USER).pw_uid}


@pytest.mark.slow
def test_doctor_names_what_others_may_read_and_whose_it_is_and_up_closes_it(counted: Own) -> None:
    results = counted.settings.var / "results"
    assert counted.election("doctor", "--json").returncode == 0
    results.chmod(0o755)
    findings = json.loads(counted.election("doctor", "--json", status=1).stdout)
    assert [f["detail"] for f in findings if f["ok"] is False] == [
        f"Others may read {results}. `election up` closes it to them."
    ]
    counted.election("up")
    assert results.stat().st_mode & 0o777 == 0o700


def test_a_state_in_a_private_folder_is_reached_by_the_user_and_stays_private() -> None:
    with apart(0o700) as own:
        own.election("up", *STORAGE)
        assert own.owners() == {pwd.getpwnam(USER).pw_uid}
        assert own.settings.var.parent.stat().st_mode & 0o777 == 0o700
        own.election("down", "--remove-state")
        assert list(own.settings.var.iterdir()) == []


def test_the_state_of_an_older_version_is_taken_over_while_it_runs_as_root(own: Own) -> None:
    own.election("up", *STORAGE)
    with psycopg.connect(own.settings.dsn("owner")) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('Ynys Môn')")
    own.election("down")
    var, stranger = own.settings.var, pwd.getpwnam("man")
    for path in (var, *var.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    for path in (var / "postgres", *(var / "postgres").rglob("*")):
        os.chown(path, stranger.pw_uid, stranger.pw_gid, follow_symlinks=False)
        path.chmod(0o700 if path.is_dir() else 0o600)

    own.python("-c", OLDER)
    assert own.owners() == {0}
    assert "`election down`, then `election up`, hands it over" in own.election("status", status=1).stderr
    own.election("up", *STORAGE)
    assert own.owners() == {pwd.getpwnam(USER).pw_uid}
    assert own.file_owners() == {pwd.getpwnam(USER).pw_uid}
    with psycopg.connect(own.settings.dsn("owner")) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("Ynys Môn",)]
    assert own.read_by_nobody() == []


@pytest.mark.slow
def test_started_by_an_ordinary_user_it_is_that_users_and_private(own: Own) -> None:
    me = pwd.getpwnam(ORDINARY)
    own.settings.var.mkdir(mode=0o755)
    os.chown(own.settings.var, me.pw_uid, me.pw_gid)
    own.election("up", *STORAGE, "spark-master", user=ORDINARY)
    assert own.owners() == {me.pw_uid}
    assert own.read_by_nobody() == []
    assert own.file_owners() == {me.pw_uid}
    own.election("up", *STORAGE)  # root: goes on as the owner
    assert own.owners() == {me.pw_uid}


def test_a_folder_with_other_files_is_not_taken_for_state(own: Own) -> None:
    letters = own.settings.var / "letters"
    letters.mkdir(parents=True)
    assert "holds other files than the platform's" in own.election("up", status=1).stderr
    assert letters.stat().st_uid == 0
    shutil.rmtree(own.settings.var)


def test_a_disk_of_its_own_for_what_grows_is_handed_over_with_the_state(own: Own) -> None:
    (own.settings.var / "kafka").mkdir(parents=True)
    own.election("logs")
    assert own.file_owners() == {pwd.getpwnam(USER).pw_uid}
