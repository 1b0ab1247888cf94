"""Certification in a run: what its tasks do. Imported by tasks only, as it needs the stages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from election.certification import certify, decision, newest_verdict, question, refuse
from election.contracts.public import Decision
from election.errors import BadInput, ElectionError, StageFailed
from election.evidence import seal
from election.orchestration.questions import CERTIFY, TASK
from election.orchestration.runs import belongs_to, require_starter_may_decide, this_election
from election.results import record_documents
from election.storage.deciders import deciders

_AGAIN = f"Clear {TASK}: it asks again."


@dataclass(frozen=True)
class Asked:
    """A question: the election, the verdict that it shows, its text (Markdown) and who may answer."""

    slug: str
    verdict_no: int | None
    text: str
    deciders: list[str]


def asked() -> Asked:
    """What the run asks, with the figures as they are now. Raises AirflowFailException without deciders."""
    reached, slug = this_election()
    with reached.connect("reader") as connection:
        may_answer = deciders(connection)
    if not may_answer:  # Airflow would let everybody answer
        raise AirflowFailException(f"No user may decide. Set ELECTION_CERTIFIERS, run `election up`. {_AGAIN}")
    verdict_no = newest_verdict(reached, slug)
    return Asked(slug, verdict_no, question(reached, slug, verdict_no), may_answer)


def carry_out(option: str, by: str, reason: str, verdict_no: int | None) -> tuple[str, Decision]:
    """Certifies or refuses the run's election as answered; returns its slug and the decision.

    Raises AirflowFailException when the database says no: asking again is next.
    """
    reached, slug = this_election()
    try:
        return slug, (certify if option == CERTIFY else refuse)(reached, slug, by, reason, verdict_no)
    except ElectionError as error:
        raise AirflowFailException(f"{error} Then clear {TASK} to be asked again.") from error


def who_decides(context: Mapping[str, Any]) -> str:
    """The next task: a person decides, the run decides, or the election was certified before a clear."""
    known = decision(*this_election())
    if known is not None and known.decision == "certified":
        return "certification.certified"
    return "certification.certify_unasked" if context["params"]["auto_certify"] else TASK


def certify_unasked(context: Mapping[str, Any]) -> None:
    """Certifies because the run was started with ``auto_certify``, in the name of who started it.

    Asks for both once more: who may clear tasks and write XComs can have this one run after another branch.
    """
    reached, slug = this_election()
    if not context["params"]["auto_certify"]:
        raise AirflowFailException(f"This run was not started with auto_certify: {TASK} asks who may decide.")
    try:
        starter = require_starter_may_decide(context)
        reason = f"Every gate passed; the run {context['run_id']} was started with auto_certify."
        certify(reached, slug, starter, reason, newest_verdict(reached, slug))
    except BadInput as error:
        raise AirflowFailException(str(error)) from error


def require_certified() -> str:
    """The last gate: returns the decision; raises on a refusal and without a decision."""
    reached, slug = this_election()
    made = decision(reached, slug)
    if made is None:
        raise AirflowFailException(f"{slug} has no decision: marking the question success decides nothing. {_AGAIN}")
    if made.decision == "refused":
        raise AirflowFailException(f"{slug} is {made}. The run ends without a result. To decide again: {_AGAIN}")
    return str(made)


def count_again(context: Mapping[str, Any]) -> None:
    """Records what a recount of the election in the run's form finds.

    A result that does not stand fails at once, with what differs.
    """
    from election.reconciliation import record, recount

    try:
        belongs_to(context, context["params"]["slug"])
    except BadInput as error:
        raise AirflowFailException(str(error)) from error
    reached, slug = this_election()
    verdict = recount(reached, slug)
    record(reached, slug, verdict)
    record_documents(reached, slug)
    seal(reached, slug)
    try:
        verdict.require_ok()
    except StageFailed as error:
        raise AirflowFailException(str(error)) from error
