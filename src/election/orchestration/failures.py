"""What a person does next when a task of a run has failed; the last line of its log says it."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from election.errors import BadInput, UnknownElection

log = logging.getLogger(__name__)

# By task group; the task's own message says what is wrong.
_NEXT = {
    "prepare": "Correct what the message names and start a new run; nothing was written.",
    "electorate": "Clear this task: it continues where it stopped.",
    "publication": "Clear this task: what is published again is harmless, and casting waits for all of it.",
    "casting": "Clear this task: it continues after the last batch, and each ballot counts once.",
    "count": "See `tally_stream` and `election tally status`. Once the stream runs, clear this task.",
    "reconciliation": "`election reconcile SLUG` compares again without a run. After a fix, clear this task.",
    "certification": "Clear `certification.decide`: it asks again. `election results SLUG` shows what is decided.",
    "result": "Clear this task: it writes the files again.",
}
HOPELESS = ExceptionRetryPolicy(
    [RetryRule([BadInput, UnknownElection], RetryAction.FAIL, reason="Another try cannot fix the input.")]
)
"""``retry_policy`` of a DAG: bad input fails a task at once, with its message in the log."""

_GATE = "The message names what fails and what to do; the report shows all of it. After a fix, clear this task."
_OTHERWISE = "Read the message above. After a fix, clear this task."


def advice(task_id: str) -> str:
    """One or two sentences for the task of that id."""
    if task_id.endswith(".validate"):
        return _GATE
    return _NEXT.get(task_id.partition(".")[0], _OTHERWISE)


def say_what_next(context: Mapping[str, Any]) -> None:
    """Airflow's callback for a task that failed and is not tried again."""
    task_id = context["task_instance"].task_id
    log.error("%s failed. What to do next: %s", task_id, advice(task_id))
