"""How many records a worker at a rate asks for. What it makes of the real topic is in the casting tests."""

import threading
import time
from typing import Any, cast

import pytest
from confluent_kafka import Consumer

from election.casting.pace import Rate


class Asked:
    """Stands where the consumer does and notes how many records it was asked for."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def consume(self, number: int, _timeout: float) -> list[Any]:
        self.numbers.append(number)
        return []


def test_a_worker_that_is_behind_takes_what_is_due_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    stopped = threading.Event()
    stopped.set()  # no wait is waited
    asked = Asked()
    pace = Rate(cast(Consumer, asked), 1_000, stopped)
    pace.batch(10_000)
    pace.wait(100)  # due in a tenth of a second
    pace.batch(10_000)
    now += 0.6
    pace.batch(10_000)
    pace.batch(200)
    now += 3600
    pace.batch(10_000)
    in_time, still_in_time, behind, at_most, far_behind = asked.numbers
    assert in_time == still_in_time == 100
    assert behind == 600  # half a second late, and the next tenth
    assert at_most == 200
    assert far_behind == 5_100  # more than five seconds are forgiven


def test_without_a_rate_a_batch_is_as_large_as_it_may_be() -> None:
    asked = Asked()
    Rate(cast(Consumer, asked), 0, threading.Event()).batch(10_000)
    assert asked.numbers == [10_000]
