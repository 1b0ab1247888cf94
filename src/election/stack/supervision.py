"""supervisor: its configuration, its daemon, and talking to it.

It listens on loopback TCP with a password, because the path of a Unix socket may have 107 characters at most.
"""

import hashlib
import http.client
import os
import shlex
import subprocess
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import psutil
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from election.errors import NotReachable, StackError
from election.settings import Settings
from election.stack.secrets import private_file
from election.stack.service import PREFIX_BY_PARENT, Program, environment
from election.toolchain import venv_program

SILENCE = 90
"""Seconds after which a call is given up: more than the longest ``stop_seconds`` of a program."""


class ProcessInfo(TypedDict):
    """The part of supervisor's answer about a process that is used here; ``start`` is in epoch seconds."""

    name: str
    statename: str
    pid: int
    start: int
    spawnerr: str
    exitstatus: int


class Supervisor:
    """The daemon of one platform; started if it does not run."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.var / "supervisor"
        self.configuration = self.folder / "supervisord.conf"

    def running(self) -> bool:
        """Whether this platform's own daemon answers; another process on its port gets no request."""
        try:
            return self.daemon() is not None and self._call("getIdentification") == identity(self.settings)
        except NotReachable:
            return False

    def start(self, programs: Mapping[str, Program]) -> None:
        """Starts the daemon with these programs (none of them started yet), or brings a running one up to date."""
        text = configuration(self.settings, programs)
        changed = not self.configuration.exists() or self.configuration.read_text() != text
        if changed:
            self.folder.mkdir(parents=True, exist_ok=True)
            private_file(self.configuration, text)
        if self.running():
            if changed:
                self._reload()
            return
        command: list[str | Path] = [venv_program("supervisord"), "-c", self.configuration]
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=environment(identity(self.settings)),
            stdin=subprocess.DEVNULL,
        )
        if answer.returncode:
            raise StackError(
                f"supervisor did not start: {(answer.stderr or answer.stdout).strip()} "
                f"Its log is {self.settings.var / 'logs' / 'supervisord.log'}."
            )
        self._await_answer()
        (self.folder / "session").write_text(str(self._call("getPID")))

    def session(self) -> int | None:
        """The session that every process of the latest daemon is in, unless it made one of its own."""
        file = self.folder / "session"
        return int(file.read_text()) if file.exists() else None

    def processes(self) -> dict[str, ProcessInfo]:
        """The daemon's state of each program; empty if it does not run."""
        if not self.running():
            return {}
        return {info["name"]: info for info in cast(list[ProcessInfo], self._call("getAllProcessInfo"))}

    def process(self, name: str) -> ProcessInfo:
        """The daemon's state of one program. Raises NotReachable without a daemon."""
        return cast(ProcessInfo, self._call("getProcessInfo", name))

    def start_program(self, name: str) -> None:
        """Starts a program unless it runs; does not wait for it to answer."""
        self._call("startProcess", name, False, harmless=("ALREADY_STARTED",))

    def stop_program(self, name: str) -> None:
        """Stops a program and waits until its process has ended."""
        self._call("stopProcess", name, True, harmless=("NOT_RUNNING", "BAD_NAME"))

    def stop(self) -> None:
        """Ends the daemon, and with it whatever it still runs."""
        process = self.daemon()
        if self.running():
            self._call("shutdown")
        elif process is not None:
            process.terminate()
        if process is not None:
            try:
                process.wait(60)
            except psutil.TimeoutExpired:
                process.kill()

    def daemon(self) -> psutil.Process | None:
        """The daemon's process, found by its recorded number and its command line."""
        file = self.folder / "supervisord.pid"
        try:
            process = psutil.Process(int(file.read_text()))
            return process if str(self.configuration) in process.cmdline() else None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None

    def _reload(self) -> None:
        """Takes over a changed configuration: changed programs are stopped, to be started by who needs them."""
        added, changed, removed = cast(list[list[list[str]]], self._call("reloadConfig"))[0]
        for name in [*changed, *removed]:
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)

    @retry(retry=retry_if_exception_type(NotReachable), stop=stop_after_delay(10), wait=wait_fixed(0.05), reraise=True)
    def _await_answer(self) -> None:
        self._call("getIdentification")

    def _call(self, method: str, *arguments: Any, harmless: tuple[str, ...] = ()) -> Any:
        """One call of supervisor's XML-RPC interface; a fault named in ``harmless`` is ignored."""
        address = f"{self.settings.host}:{self.settings.supervisor_port}"
        file = self.settings.secret_file("supervisor")
        login = f"election:{file.read_text()}@" if file.exists() else ""
        try:
            with xmlrpc.client.ServerProxy(f"http://{login}{address}/RPC2", transport=_Impatient()) as server:
                return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if any(fault.faultString.startswith(name) for name in harmless):
                return None
            raise StackError(f"supervisor refused {method}{arguments}: {fault.faultString}") from fault
        except (OSError, xmlrpc.client.Error) as error:
            # The error's own text can hold the address with the password.
            raise NotReachable(f"supervisor does not answer at {address} ({type(error).__name__}).") from None


class _Impatient(xmlrpc.client.Transport):
    """A transport with a timeout, long enough for stopping a program."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = SILENCE
        return connection


def identity(settings: Settings) -> str:
    """Identifies a platform's daemon."""
    return "election-" + hashlib.sha256(str(settings.var.resolve()).encode()).hexdigest()[:12]


def configuration(settings: Settings, programs: Mapping[str, Program]) -> str:
    """supervisord.conf; private, as it holds the daemon's password."""
    logs = settings.var / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    folder = settings.var / "supervisor"
    lines = [
        "[supervisord]",
        f"identifier={identity(settings)}",
        f"logfile={_plain(logs / 'supervisord.log')}",
        f"pidfile={_plain(folder / 'supervisord.pid')}",
        f"childlogdir={_plain(logs)}",
        f"directory={_plain(settings.root)}",
        "loglevel=info",
        "umask=077",
        "[inet_http_server]",
        f"port={settings.host}:{settings.supervisor_port}",
        "username=election",
        f"password={_plain(settings.secret('supervisor'))}",
        "[supervisorctl]",
        f"serverurl=http://{settings.host}:{settings.supervisor_port}",
        "username=election",
        f"password={_plain(settings.secret('supervisor'))}",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for name, program in programs.items():
        lines += [f"[program:{name}]", *_program(logs / f"{name}.log", program)]
    return "\n".join(lines) + "\n"


def _program(log: Path, program: Program) -> list[str]:
    command = program.command if program.command[0] == PREFIX_BY_PARENT[0] else (*PREFIX_BY_PARENT, *program.command)
    # A changed program is a changed configuration only if its text differs, so the environment is sorted.
    variables = ",".join(f'{name}="{_plain(value)}"' for name, value in sorted(program.environment.items()))
    return [
        f"command={_plain(shlex.join(os.fspath(part) for part in command))}",
        *([f"environment={variables}"] if variables else []),
        "autostart=false",
        "autorestart=true",
        # `election up` awaits the answer; here a failing start only needs a retry.
        "startsecs=1",
        "startretries=10",
        f"stopsignal={program.stop_signal}",
        f"stopwaitsecs={program.stop_seconds}",
        f"stopasgroup={str(program.stop_group).lower()}",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={_plain(log)}",
        "stdout_logfile_maxbytes=20MB",
        "stdout_logfile_backups=3",
    ]


def _plain(value: object) -> str:
    """supervisor expands %(name)s in every value."""
    return str(value).replace("%", "%%")
