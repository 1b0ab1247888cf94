"""Workers as processes that begin at the same moment. One that dies ends the measurement, with a message."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from queue import Empty
from typing import Any, TypeVar

SPAWN = get_context("spawn")
_LOOK_SECONDS = 0.5
_START_SECONDS = 120.0

Result = TypeVar("Result")


def together(work: Callable[..., Result], each: Sequence[tuple[Any, ...]]) -> list[Result]:
    """What ``work`` returns in a process for each tuple of arguments; its first argument waits for the others.

    Raises SystemExit when a process ends without a result; the others are ended then.
    """
    barrier, done = SPAWN.Barrier(len(each)), SPAWN.Queue()
    processes: list[BaseProcess] = [
        SPAWN.Process(target=_run, args=(work, barrier, done, arguments)) for arguments in each
    ]
    for process in processes:
        process.start()
    results: list[Result] = []
    try:
        while len(results) < len(each):
            dead = [process for process in processes if process.exitcode]
            with suppress(Empty):
                results.append(done.get(timeout=_LOOK_SECONDS))
                continue
            if dead:
                number, status = processes.index(dead[0]), dead[0].exitcode
                raise SystemExit(
                    f"Worker {number} of {len(each)} ended with status {status} and without a result, so nothing was "
                    "measured. What it said is above."
                )
    finally:
        for process in processes:
            if len(results) < len(each):
                process.kill()
            process.join()
    return results


def _run(work: Callable[..., Result], barrier: Any, done: Any, arguments: tuple[Any, ...]) -> None:
    done.put(work(lambda: barrier.wait(_START_SECONDS), *arguments))
