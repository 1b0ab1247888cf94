"""Certification in a run: what its tasks do. Imported by tasks only, as it needs the stages."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from election.certification import Decision, certify, decision, question, refuse
from election.errors import ElectionError, StageFailed
from election.orchestration.connections import platform
from election.orchestration.questions import CERTIFY, TASK
from election.orchestration.runs import belongs_to
from election.reconciliation import record, recount

_AGAIN = f"Clear {TASK}: it asks again."


def figures(slug: str) -> str:
    """What the question tells, as it is now."""
    return question(platform(), slug)


def carry_out(slug: str, option: str, by: str, reason: str) -> Decision:
    """Certifies or refuses as answered. Raises AirflowFailException when the database says no: asking again is next."""
    try:
        return (certify if option == CERTIFY else refuse)(platform(), slug, by, reason)
    except ElectionError as error:
        raise AirflowFailException(f"{error} Then clear {TASK} to be asked again.") from error


def who_decides(context: Mapping[str, Any], slug: str) -> str:
    """The task that follows: a person decides, or nobody is asked, or it was certified before this run was cleared."""
    known = decision(platform(), slug)
    if known is not None and known.decision == "certified":
        return "certification.certified"
    return "certification.certify_unasked" if context["params"]["auto_certify"] else TASK


def certify_unasked(context: Mapping[str, Any], slug: str) -> None:
    """Certifies because the run was started with ``auto_certify``, in the name of who started it."""
    by = context["dag_run"].triggering_user_name or "nobody by name"
    certify(platform(), slug, f"auto_certify, started by {by}", "Every gate passed; the run was told to certify then.")


def require_certified(slug: str) -> str:
    """The last gate: returns the decision, or raises when it is a refusal, or none was made."""
    made = decision(platform(), slug)
    if made is None:
        raise AirflowFailException(f"Nobody decided on {slug}: marking the question success decides nothing. {_AGAIN}")
    if made.decision == "refused":
        raise AirflowFailException(f"{slug} is {made}. The run ends without a result. To decide anew: {_AGAIN}")
    return str(made)


def count_again(context: Mapping[str, Any]) -> None:
    """Records what a recount of the election in the run's form finds.

    A result that does not stand fails at once, with what differs.
    """
    slug = context["params"]["slug"]
    belongs_to(context, slug)
    verdict = recount(platform(), slug)
    record(platform(), slug, verdict)
    try:
        verdict.require_ok()
    except StageFailed as error:
        raise AirflowFailException(str(error)) from error
