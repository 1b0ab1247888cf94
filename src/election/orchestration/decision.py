"""The question whether a result is certified, and what its recorded answer does."""

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowFailException

from election.orchestration.questions import CERTIFY, REFUSE, TASK, subject
from election.settings import Settings

_AGAIN = f"Clear {TASK}: it asks again."


class DecisionOperator(HITLOperator):
    """Asks whether the election is certified, holding no worker slot, and carries out the answer Airflow recorded.

    ``params`` are the form of the answer. Only a recorded answer resumes the task: marking it success by hand decides
    nothing. Who answered is who Airflow says.
    """

    template_fields = (*HITLOperator.template_fields, "slug")

    def __init__(self, *, slug: str, **kwargs: Any) -> None:
        super().__init__(
            subject="Certify the result?",
            options=[CERTIFY, REFUSE],
            assigned_users=[{"id": user, "name": user} for user in Settings().certifier_names],
            execution_timeout=None,  # a person answers when they answer
            retries=0,  # another try would ask again
            **kwargs,
        )
        self.slug = slug

    def execute(self, context: Any) -> None:
        """Asks, with the figures as they are now."""
        from election.orchestration.certification import figures

        self.subject, self.body = subject(self.slug), figures(self.slug)
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """Certifies or refuses, as answered; returns who decided what and why. Fails when it cannot be carried out."""
        from election.orchestration.certification import carry_out

        reason = str((event.get("params_input") or {}).get("reason") or "").strip()
        if "error" not in event and not reason:
            raise AirflowFailException(f"The answer has no reason, and so decides nothing. {_AGAIN}")
        (option,) = super().execute_complete(context, event)["chosen_options"]
        by = (event.get("responded_by_user") or {}).get("name")
        if not by:
            raise AirflowFailException(f"Airflow recorded nobody who answered, so nothing is decided. {_AGAIN}")
        made = carry_out(self.slug, option, by, reason)
        self.log.info("%s is %s", self.slug, made)
        return {"decision": made.decision, "decided_by": made.decided_by, "reason": made.reason}
