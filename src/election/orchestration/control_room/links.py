"""Links beside a task in Airflow's UI.

Airflow offers them on every task of every DAG and asks for the address whenever a task is looked at, in the API
server; an empty address is not shown. What the addresses are made from is loaded then: tasks load this module too.
"""

import logging
from typing import Any

import psycopg
from airflow.sdk import BaseOperatorLink

from election.errors import NotReachable
from election.orchestration.control_room import addresses
from election.platform import native
from election.settings import Settings
from election.storage.runs import election_of_run

GATE, REPORT = "validate", "report"
"""The task of a stage that runs its checkpoint, and the XCom with the path of its report under the data docs."""

log = logging.getLogger(__name__)


class SparkUi(BaseOperatorLink):
    """The count's own pages, while its driver runs."""

    name = "Spark UI"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        if ti_key.task_id.split(".")[0] != "count":
            return ""
        from election.count import driver

        settings = Settings()
        state = driver.state(settings)
        return (state.ui_url or settings.spark_driver_page) if state.alive else ""


class RejectedRecords(BaseOperatorLink):
    """The records of the run's election that could not be used; operators may see them."""

    name = "Rejected records"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        shown = ti_key.task_id.partition(".")[0] in ("casting", "count", "reconciliation")
        slug = _election(ti_key) if shown else None
        return addresses.in_airflow(addresses.rejected(slug)) if slug else ""


class CheckpointReport(BaseOperatorLink):
    """The report that this very task made, as it left its path behind."""

    name = "Quality report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        if ti_key.task_id.rpartition(".")[2] != GATE:
            return ""
        from airflow.serialization.definitions.operatorlink import XComOperatorLink

        path = XComOperatorLink(name=self.name, xcom_key=REPORT).get_link(operator, ti_key=ti_key)
        return addresses.in_airflow(addresses.report(path)) if path else ""


LINKS = [SparkUi(), RejectedRecords(), CheckpointReport()]


def _election(ti_key: Any) -> str | None:
    """The slug of the run's election; None before its registration, and if the database is away."""
    try:
        with native().connect("reader") as connection:
            election = election_of_run(connection, ti_key.dag_id, ti_key.run_id)
            return election.slug if election else None
    except (NotReachable, psycopg.Error) as error:
        # A task's other links and its log are there without Postgres' elections.
        log.warning("The election of run %s is not known: %s", ti_key.run_id, error)
        return None
