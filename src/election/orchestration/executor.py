"""LocalExecutor that tracks its in-flight workloads; ``[core] executor`` names it."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psutil
from airflow.executors.local_executor import LocalExecutor
from airflow.executors.workloads import ExecuteTask, ExecutorWorkload
from airflow.models.taskinstancekey import TaskInstanceKey

# By then a runner that has taken work has put it into its title.
_TITLED_SECONDS = 1.0


class TrackingLocalExecutor(LocalExecutor):
    """Counts what it has handed to its runners, which Airflow 3.3's own does not. Three things go wrong without it.

    - A deferred task that is resumed at once has the key of the run that deferred. When the end of that run is heard
      of late, the scheduler asks whether the executor has the task, hears no, and fails what has just been resumed.
    - A task whose runner was killed between the queue and its first report waits until the scheduler is started
      again: Airflow asks to revoke what waits for longer than ``task_queued_timeout``, and to queue it again.
    - More tasks are handed over than there are runners. Those that wait behind long ones look just like that; the
      third time Airflow fails them.

    The first is apache/airflow#71580 and #72716 (change #71579), the others #71914, with which LocalExecutor records
    what it hands over. Review at apache-airflow-core 3.4: with both changes this class goes.
    """

    runs: Counter[TaskInstanceKey]

    def start(self) -> None:
        self.runs = Counter()
        self._handed: list[float] = []
        super().start()

    @property
    def slots_available(self) -> int:
        return int(super().slots_available) - self._at_work()

    @property
    def slots_occupied(self) -> int:
        return int(super().slots_occupied) + self._at_work()

    def _at_work(self) -> int:
        """Busy runners, and workloads that wait for a runner. Killed runners do not count."""
        since = time.monotonic() - _TITLED_SECONDS
        self._handed = [at for at in self._handed if at > since]
        return int(self._unread_messages.value) + len(self._handed) + sum(map(_works, self.workers))

    def has_task(self, task_instance: Any) -> bool:
        return super().has_task(task_instance) or task_instance.key in self.runs

    def _process_workloads(self, workload_list: Sequence[ExecutorWorkload]) -> None:
        super()._process_workloads(workload_list)  # type: ignore[no-untyped-call]
        self.runs.update(workload.ti.key for workload in workload_list if isinstance(workload, ExecuteTask))
        self._handed += [time.monotonic()] * len(workload_list)

    def change_state(self, key: Any, state: Any, info: Any = None, remove_running: bool = True) -> None:
        super().change_state(key, state, info, remove_running)
        if self.runs[key] > 1:
            self.runs[key] -= 1
        else:
            del self.runs[key]

    def revoke_task(self, *, ti: Any) -> None:
        """Lets Airflow queue the task again. Should a runner have it after all, its API lets only one of the two run;
        the other's end is no end of the task, so the runner that was given up still counts."""
        self.queued_tasks.pop(ti.key, None)


def _works(pid: int) -> bool:
    """Whether a runner has work, which is in its title."""
    try:
        title = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:  # it was killed
        return False
    return title.startswith("airflow worker -- LocalExecutor:") and "<idle>" not in title
