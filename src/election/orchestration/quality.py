"""Validations as tasks: the run keeps the findings, whether or not the task fails."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from election.orchestration.connections import platform
from election.orchestration.runs import this_election
from election.quality import Checkpoint, Validation, require_ok

REPORT, FINDINGS = "report", "findings"
"""XComs of a task that validates: the report's path under /data-docs, and a short table of what was not met."""

SHARE = 0.05
"""Of the time, that scheduled validations take at most: with Postgres's part a tenth of a core."""


def validate(context: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    """Validates the run's election and returns the report's address. Raises StageFailed when a critical one failed."""
    from election.quality import validating

    reached, slug = this_election()
    found = validating.validate(reached, slug, checkpoint)
    _tell(context, [found])
    require_ok([found], where(reached.settings.airflow_page))
    return f"{where(reached.settings.airflow_page)}/{found.report}"


def validate_all(context: Mapping[str, Any]) -> list[str]:
    """Validates every election whose poll has opened; returns their slugs. Raises StageFailed as ``validate`` does."""
    from election.quality import validating
    from election.reconciliation.mark import look_again

    reached = platform()
    scheduled = context["dag_run"].run_type == "scheduled"
    found = validating.validate_all(
        reached, share=SHARE if scheduled else None, look_again=look_again if scheduled else None
    )
    _tell(context, found)
    require_ok(found, where(reached.settings.airflow_page))
    return [validation.election for validation in found]


def where(airflow: str) -> str:
    """The address under which Airflow shows the reports."""
    return f"{airflow}/data-docs"


def _tell(context: Mapping[str, Any], validations: list[Validation]) -> None:
    for validation in validations:
        for finding in validation.findings:
            print(finding)  # noqa: T201 - a task's output is its log
    table = [
        {"election": validation.election, **asdict(finding)}
        for validation in validations
        for finding in validation.findings
    ]
    context["ti"].xcom_push(key=FINDINGS, value=table)
    if len(validations) == 1:
        context["ti"].xcom_push(key=REPORT, value=validations[0].report)
