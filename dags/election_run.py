"""### Runs one election from its registration to the verdict

Start it with **Trigger** and fill in the form; the defaults replay one constituency of the UK general election of 2019.

| stage | what happens | when it fails |
|---|---|---|
| **prepare** | creates tables and topics, registers the election | the message says what to mend; nothing was written |
| **electorate** | candidates and voters go into Postgres and are checked | clear it: it goes on where it stopped |
| **publication** | voters and candidates go to their topics | clear it; casting waits for all of it |
| **casting** | every voter is offered the ballot; it is stored, then published | clear it; each counts once |
| **count** | waits until the stream has counted every stored ballot | look at `tally_stream`; it restarts by itself |
| **reconciliation** | ballots, totals, tables and official figures must agree: a gate | the message lists differences |
| **certification** | waits for *Certify* or *Refuse* under *Required Actions* | clear `decide`: it asks again |
| **result** | writes the certified result to files | clear it |

**electorate**, **casting** and **count** end in a gate, `validate`: expectations of tables and topics. When a critical
one is not met, the message names it, how many rows, some keys, what to do and the report; mend it and clear the gate.
`election validate SLUG --checkpoint casting` looks again on the spot.

The message of a failed **prepare** names the parameter, or the scenario's file and line. `election reconcile SLUG`
recomputes what the gate found, on the spot.

Certifying freezes the result: afterwards the database refuses every change to the election. A refusal ends the run as
failed, with its reason. An answer without a reason decides nothing, nor does marking the question success by hand.

With **ballots** `external` the casting workers take what a feed puts on `ballots_topic` until you answer
`casting.close_when_told` under *Required Actions*.

Every task can be cleared, and so can the whole run: what was done is found and not done again.
"""

from datetime import timedelta
from typing import Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import TaskGroup, XComArg, dag, get_current_context, task, task_group

from election.orchestration.decision import DecisionOperator
from election.orchestration.failures import say_what_next
from election.orchestration.form import DECISION, ELECTION_RUN
from election.orchestration.notification import at_a_gate, at_the_end
from election.orchestration.stages import documentation
from election.quality import Checkpoint

# A gate that says no says so at once.
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


def prepare() -> XComArg:
    tooltip = "Tables, topics, and the election's registration"
    with TaskGroup("prepare", tooltip=tooltip, doc_md=documentation("prepare")):
        slug = register()
        [create_tables(), create_topics()] >> slug
    return slug


@task(execution_timeout=timedelta(hours=1))  # randomuser.me may make each of seven tries wait five minutes
def seed_candidates(slug: str) -> int:
    from election.electorate import seed_candidates
    from election.orchestration.connections import platform

    return seed_candidates(platform(), slug)


@task(execution_timeout=timedelta(hours=6))
def seed_voters(slug: str) -> int:
    from election.electorate import seed_voters
    from election.orchestration.connections import platform

    return seed_voters(platform(), slug)


@task(on_failure_callback=at_a_gate(), execution_timeout=timedelta(hours=1))
def check_electorate(slug: str) -> dict[str, Any]:
    from election.electorate import check_electorate
    from election.orchestration.connections import platform

    return check_electorate(platform(), slug)


@task(**GATE, execution_timeout=timedelta(hours=1))
def validate(slug: str, checkpoint: Checkpoint) -> str:
    from election.orchestration.quality import validate

    return validate(get_current_context(), slug, checkpoint)


@task_group(
    tooltip="Candidates and voters in Postgres. Gate: the expectations of the electorate are met",
    doc_md=documentation("electorate"),
)
def electorate(slug: str) -> None:
    seed_candidates(slug) >> seed_voters(slug) >> check_electorate(slug) >> validate(slug, "electorate")


@task
def publish_candidates(slug: str) -> int:
    from election.orchestration.connections import platform
    from election.publication import publish_candidates

    return publish_candidates(platform(), slug)


@task(execution_timeout=timedelta(hours=2))
def publish_voters(slug: str) -> int:
    from election.orchestration.connections import platform
    from election.publication import publish_voters

    return publish_voters(platform(), slug)


@task_group(tooltip="Voters and candidates on their topics", doc_md=documentation("publication"))
def publication(slug: str) -> None:
    publish_candidates(slug)
    publish_voters(slug)


@task
def open_poll(slug: str) -> list[int]:
    from election.casting import open_poll
    from election.orchestration.connections import platform

    open_poll(platform(), slug)
    return list(range(get_current_context()["params"]["workers"]))


