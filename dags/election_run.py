"""### Runs one election from its registration to the verdict

Start it with **Trigger** and fill in the form; the defaults replay one constituency of the UK general election of 2019.

| stage | what happens | when it fails |
|---|---|---|
| **prepare** | creates tables and topics, registers the election | correct what the message names; nothing is written |
| **electorate** | candidates and voters go into Postgres and are checked | clear it: it continues where it stopped |
| **publication** | voters and candidates go to their topics | clear it; casting waits for all of it |
| **casting** | every voter is offered the ballot; it is stored, published and sealed | clear it; each counts once |
| **count** | waits until the tally has counted every stored ballot | look at `tally_stream`; it restarts by itself |
| **reconciliation** | seals the ballots' log; all figures must agree: a gate | the message lists differences |
| **certification** | waits for *Certify* or *Refuse* under *Required Actions* | clear `decide`: it asks again |
| **result** | writes the certified result and its package to files | clear it |

**electorate**, **casting** and **count** end in a gate, `validate`: expectations of tables and topics. When a critical
one fails, the message names it, the number of rows, some keys, what to do and the report. Fix it and clear the gate.
`election validate SLUG --checkpoint casting` checks again at once.

The message of a failed **prepare** names the parameter, or the scenario's file and line. `election reconcile SLUG`
compares again at once.

Certifying freezes the result: afterwards the database refuses every change to the election. A refusal ends the run as
failed, with its reason. An answer without a reason decides nothing, nor does marking the question success by hand.

With **ballots** `external` the casting workers take what a feed puts on `ballots_topic` until you answer
`casting.close_when_told` under *Required Actions*.

Every task can be cleared, and so can the whole run: finished work is recognised and not repeated.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task, task_group

from election.orchestration.decision import ClosingOperator, DecisionOperator
from election.orchestration.defaults import OPERATED
from election.orchestration.failures import say_what_next
from election.orchestration.form import ELECTION_RUN, decision_form
from election.orchestration.notification import at_a_gate, at_the_end
from election.orchestration.pods import LONG_TASKS
from election.orchestration.stages import documentation
from election.quality import Checkpoint

# A gate that fails is not retried.
GATE: dict[str, Any] = {"retries": 0, "on_failure_callback": at_a_gate()}


@task
def create_tables() -> None:
    from election.orchestration.connections import platform
    from election.preparation import create_tables

    create_tables(platform())


@task
def create_topics() -> None:
    from election.messaging.topics import create_topics
    from election.orchestration.connections import platform

    create_topics(platform())


@task
def register() -> str:
    from election.orchestration.runs import register

    return register(get_current_context())


@task_group(tooltip="Tables, topics, and the election's registration", doc_md=documentation("prepare"))
def prepare() -> None:
    [create_tables(), create_topics()] >> register()


@task(execution_timeout=timedelta(hours=1))  # randomuser.me may make each of seven tries wait five minutes
def seed_candidates() -> int:
    from election.electorate import seed_candidates
    from election.orchestration.runs import this_election

    return seed_candidates(*this_election())


@task(execution_timeout=timedelta(hours=6))
def seed_voters() -> int:
    from election.electorate import seed_voters
    from election.orchestration.runs import this_election

    return seed_voters(*this_election())


@task(on_failure_callback=at_a_gate(), execution_timeout=timedelta(hours=1))
def check_electorate() -> dict[str, Any]:
    from election.electorate import check_electorate
    from election.orchestration.runs import this_election

    return check_electorate(*this_election())


@task(**GATE, execution_timeout=timedelta(hours=1))
def validate(checkpoint: Checkpoint) -> str:
    from election.orchestration.quality import validate

    return validate(get_current_context(), checkpoint)


@task_group(
    tooltip="Candidates and voters in Postgres. Gate: the expectations of the electorate are met",
    doc_md=documentation("electorate"),
)
def electorate() -> None:
    [seed_candidates(), seed_voters()] >> check_electorate() >> validate("electorate")


@task
def publish_candidates() -> int:
    from election.orchestration.runs import this_election
    from election.publication import publish_candidates

    return publish_candidates(*this_election())


@task(execution_timeout=timedelta(hours=2))
def publish_voters() -> int:
    from election.orchestration.runs import this_election
    from election.publication import publish_voters

    return publish_voters(*this_election())


@task_group(tooltip="Voters and candidates on their topics", doc_md=documentation("publication"))
def publication() -> None:
    publish_candidates()
    publish_voters()


@task
def open_poll() -> list[int]:
    from election.casting import open_poll
    from election.orchestration.runs import this_election

    open_poll(*this_election())
    return list(range(get_current_context()["params"]["workers"]))


# A feed's poll stays open until the operator closes it, and each timeout would use up one try.
# Airflow has 16 runners here, so that casting always leaves four for other tasks.
@task(task_id="cast", execution_timeout=timedelta(days=30), max_active_tis_per_dag=12, executor=LONG_TASKS)
def cast_ballots(worker: int) -> dict[str, Any]:
    from election.orchestration.casting import cast
    from election.orchestration.runs import this_election

    return cast(*this_election(), worker, get_current_context()["params"]["rate"])


# Outsiders can keep heads while the poll is open. No later log may contradict a head that they hold.
@task(execution_timeout=timedelta(days=30))
def seal() -> dict[str, Any] | None:
    from election.orchestration.evidence import seal_until_closed

    return seal_until_closed(get_current_context())


# It must end before the count is over; otherwise the papers say nothing about the count.
@task(execution_timeout=timedelta(hours=2))
def lay_down_papers() -> dict[str, int] | None:
    from election.orchestration.audit import lay_down

    return lay_down(get_current_context())


@task.short_circuit(ignore_downstream_trigger_rules=False)
def takes_ballots_from_outside() -> bool:
    return bool(get_current_context()["params"]["ballots"] == "external")


# With simulated voters the poll closes without a question, once every voter was offered the ballot.
@task(trigger_rule="none_failed")
def close_poll() -> None:
    from election.casting import close_poll
    from election.orchestration.runs import this_election

    close_poll(*this_election())


@task_group(
    tooltip="Every voter is offered the ballot. Gate: votes and ballots meet their expectations",
    doc_md=documentation("casting"),
)
def casting() -> None:
    opened, closed = open_poll(), close_poll()
    cast_ballots.expand(worker=opened) >> closed
    opened >> seal()
    checked = validate("casting")
    opened >> lay_down_papers() >> checked
    end_feed = close_poll.override(task_id="end_feed", trigger_rule="all_success")()
    opened >> takes_ballots_from_outside() >> ClosingOperator(task_id="close_when_told") >> end_feed >> closed
    closed >> checked


@task(execution_timeout=timedelta(hours=2))
def wait_until_counted() -> dict[str, Any]:
    from election.count import wait_until_counted
    from election.orchestration.runs import this_election

    return wait_until_counted(*this_election())


@task_group(
    tooltip="The tally counts every stored ballot. Gate: the totals equal the votes",
    doc_md=documentation("count"),
)
def count() -> None:
    wait_until_counted() >> validate("count")


@task(**GATE, execution_timeout=timedelta(hours=2))
def reconcile() -> None:
    from election.orchestration.reconciliation import seal_and_reconcile
    from election.orchestration.runs import this_election

    seal_and_reconcile(*this_election())


@task_group(tooltip="Gate: everything must agree", doc_md=documentation("reconciliation"))
def reconciliation() -> None:
    reconcile()


@task.branch
def who_decides() -> str:
    from election.orchestration.certification import who_decides

    return who_decides(get_current_context())


@task
def certify_unasked() -> None:
    from election.orchestration.certification import certify_unasked

    certify_unasked(get_current_context())


@task(**GATE, trigger_rule="none_failed")
def certified() -> str:
    from election.orchestration.certification import require_certified
    from election.orchestration.evidence import send_last_head

    made = require_certified()
    send_last_head(get_current_context())
    return made


@task_group(tooltip="A person certifies or refuses", doc_md=documentation("certification"))
def certification() -> None:
    decide = DecisionOperator(task_id="decide", params=decision_form(None), on_failure_callback=at_a_gate())
    gate = certified()
    unasked = certify_unasked()
    who_decides() >> [decide, unasked, gate]
    [decide, unasked] >> gate


@task
def export_results() -> str:
    from election.evidence import seal
    from election.evidence.package import package
    from election.orchestration.runs import this_election
    from election.results import export

    folder = export(*this_election())
    seal(*this_election())  # the journal has the documents' hashes now
    package(*this_election())
    return str(folder)


@task_group(tooltip="The result", doc_md=documentation("result"))
def result() -> None:
    export_results()


@dag(
    dag_id="election_run",
    schedule=None,
    catchup=False,
    max_active_runs=8,
    params=ELECTION_RUN,
    tags=["election"],
    doc_md=__doc__,
    on_success_callback=at_the_end("run_succeeded"),
    on_failure_callback=at_the_end("run_failed"),
    default_args=OPERATED
    | {
        "retries": 3,
        "on_failure_callback": [say_what_next],
        # Enough for a slow task. Tasks whose time grows with the electorate have longer timeouts.
        "execution_timeout": timedelta(minutes=15),
    },
)
def election_run() -> None:
    to_the_count = prepare() >> electorate() >> publication() >> casting() >> count()
    to_the_count >> reconciliation() >> certification() >> result()


election_run()
