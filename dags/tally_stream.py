"""### Keeps the tally running

Submits the Spark job that counts votes as they arrive on `votes_topic`, and watches it. It runs for weeks, across
elections, and needs no attention: while the driver runs, the task `count` is *deferred* and takes no worker slot.
When the driver dies, the task fails with the driver's last error in its log and is tried again. The next driver resumes
exactly where the last finished batch ended. On the native stack it usually runs again by then; in containers the next
try starts it. Nothing is lost or counted twice.

| to do this | do that |
|---|---|
| see its state | the link *Spark UI* under the task's *Details*, or `election tally status` |
| stop it cleanly | `election tally stop`; or pause this DAG, then mark the task *success* |
| start it again | unpause this DAG, or `election tally start` |
| count from the beginning | `election tally rebuild`: counts all votes again; shown totals never go down |

Clearing the task is harmless: it finds the running driver again. Marking the task while this DAG is not paused stops
the tally, and the next run starts it again at once. The tally refuses a checkpoint that belongs to another topic or
another version of the query, or that lost files. The log says what to do, and after three refusals this DAG pauses
itself. A rebuild unpauses it.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag

from election.orchestration.tally import TallyOperator


@dag(
    dag_id="tally_stream",
    schedule="@continuous",
    # Without a date in the past, the first two runs would have the same logical date, and the second would not start.
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    max_consecutive_failed_dag_runs=3,
    catchup=False,
    tags=["election", "count"],
    doc_md=__doc__,
    default_args={"owner": "election-data", "retries": 10_000, "retry_delay": timedelta(seconds=1)},
)
def tally_stream() -> None:
    TallyOperator(task_id="count", conn_id="election_spark")


tally_stream()
