"""### Validates the data of every election, on a schedule

Validates every election whose poll has opened, certified ones too, except refused ones. It checks the expectations of
tables, topics, totals and the tally (`docs/expectations.md` lists them). While a poll is open, totals may lag behind
the table but not be ahead. Once the election is counted, they must be equal, key by key. The run changes no data.

A scheduled run validates only rows and messages that are new since the last run. It validates everything if older rows
were changed or deleted, or if the new part fails. A run that is started by hand validates everything.

A critical expectation that fails also fails the run. The message names it, the number of rows, some keys, what to do,
and the report. Warnings are in the log, in the XCom `findings` and in the report.
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
