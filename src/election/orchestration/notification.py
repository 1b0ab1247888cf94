"""Notifies a webhook of failed gates and ended elections. Off unless ELECTION_WEBHOOK_URL is set."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal

import requests
from airflow.sdk import BaseNotifier
from airflow.sdk.definitions.context import Context

from election.errors import NotReachable
from election.orchestration.failures import advice, say_what_next
from election.settings import Settings
from election.text import visible

_SECONDS = 5.0
Event = Literal["gate_failed", "run_succeeded", "run_failed"]
Callback = Callable[[Context], None]


class Webhook(BaseNotifier):
    """Posts JSON: ``event``, ``dag``, ``run``, ``task`` (of a gate), ``text`` and ``url`` of the run in Airflow.

    ``text`` is plain: a receiver that reads Markdown has to escape it.

    An address that does not answer, or not within seconds, costs the run nothing: Airflow logs the error.
    """

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def notify(self, context: Context) -> None:
        """Raises NotReachable."""
        settings = Settings()
        post(settings, self._message(settings, context))

    def _message(self, settings: Settings, context: Context) -> dict[str, Any]:
        dag_id, run_id = context["dag"].dag_id, context["run_id"]
        message = {"event": self.event, "dag": dag_id, "run": run_id}
        if self.event == "gate_failed":
            task_id = context["task_instance"].task_id
            text = f"{context.get('exception') or 'It failed.'}\n{advice(task_id)}"
            message |= {"task": task_id, "text": f"{task_id} of {run_id} failed: {text}"}
        else:
            ended = "succeeded" if self.event == "run_succeeded" else "failed"
            message["text"] = f"{dag_id} {run_id} {ended}."
        message["text"] = visible(message["text"])
        return message | {"url": f"{settings.airflow_page}/dags/{dag_id}/runs/{run_id}"}


def post(settings: Settings, message: dict[str, Any]) -> None:
    """Raises NotReachable, without the address: it may hold a secret."""
    try:
        # The answer's body is not read, so that it cannot hold anything up.
        with requests.post(
            settings.webhook_url, json=message, timeout=_SECONDS, stream=True, allow_redirects=False
        ) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        raise NotReachable(f"The webhook does not answer: {type(error).__name__}. Check the setting.") from None
    if status >= HTTPStatus.BAD_REQUEST:
        raise NotReachable(f"The webhook answered {status}. Check ELECTION_WEBHOOK_URL.")


def at_a_gate() -> list[Callback]:
    """``on_failure_callback`` of a gate."""
    return [say_what_next, *_told("gate_failed")]


def at_the_end(event: Literal["run_succeeded", "run_failed"]) -> list[Callback]:
    """The callbacks of a DAG whose run has ended."""
    return _told(event)


def _told(event: Event) -> list[Callback]:
    return [Webhook(event)] if Settings().webhook_url else []
