"""What the DAGs that a person starts have in common."""

from datetime import timedelta
from typing import Any

from election.orchestration.failures import HOPELESS
from election.orchestration.notification import at_a_gate

OPERATED: dict[str, Any] = {
    "owner": "election-operations",
    "retries": 1,
    "retry_delay": timedelta(seconds=10),
    "retry_policy": HOPELESS,
    "on_failure_callback": at_a_gate(),
}
"""``default_args``: bad input is not tried again, and a task that fails for good notifies as a gate does."""
