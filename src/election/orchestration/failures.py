"""What a person does next when a task of a run has failed for good; the last lines of its log say it."""

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

# By task group; the task's own message says what is wrong.
_NEXT = {
    "prepare": "Correct what the message names and start a new run; nothing was written.",
    "electorate": "Clear this task: it goes on where it stopped.",
    "publication": "Clear this task: what is published again is harmless, and casting waits for all of it.",
    "casting": "Clear this task: it goes on after the last batch, and each ballot counts once.",
    "count": "See `tally_stream` and `election tally status`. Once the stream runs, clear this task.",
    "reconciliation": "`election reconcile SLUG` recomputes this without a run. After mending, clear this task.",
    "certification": "Clear `certification.decide`: it asks again. `election results SLUG` shows what is decided.",
    "result": "Clear this task: the files are written anew.",
}
_GATE = "The message says what is not met and what to do, its report shows all of it. After mending, clear this task."
_OTHERWISE = "Read the message above; after mending, clear this task."


def advice(task_id: str) -> str:
    """One or two sentences for the task of that id."""
    if task_id.endswith(".validate"):
        return _GATE
    return _NEXT.get(task_id.partition(".")[0], _OTHERWISE)


def say_what_next(context: Mapping[str, Any]) -> None:
    """Airflow's callback for a task that failed and is not tried again."""
    task_id = context["task_instance"].task_id
    log.error("%s failed. What to do next: %s", task_id, advice(task_id))
