"""An audit in a run: what its tasks do. Imported by tasks only, as it needs the stage."""

import secrets
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from election.audit import Faults, assess, commit, draw_round, entering, progress, type_digits
from election.audit import lay_down as lay_down_papers
from election.audit.drawing import SEED_DIGITS
from election.audit.report import report
from election.errors import BadInput, StageFailed
from election.orchestration.runs import belongs_to, this_election
from election.platform import Platform

_THROWERS = ("simulated thrower 1", "simulated thrower 2")
_COUNTERS = ("simulated counter 1", "simulated counter 2")


def lay_down(context: Mapping[str, Any]) -> dict[str, int] | None:
    """Lays down the papers of a run that asks for it, with the faults in its form; None for any other run."""
    given = context["params"]
    faults = Faults(given["flipped"], given["swapped"], given["lost"])
    if not (given["box"] or faults.planned):
        return None
    try:
        return lay_down_papers(*this_election(), f"the run {context['run_id']}", faults)
    except (BadInput, StageFailed) as error:
        raise AirflowFailException(str(error)) from error


def begin(context: Mapping[str, Any]) -> int:
    """Commits to the count; returns the audit's number. A cleared run goes on with an audit that is not signed."""
    given = context["params"]
    try:
        belongs_to(context, given["slug"])
        reached, slug = this_election()
        known = _unsigned(reached, slug)
        if known is not None:
            return known
        by = context["dag_run"].triggering_user_name or f"the run {context['run_id']}"
        return commit(reached, slug, by, method=given["method"], limit=given["risk_limit"]).audit_no
    except (BadInput, StageFailed) as error:
        raise AirflowFailException(str(error)) from error


def seed_is_complete(context: Mapping[str, Any]) -> bool:
    """Whether all digits are there. A simulated audit throws them, in the names of two who do not exist."""
    reached, slug = this_election()
    there = len(progress(reached, slug).digits)
    if context["params"]["simulate"] and not there:
        for thrower in _THROWERS:
            digits = "".join(str(secrets.randbelow(10)) for _ in range(SEED_DIGITS // len(_THROWERS)))
            there = type_digits(reached, slug, digits, thrower)
    return there == SEED_DIGITS


def is_over(context: Mapping[str, Any]) -> bool:
    """Whether each contest is confirmed or counted by hand. A simulated audit takes all its rounds here."""
    reached, slug = this_election()
    if context["params"]["simulate"]:
        take_rounds(reached, slug, context["params"]["misread"])
    return progress(reached, slug).over


def is_signed() -> bool:
    """Whether a person has signed: `election audit sign-off`."""
    return progress(*this_election()).signed_by is not None


def write_report() -> str:
    """Writes the report; returns its path."""
    return str(report(*this_election()))


def take_rounds(reached: Platform, slug: str, misread: float = 0.0) -> None:
    """Draws, reads and assesses without people, and counts by hand where the audit asks for it."""
    while (follows := progress(reached, slug).follows) in ("draw", "papers", "risk"):
        if follows == "draw":
            draw_round(reached, slug)
        elif follows == "risk":
            assess(reached, slug)
        elif not entering.simulate(reached, slug, misread):
            raise AirflowFailException("The simulated auditors do not agree on a paper. Two persons enter it.")
    for one in progress(reached, slug).contests:
        if one.finding == "hand count":
            entering.count_by_hand(reached, slug, one.one.number, *_COUNTERS)


def _unsigned(reached: Platform, slug: str) -> int | None:
    try:
        known = progress(reached, slug)
    except StageFailed:
        return None
    return known.audit.audit_no if known.signed_by is None else None
