"""### Rehearses an audit of a counted election

The papers were laid down before the count: start the election with **box**, or run `election audit box SLUG` while its
poll is open. This run commits to the count, waits for the seed, and takes rounds until each contest is confirmed or
counted by hand.

| task | what happens | what people do |
|---|---|---|
| **begin** | commits to the newest head of the log | |
| **seed** | waits for 20 digits | `election audit seed SLUG DIGITS --by NAME`, two persons at least |
| **rounds** | waits until the audit is over | `election audit draw`, `papers`, `enter`, `risk`, `hand-count` |
| **signature** | waits for a signature | `election audit sign-off SLUG --reason "…"`, a decider |
| **write_report** | writes the report under `var/results/SLUG/audit` | |

With **simulate**, the run throws the dice and reads the papers itself; only the signature waits for a person.
`election audit status SLUG` says what comes next. What an audit of invented voters shows: `docs/audit.md`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task

from election.orchestration.defaults import OPERATED
from election.orchestration.form import AUDIT

# A waiting task holds no worker slot between two checks.
_WAITS: dict[str, Any] = {"mode": "reschedule", "poke_interval": 10, "timeout": timedelta(days=30).total_seconds()}


@task
def begin() -> int:
    from election.orchestration.audit import begin

    return begin(get_current_context())


@task.sensor(**_WAITS)
def seed() -> bool:
    from election.orchestration.audit import seed_is_complete

    return seed_is_complete(get_current_context())


@task.sensor(**_WAITS)
def rounds() -> bool:
    from election.orchestration.audit import is_over

    return is_over(get_current_context())


@task.sensor(**_WAITS)
def signature() -> bool:
    from election.orchestration.audit import is_signed

    return is_signed()


@task
def write_report() -> str:
    from election.orchestration.audit import write_report

    return write_report()


@dag(
    dag_id="audit",
    schedule=None,
    catchup=False,
    max_active_runs=2,
    params=AUDIT,
    tags=["election", "certification"],
    doc_md=__doc__,
    default_args=OPERATED | {"execution_timeout": timedelta(hours=1)},
)
def audit() -> None:
    begin() >> seed() >> rounds() >> signature() >> write_report()


audit()
