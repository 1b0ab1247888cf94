"""What the count is measured against: ``parse_job.py``, with the count's own executor."""

import json
import os
import subprocess

from election.count.submission import environment, submit_command
from election.settings import PROJECT, Settings

Batches = list[tuple[int, int]]
"""Votes and milliseconds of each batch."""


def parsed(settings: Settings, *arguments: str) -> Batches:
    """Reads and parses all of ``votes_topic``, and keeps nothing. Nothing else may hold Spark's cores meanwhile.

    ``arguments`` are those of ``parse_job.py``.
    """
    command = [*submit_command(settings)[:-1], str(PROJECT / "bench" / "parse_job.py"), *arguments]
    answer = subprocess.run(
        command, env=os.environ | environment(settings), capture_output=True, text=True, check=True, timeout=600
    )
    batches = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return [(batch["messages"], batch["ms"]) for batch in batches]


def a_second(batches: Batches) -> float:
    return sum(votes for votes, _ in batches) / sum(ms for _, ms in batches) * 1000
