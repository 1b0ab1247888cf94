"""What `election status` says of the count."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from typer.testing import CliRunner

from election.cli.application import app
from election.count.folder import Folder, write_json
from election.count.summary import lines, summary
from election.settings import Settings

BATCH = {
    "at": "2026-12-12T22:00:01.500Z",
    "generation": 2,
    "batch": 41,
    "messages": 12_000,
    "input_rate": 2_000.4,
    "processed_rate": 37_617.6,
    "ms": 319,
    "parts_ms": {"addBatch": 200},
    "state_bytes": 193_400_000,
    "rejected": 2,
    "duplicates": 1_503,
}


def drove(folder: Folder, **heartbeat: Any) -> None:
    """A driver that was started an hour ago and gave its last heartbeat now, unless it says otherwise."""
    now = time.time()
    write_json(folder.starting, {"identity": "one", "at": now - 3600, "failures": 0})
    beat = {"identity": "one", "at": now, "counting": True, "generation": 2, "batch": 41, "lag": 1_234}
    write_json(folder.heartbeat, beat | heartbeat)


def ended(folder: Folder, error: str | None, refused: bool = False) -> None:
    write_json(folder.ended, {"identity": "one", "clean": error is None, "error": error, "refused": refused})


_HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def at_work(folder: Folder) -> Iterator[None]:
    """Another process holds the driver's lock."""
    line = [sys.executable, "-c", _HOLD, str(folder.lock)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.communicate()


def test_before_the_first_start_there_is_nothing_to_tell(settings: Settings) -> None:
    assert lines(summary(settings)) == ["The count: stopped"]


def test_the_last_batch_is_told_with_its_rates_and_what_was_left_out(settings: Settings, folder: Folder) -> None:
    earlier = json.dumps(BATCH | {"batch": 40, "parts_ms": {"addBatch": "x" * 40_000}})
    folder.batches.write_text(f'{earlier}\n{json.dumps(BATCH)}\n{{"at": "2026-12-12T22:0')
    with at_work(folder):
        drove(folder)
        assert lines(summary(settings)) == [
            "The count: counting, 1,234 votes waiting",
            "  batch 41 of generation 2, begun 2026-12-12 22:00:01 UTC: 12,000 votes in 319 ms; "
            "2,000 a second came in, 37,618 a second were counted",
            "  since its driver started: 1,503 duplicates dropped, 2 records rejected; state 193 MB in memory",
        ]


def test_a_batch_of_the_count_before_a_rebuild_is_not_told(settings: Settings, folder: Folder) -> None:
    folder.batches.write_text(json.dumps(BATCH) + "\n")
    drove(folder, generation=3, batch=None)
    assert summary(settings)["last_batch"] is None
    drove(folder)
    assert summary(settings)["last_batch"] == BATCH


def test_a_driver_that_failed_says_why_and_who_starts_the_next(settings: Settings, folder: Folder) -> None:
    drove(folder)
    ended(folder, "\n".join(f"line {number} of the error" for number in range(40)))
    told = lines(summary(settings))
    assert told[:2] == ["The count: failed", "  line 0 of the error"]
    assert told[-2] == "  … `election tally status` shows the rest."
    assert "`election tally start`" in told[-1]
    assert len(told) < 12


def test_a_refused_checkpoint_is_told_with_the_remedy_alone(settings: Settings, folder: Folder) -> None:
    drove(folder)
    ended(folder, "[gone] Files are gone. `election tally rebuild` counts again.", refused=True)
    assert lines(summary(settings)) == [
        "The count: failed (the checkpoint is refused)",
        "  [gone] Files are gone. `election tally rebuild` counts again.",
    ]


def test_a_stall_is_told_with_its_kind_and_what_to_do(settings: Settings, folder: Folder) -> None:
    with at_work(folder):
        drove(folder, waiting_since=time.time() - 60)
        first, told = lines(summary(settings))
        assert first == "The count: stalled, 1,234 votes waiting"
        assert "no batch was finished for 25 s. If it hangs" in told
        drove(folder, at=time.time() - 100)
        told = lines(summary(settings))[-1]
        assert "no heartbeat for" in told
        assert "If it hangs" in told


def test_the_status_command_tells_it_in_words_and_as_json(monkeypatch, settings: Settings, folder: Folder) -> None:
    monkeypatch.setenv("ELECTION_VAR", str(settings.var))
    drove(folder)
    ended(folder, "[gone] Files are gone. `election tally rebuild` counts again.", refused=True)
    folder.batches.write_text(json.dumps(BATCH) + "\n")
    count = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)["count"]
    assert (count["phase"], count["refused"], count["last_batch"]) == ("failed", True, BATCH)
    said = CliRunner().invoke(app, ["status"]).stdout
    assert all(line in said for line in lines(summary(settings)))


def test_airflow_links_to_the_pages_of_the_driver_while_it_runs(settings: Settings, folder: Folder) -> None:
    from election.orchestration.control_room.links import SparkUi

    def link(task: str) -> str:
        return SparkUi().get_link(None, ti_key=SimpleNamespace(task_id=task))

    assert link("count") == "", "no driver, no pages"
    with at_work(folder):
        drove(folder, ui_url="http://driver.example:4040")
        assert link("count") == link("count.wait") == "http://driver.example:4040"
        drove(folder)
        assert link("count") == settings.spark_driver_page, "before it says where"
        assert link("casting.cast") == ""
    ended(folder, None)
    assert link("count") == ""
