"""The tally under Airflow: an operator that starts or finds the driver, and a trigger that watches it.

On a standalone master Spark runs Python in client mode only, so the driver is a process beside Airflow. On Kubernetes
and YARN (connection extra ``deploy-mode`` ``cluster``) it runs in the cluster. Either is started detached with the
command line that the Spark provider builds, and identified by its folder (decision 11): the task then waits in a
trigger, without a worker slot, and whatever of Airflow dies or is restarted finds the driver again. When a driver dies,
the trigger starts the next one and then lets the task fail with the error; the task's next try finds it.

The provider's own way to resume (``execute_resumable``) leaves out client mode, and in a cluster it keeps a worker slot
for as long as the driver runs. No issue is known. Review at apache-airflow-providers-apache-spark 6.4: does it find a
driver in client mode again, and wait without a slot?
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRuntimeError,
    AirflowTaskTerminated,
)
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from election.clients.airflow import Airflow
from election.clients.spark_access import secret_file
from election.count import driver, submission
from election.count.folder import tally_folder
from election.errors import ElectionError, StageFailed
from election.settings import Settings

DAG_ID = "tally_stream"
LOOK = 1.0  # seconds between looks at the driver
SETTLE = 5.0  # seconds
FOLLOWED = 60.0  # seconds; what the next driver does within this time, the task hears together with the last one's end
TELL = 300.0  # seconds between lines in the task's log while all is well
ENDED_BY_HAND = ("success", "failed", "skipped", "removed")


class TallyOperator(SparkSubmitOperator):
    """Keeps the count running. Ends well when the stream was stopped cleanly, and fails with the driver's last error.

    The connection's extra ``conf`` (an object) adds Spark configuration or overrides it.
    """

    def __init__(self, *, conn_id: str = "election_spark", **kwargs: Any) -> None:
        super().__init__(conn_id=conn_id, name=submission.NAME, **kwargs)
        self._starting: Any = None  # the task instance, while it starts the driver

    def execute(self, context: Context) -> None:
        settings = Settings()
        wait = driver.patience(settings)
        if wait > 0:
            self.log.warning("The last driver ended soon after its start; the next one starts in %.0f s.", wait)
            self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=wait)), method_name="start")
        self.start(context)

    def start(self, context: Context, event: Any = None) -> None:
        """Starts the driver, or finds the one that runs, and hands over to the trigger."""
        settings = Settings()
        command = self.command(settings)
        self._starting = context["ti"]
        try:
            known = driver.start(settings, command)
        except StageFailed as error:
            raise AirflowException(str(error)) from error
        finally:
            self._starting = None
        self.log.info("The driver %s is %s.", known.identity, known.phase)
        if ended_by_hand(context["ti"]):  # Airflow would tell only at its next heartbeat, and take no trigger
            self._stop_stream()
            return
        # In containers the trigger has one of its own, which a driver would not outlive.
        conn_id = None if settings.runtime == "containers" else self._conn_id
        self.defer(trigger=TallyTrigger(conn_id), method_name="ended")

    def ended(self, context: Context, event: dict[str, Any]) -> None:
        """What the trigger found when no driver ran any more."""
        if event["phase"] == "stopped":
            self.log.info("The stream was stopped cleanly after batch %s.", event["batch"])
            return
        message = f"The count's driver ended: {event['error']}"
        raise AirflowFailException(message) if event["refused"] else AirflowException(message)

    def command(self, settings: Settings) -> list[str]:
        """The command line as the provider builds it from the connection."""
        extra = dict(self._get_hook().get_connection(self._conn_id).extra_dejson)
        if extra.get("deploy-mode") == "cluster":
            self._in_cluster(settings)
        else:
            self.application = submission.application(settings)
            self.jars = submission.connector(settings)
            self.conf = submission.conf(settings)
            self.properties_file = str(secret_file(settings))
        self.conf |= extra.get("conf", {})
        self._executor_memory, self._driver_memory = submission.EXECUTOR_MEMORY, submission.DRIVER_MEMORY
        return list(self._get_hook()._build_spark_submit_command(self.application))

    def on_kill(self) -> None:
        """A task that is killed while it starts the driver leaves it running: the next one finds it.

        Raises AirflowTaskTerminated, out of the start, when the task was marked: then the stream stops.
        """
        # While the driver starts, only this code talks to the API server through this process.
        if self._starting is not None and ended_by_hand(self._starting):
            self._stop_stream()
            raise AirflowTaskTerminated("The task was ended by hand while it started the driver.")

    def _stop_stream(self) -> None:
        self.log.info("The task was ended by hand: the stream stops after its batch.")
        driver.request_stop(Settings())

    def _in_cluster(self, settings: Settings) -> None:
        """The same job for a cluster whose images or nodes hold this project at the same path."""
        self.application, self.jars = submission.cluster_application(settings)
        if self._get_hook()._connection["master"].startswith("yarn"):
            # YARN uploads the program itself and knows it by its name alone; Kubernetes takes the image's.
            self.application = submission.application(settings)
        self.conf = submission.cluster_conf(settings)
        self.env_vars = submission.cluster_environment(settings)


class TallyTrigger(BaseTrigger):
    """Fires when the driver of the count has ended, with how it did.

    One that died is followed at once by the next, started as the connection says (null: the task's next try starts it).
    Marking the task failed or success stops the stream after its batch; clearing it leaves the driver to the next try.
    """

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._conn_id = conn_id
        self._starting: asyncio.Future[Any] | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.{type(self).__name__}", {"conn_id": self._conn_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        settings = Settings()
        # A task that resumes within the scheduler's own round looks to it like one that was killed.
        await asyncio.sleep(SETTLE)
        told, before = 0.0, None
        while (known := await asyncio.to_thread(driver.state, settings)).alive:
            now = asyncio.get_running_loop().time()
            if known.phase != before or now - told > TELL:
                tell = self.log.warning if known.phase == "stalled" else self.log.info
                tell("The driver is %s: batch %s, %s votes wait. %s", known.phase, known.batch, known.lag, known.ui_url)
                told, before = now, known.phase
            await asyncio.sleep(LOOK)
        if self._conn_id and known.phase == "failed" and not known.refused:
            following = await self._start_next(settings, self._conn_id)
            known = following if following.refused else known
        ended = {"phase": known.phase, "batch": known.batch, "error": known.error, "refused": known.refused}
        yield TriggerEvent(ended)  # type: ignore[no-untyped-call]

    async def _start_next(self, settings: Settings, conn_id: str) -> driver.DriverState:
        """Starts the next driver and returns how it is once it counts, or ended, or takes its time.

        Two starts of a task, one that fails and one that starts the driver, would take some twenty seconds.
        """
        deadline = asyncio.get_running_loop().time() + FOLLOWED
        try:
            command = await sync_to_async(TallyOperator(task_id="next", conn_id=conn_id).command)(settings)
            self._starting = asyncio.ensure_future(asyncio.to_thread(_start_unless_kept_back, settings, command))
            await asyncio.shield(self._starting)
            await self._stop_when_ended_by_hand()
        except (ElectionError, OSError, AirflowException, AirflowRuntimeError) as error:
            # Whatever it is, the task must hear how the last one ended.
            self.log.warning("The next driver is left to the task's next try: %s", error)
        while (known := await asyncio.to_thread(driver.state, settings)).phase == "starting":
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(LOOK)
        if known.alive:
            self.log.info("The next driver %s is %s.", known.identity, known.phase)
        return known

    async def on_kill(self) -> None:
        # On a busy machine Airflow cancels this as well before it is done; what it began goes on all the same.
        self._stopping = asyncio.ensure_future(self._stop_when_ended_by_hand())
        await asyncio.shield(self._stopping)

    async def _stop_when_ended_by_hand(self) -> None:
        # The connection to the API server belongs to one thread, which asgiref keeps to.
        if self.task_instance is not None and await sync_to_async(ended_by_hand)(self.task_instance):
            self.log.info("The task was ended by hand: the stream stops after its batch.")
            if self._starting is not None:  # a start forgets what was asked before it
                await asyncio.wait([self._starting])
            await asyncio.to_thread(driver.request_stop, Settings())


def _start_unless_kept_back(settings: Settings, command: list[str]) -> None:
    """Starts the driver, unless Airflow has to decide: after a requested stop, while starts wait, or in a paused DAG.

    Raises NotReachable when Airflow's API server does not answer, StageFailed when the driver does not start.
    """

    def kept_back() -> bool:
        if tally_folder(settings).stop.exists() or driver.patience(settings) > 0:
            return True
        return Airflow(settings).dags().get(DAG_ID, True)

    driver.start(settings, command, seconds=FOLLOWED, unless=kept_back)


def ended_by_hand(task: Any) -> bool:
    """Whether the task instance was marked, whatever it is doing. Asks the API server."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(
        dag_id=task.dag_id, task_ids=[task.task_id], run_ids=[task.run_id], map_index=task.map_index
    )
    return states.get(task.run_id, {}).get(task.task_id) in ENDED_BY_HAND
