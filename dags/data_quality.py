"""### Checks the data of every election, on a schedule

Every vote must have a voter, a candidate and a contest of its own election, contests must have the voters that are
registered, and nobody may have two votes. A broken rule fails the run; its message has the figures. The data are
left as they are: look at them with the read-only login that `election status` names, before anything is certified.
"""

from datetime import timedelta

from airflow.sdk import dag, task


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
    def check_integrity() -> list[str]:
        from election.orchestration.connections import platform
        from election.quality import check_elections

        return check_elections(platform())

    check_integrity()


data_quality()
