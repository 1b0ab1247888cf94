"""Reads the ballots on ``votes_topic`` into files by buckets. Many are read in a separate process, beside Postgres.

python -m election.reconciliation.reading   (a pickled Job on standard input; the claims on standard output)
"""

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Message
from numpy.typing import NDArray

from election.buckets import records, spill
from election.contracts import topics
from election.errors import NotReachable, StageFailed
from election.messaging.reading import Offsets, read_batches
from election.messaging.rejected import refused_by_the_count
from election.reconciliation.contents import Claim, Contents
from election.reconciliation.published import NOTHING, OTHER, Reader
from election.storage.quarantine import Places

APART = 500_000
"""From this number of messages on, a separate process is worth its start."""


@dataclass(frozen=True)
class Job:
    """What to read, and into which folder (which must not exist yet). ``left_out`` messages are quarantined."""

    kafka: Mapping[str, str]
    contents: Contents
    begin: Offsets
    end: Offsets
    left_out: Places
    folder: Path

    def run(self) -> list[Claim]:
        """Spills the ballots; returns the claims of odd messages (``published.Reader.claims``)."""
        no = self.contents.election_no
        reader = Reader(self.contents, lambda: refused_by_the_count(self.kafka, no))
        spill(self.folder, self._parts(reader))
        return reader.claims

    def _parts(self, reader: Reader) -> Iterator[NDArray[Any]]:
        for batch in read_batches(self.kafka, topics.VOTES, self.begin, self.end):
            ids, codes, times, _ = reader(self._kept(batch))
            yield records(ids, codes, times)[(codes != OTHER) & (codes != NOTHING)]

    def _kept(self, batch: list[Message]) -> list[Message]:
        if not self.left_out:
            return batch
        return [m for m in batch if m.offset() not in self.left_out.get(m.partition() or 0, ())]


class Reading:
    """Runs a job beside other work; ``claims`` waits for its end. Leaving the context ends the job's process.

    Without ``aside``, or if there are few messages, the job runs in this process when ``claims`` is called.
    """

    def __init__(self, job: Job, *, aside: bool = True) -> None:
        self._job, self._aside, self._opened = job, aside, ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Reading":
        messages = sum(max(0, at - self._job.begin.get(p, 0)) for p, at in self._job.end.items())
        if self._aside and messages >= APART:
            line = [sys.executable, "-c", f"from {__name__} import main; main()"]
            self._process = self._opened.enter_context(
                subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            self._opened.callback(self._process.kill)
            assert self._process.stdin is not None
            pickle.dump(self._job, self._process.stdin)
            self._process.stdin.flush()  # stdin stays open, so that the process ends with this one
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def claims(self) -> list[Claim]:
        """Waits for the claims. Raises NotReachable or StageFailed."""
        if self._process is None:
            return self._job.run()
        assert self._process.stdout is not None
        answer = self._process.stdout.read()
        if not answer:
            raise StageFailed(
                f"The process that read {topics.VOTES} ended without an answer; its messages are above. Try again."
            )
        found = json.loads(answer)
        if "error" in found:
            raise NotReachable(found["error"])
        return [Claim(*claim) for claim in found["claims"]]


def main() -> None:
    """Entry point of the separate process: reads a pickled Job from standard input, writes the claims to the output."""
    job: Job = pickle.load(sys.stdin.buffer)  # from the process that started this one
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        answer: dict[str, Any] = {"claims": job.run()}
    except NotReachable as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()


def _end_with_the_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)
