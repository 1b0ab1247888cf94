"""The questions of a run, and carrying out the recorded answer to the one on its result.

Why the asking task itself decides: docs/decisions/0020-certification.md and docs/decisions/0021-who-decides.md.
"""

from typing import Any

import psycopg
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException

from election.orchestration.form import decision_form
from election.orchestration.questions import CERTIFY, CLOSE, REFUSE, TASK, closing_subject, subject
from election.settings import Settings

_AGAIN = f"Clear {TASK}: it asks again."


class ClosingOperator(HITLOperator):
    """Asks when to close the poll of the run's election; waits without a time limit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Close the poll?",
            body="What is on `ballots_topic` by then is taken in; a ballot that comes later is rejected as late.",
            options=[CLOSE],
            execution_timeout=None,
            **kwargs,
        )

    def execute(self, context: Any) -> None:
        """Asks, naming the election."""
        from election.orchestration.runs import this_election

        self.subject = closing_subject(this_election()[1])
        super().execute(context)


class DecisionOperator(HITLOperator):
    """Asks whether the election is certified, holding no worker slot, and carries out the answer Airflow recorded.

    ``params`` are ``decision_form``: the answer holds the number of the verdict that the question shows, so that the
    decision is about that one whatever happens meanwhile. Only a recorded answer resumes the task: marking it success
    by hand decides nothing. Who answered is who Airflow says.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Certify the result?",
            options=[CERTIFY, REFUSE],
            execution_timeout=None,  # a person answers when they answer
            retries=0,  # another try would ask again
            **kwargs,
        )

    def execute(self, context: Any) -> None:
        """Asks, with the figures as they are now, those who may decide now."""
        from election.orchestration.certification import asked

        question = asked()
        self.subject, self.body = subject(question.slug), question.text
        self.params = ParamsDict(decision_form(question.verdict_no))
        self.assigned_users = [{"id": name, "name": name} for name in question.deciders]
        _withdraw(str(context["task_instance"].id))
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Certifies or refuses, as answered; returns who decided what and why. Fails when it cannot be carried out."""
        from election.orchestration.certification import carry_out

        form = event.get("params_input") or {}
        reason = str(form.get("reason") or "").strip()
        if "error" not in event:
            if not reason:
                raise AirflowFailException(f"The answer has no reason, and so decides nothing. {_AGAIN}")
            if "verdict" not in form:
                raise AirflowFailException(f"The answer names no verdict, and so decides nothing. {_AGAIN}")
        (option,) = super().execute_complete(context, event)["chosen_options"]
        by = (event.get("responded_by_user") or {}).get("id")
        if not by:
            raise AirflowFailException(f"Airflow did not record who answered, so nothing is decided. {_AGAIN}")
        slug, made = carry_out(option, by, reason, form["verdict"])
        self.log.info("%s is %s", slug, made)
        return {"decision": made.decision, "decided_by": made.decided_by, "reason": made.reason}


def _withdraw(task_instance: str) -> None:
    """Takes back what the task asked before it was cleared.

    Airflow 3.3 keeps the text, the form and the assigned users of the first question when a cleared task asks again,
    and its API has no way to replace them: people would read the figures of an older verdict. apache/airflow#73235
    refreshes them. Review at apache-airflow-core 3.4: with that change this function goes.
    """
    with psycopg.connect(Settings().dsn("airflow")) as connection:
        connection.execute("DELETE FROM hitl_detail WHERE ti_id = %s", [task_instance])