# A feed's poll is open for as long as the operator leaves it so; each end of this time would take one of the tries.
# Airflow here has 16 runners: however many nights and feeds there are, four are left for what else has to go on.
@task(task_id="cast", execution_timeout=timedelta(days=30), max_active_tis_per_dag=12)
def cast_ballots(slug: str, worker: int) -> dict[str, Any]:
    from election.orchestration.casting import cast
    from election.orchestration.connections import platform

    return cast(platform(), slug, worker, get_current_context()["params"]["rate"])


@task.short_circuit(ignore_downstream_trigger_rules=False)
def takes_ballots_from_outside() -> bool:
    return bool(get_current_context()["params"]["ballots"] == "external")


def close_when_told(slug: str) -> HITLOperator:
    return HITLOperator(
        task_id="close_when_told",
        subject=f"Close the poll of {slug}?",
        body="What is on `ballots_topic` by then is taken in; a ballot that comes later is rejected as late.",
        options=["Close the poll"],
        execution_timeout=None,  # the night takes as long as it takes
    )


# Where voters are simulated nobody is asked, and the poll closes when every voter was offered the ballot.
@task(trigger_rule="none_failed")
def close_poll(slug: str) -> None:
    from election.casting import close_poll
    from election.orchestration.connections import platform

    close_poll(platform(), slug)


@task_group(
    tooltip="Every voter is offered the ballot. Gate: votes and ballots are what is expected",
    doc_md=documentation("casting"),
)
def casting(slug: str) -> None:
    opened, closed = open_poll(slug), close_poll(slug)
    cast_ballots.partial(slug=slug).expand(worker=opened) >> closed
    end_feed = close_poll.override(task_id="end_feed", trigger_rule="all_success")(slug)
    opened >> takes_ballots_from_outside() >> close_when_told(slug) >> end_feed >> closed
    closed >> validate(slug, "casting")


@task(execution_timeout=timedelta(hours=2))
def wait_until_counted(slug: str) -> dict[str, Any]:
    from election.count import wait_until_counted
    from election.orchestration.connections import platform

    return wait_until_counted(platform(), slug)


@task_group(
    tooltip="The stream counts every stored ballot. Gate: the totals are what the votes give",
    doc_md=documentation("count"),
)
def count(slug: str) -> None:
    wait_until_counted(slug) >> validate(slug, "count")


@task(**GATE, execution_timeout=timedelta(hours=2))
def reconcile(slug: str) -> None:
    from election.casting import reject_late
    from election.orchestration.connections import platform
    from election.reconciliation import reconcile, record

    # The feed may have gone on while the votes were counted.
    reject_late(platform(), slug)
    verdict = reconcile(platform(), slug)
    record(platform(), slug, verdict)
    verdict.require_ok()


@task_group(tooltip="Gate: everything must agree", doc_md=documentation("reconciliation"))
def reconciliation(slug: str) -> None:
    reconcile(slug)


@task.branch
def who_decides(slug: str) -> str:
    from election.orchestration.certification import who_decides

    return who_decides(get_current_context(), slug)


@task
def certify_unasked(slug: str) -> None:
    from election.orchestration.certification import certify_unasked

    certify_unasked(get_current_context(), slug)


@task(**GATE, trigger_rule="none_failed")
def certified(slug: str) -> str:
    from election.orchestration.certification import require_certified

    return require_certified(slug)


@task_group(tooltip="A person certifies or refuses", doc_md=documentation("certification"))
def certification(slug: str) -> None:
    decide = DecisionOperator(task_id="decide", slug=slug, params=DECISION, on_failure_callback=at_a_gate())
    gate = certified(slug)
    unasked = certify_unasked(slug)
    who_decides(slug) >> [decide, unasked, gate]
    [decide, unasked] >> gate


@task
def export_results(slug: str) -> str:
    from election.orchestration.connections import platform
    from election.results import export

    return str(export(platform(), slug))


@task_group(tooltip="The result", doc_md=documentation("result"))
def result(slug: str) -> None:
    export_results(slug)


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
    default_args={
        "owner": "election-operations",
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "on_failure_callback": [say_what_next],
        # Long enough for what takes a while; tasks whose time grows with the electorate have more.
        "execution_timeout": timedelta(minutes=15),
    },
)
def election_run() -> None:
    # Until a task runs, the slug is a reference to what `register` returns.
    slug = cast(str, prepare())
    to_the_count = electorate(slug) >> publication(slug) >> casting(slug) >> count(slug)
    to_the_count >> reconciliation(slug) >> certification(slug) >> result(slug)


election_run()
