"""### Validates the data of every election, on a schedule

Looks at every election whose poll has opened, certified ones too, refused ones not: at what is expected of its tables,
its topics, its totals and the stream (`docs/quality.md` lists the expectations). While a poll is open, totals may lag
behind the table but not be ahead; once it is counted, they must be equal, key by key. The data are left as they are.

On schedule it looks at what has changed since it last looked: rows and messages that are new; at everything, if older
rows were changed or deleted or the new part is not in order. Started by hand it looks at everything.

A critical expectation that is not met fails the run: the message names it, how many rows, some keys, what to do, and
the report. Warnings are in the log, in the XCom `findings` and in the report.
"""

from datetime import timedelta

from airflow.sdk import dag, get_current_context, task


@dag(
    dag_id="data_quality",
    schedule=timedelta(minutes=15),
    catchup=False,
    max_active_runs=1,
    tags=["election", "quality"],
    doc_md=__doc__,
    default_args={"owner": "election-data", "retries": 1, "retry_delay": timedelta(seconds=30)},
)
def data_quality() -> None:
    @task(execution_timeout=timedelta(minutes=30))
    def validate() -> list[str]:
        from election.orchestration.quality import validate_all

        return validate_all(get_current_context())

    validate()


data_quality()
