"""Airflow's scheduler, which preloads slow imports of its tasks: ``python -m election.orchestration.scheduler
airflow scheduler``.

The LocalExecutor's tasks are forked from the scheduler. Great Expectations takes seconds to import, the other modules
half a second, which every task of every run would spend again; forked tasks find them there. Airflow has no setting for
it, and no issue is known. Review at apache-airflow-core 3.4: can a setting name modules to import first?

Two kinds stay out. Polars starts threads when it is imported, which a fork does not take along. The form lists the
scenarios that there are when it is imported.
"""

import sys
from importlib import import_module

from airflow.__main__ import main

AHEAD = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.execution_time.supervisor",
    "election.orchestration.casting",
    "election.orchestration.certification",
    "election.orchestration.evidence",
    "election.orchestration.quality",
    "election.orchestration.tally",
    "election.count",
    "election.evidence.package",
    "election.quality.validating",
)

if __name__ == "__main__":
    for module in AHEAD:
        import_module(module)
    sys.argv = sys.argv[1:]
    main()  # type: ignore[no-untyped-call]
