"""The line in which a casting worker tells how far all are."""

import time

import pytest

from election.casting.progress_log import Log


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_worker_tells_its_rate_what_is_done_of_all_and_how_long_it_takes_yet(clock: list[float]) -> None:
    lines: list[str] = []
    worker = Log("Worker 3", lines.append)
    worker.tell(0, 4_000, 0, lambda: "", last=False)
    clock[0] += 1.0
    worker.tell(500, 4_000, 300, lambda: "", last=False)  # too soon
    clock[0] += 1.0
    worker.tell(1_000, 4_000, 600, lambda: "slow", last=False)
    assert lines[1:] == [
        "Worker 3: 300 ballots a second. All workers: 1,000 of 4,000 records (25%), 500 a second, 0:00:06 left.",
        "Worker 3: slow.",
    ]


def test_the_last_line_comes_whenever_it_ends(clock: list[float]) -> None:
    lines: list[str] = []
    worker = Log("Worker 0", lines.append)
    worker.tell(0, 10, 0, lambda: "", last=False)
    worker.tell(10, 10, 6, lambda: "", last=True)
    assert len(lines) == 2 and "10 of 10 records (100%)" in lines[1]
