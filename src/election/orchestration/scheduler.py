"""Airflow's scheduler, which preloads slow imports of its tasks: ``python -m election.orchestration.scheduler
airflow scheduler``.

The LocalExecutor's tasks are forked from the scheduler. Great Expectations takes seconds to import, which every gate of
every run would spend again; forked tasks find it there. Airflow has no setting for it, and no issue is known. Review at
apache-airflow-core 3.4: can a setting name modules to import first?
"""

import sys

from airflow.__main__ import main

if __name__ == "__main__":
    import election.quality.validating  # noqa: F401 - for the tasks

    sys.argv = sys.argv[1:]
    main()  # type: ignore[no-untyped-call]
