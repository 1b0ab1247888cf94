"""Links beside a task in Airflow's UI.

Airflow offers them on every task of every DAG and asks for the address whenever a task is looked at, in the API
server; an empty address is not shown. What the addresses are made from is loaded then: tasks load this module too.
"""

import logging
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.sdk import BaseOperatorLink

from election.errors import NotReachable
from election.orchestration.control_room import addresses
from election.platform import native
from election.settings import Settings
from election.storage.runs import election_of_run

GATE = "validate"
"""The task of a stage that runs its checkpoint, which has the stage's name."""

if TYPE_CHECKING:
    from election.orchestration.control_room.reading import Standing

log = logging.getLogger(__name__)


class SparkUi(BaseOperatorLink):
    """The count's own pages, while its driver runs."""

    name = "Spark UI"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        if ti_key.task_id.split(".")[0] != "count":
            return ""
        from election.count import driver

        settings = Settings()
        return driver.state(settings).ui_url or f"http://{settings.spark_host}:{settings.spark_driver_ui_port}"


class RejectedRecords(BaseOperatorLink):
    """The records of the run's election that could not be used; operators may see them."""

    name = "Rejected records"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        stage, _, _ = ti_key.task_id.partition(".")
        known = _standing(ti_key) if stage in ("casting", "count", "reconciliation") else None
        return addresses.in_airflow(addresses.rejected(known.election.slug)) if known else ""


class CheckpointReport(BaseOperatorLink):
    """What the checkpoint that the task runs found in the run's election."""

    name = "Quality report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        stage, _, task = ti_key.task_id.partition(".")
        known = _standing(ti_key) if task == GATE else None
        found = [report.report for report in known.reports if report.checkpoint == stage] if known else []
        return addresses.in_airflow(addresses.report(found[0])) if found else ""


LINKS = [SparkUi(), RejectedRecords(), CheckpointReport()]


def _standing(ti_key: Any) -> "Standing | None":
    """The standing of the run's election; None when the run has none yet, or nobody knows at the moment."""
    from election.orchestration.control_room.reading import standing

    try:
        with native().connect("reader") as connection:
            election = election_of_run(connection, ti_key.dag_id, ti_key.run_id)
            return standing(connection, election) if election else None
    except (NotReachable, psycopg.Error) as error:
        # A task's other links and its log are there without Postgres' elections.
        log.warning("The election of run %s is not known: %s", ti_key.run_id, error)
        return None
