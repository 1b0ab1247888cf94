"""### Counts a certified election's ballots again

Counts the votes table again, and `votes_topic` ballot by ballot, and compares both with the certified result, which
does not change. The verdict is kept with the election's other verdicts; a failed run names the differences.

| difference | what it means |
|---|---|
| a ballot is missing from `votes_topic` | `election republish SLUG` puts it there again; then start this again |
| a ballot is forged or altered | the topic was tampered with; the certified result does not come from it |
| the number of stored ballots is not the certified one | the database's owner changed it: compare it with a backup |

`election recount SLUG` does the same from the command line.
"""

from datetime import timedelta

from airflow.sdk import dag, get_current_context, task

from election.orchestration.defaults import OPERATED
from election.orchestration.form import RECOUNT


@dag(
    dag_id="recount",
    schedule=None,
    catchup=False,
    max_active_runs=2,
    params=RECOUNT,
    tags=["election", "certification"],
    doc_md=__doc__,
    default_args=OPERATED | {"execution_timeout": timedelta(hours=2)},
)
def recount() -> None:
    @task
    def count_again() -> None:
        from election.orchestration.certification import count_again

        count_again(get_current_context())

    count_again()


recount()
