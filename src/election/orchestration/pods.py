"""Which tasks get a pod of their own where the platform runs on Kubernetes."""

from election.settings import Settings

LONG_TASKS = "KubernetesExecutor" if Settings().runtime == "kubernetes" else None
"""The executor of tasks that take longer than the ten seconds in which a pod starts; elsewhere the usual one."""
