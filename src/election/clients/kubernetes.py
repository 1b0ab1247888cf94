"""The cluster's API, as the platform's own pods use it with the account that is mounted in them."""

from pathlib import Path
from socket import gethostname
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Kubernetes mounts the pod's account here, unless the pod does without."""


def own_image() -> str:
    """The image of this pod, so that the pods that it starts run the same; empty in a pod without an account."""
    if not ACCOUNT.exists():
        return ""
    api, namespace = _connect()
    return str(api.read_namespaced_pod(gethostname(), namespace).spec.containers[0].image)


def remove_ended_drivers(application: str) -> None:
    """Removes ended driver pods of a Spark application, except the last one, whose log may still be wanted."""
    api, namespace = _connect()
    ended = api.list_namespaced_pod(
        namespace,
        label_selector=f"spark-role=driver,spark-app-name={application}",
        field_selector="status.phase!=Running,status.phase!=Pending,status.phase!=Unknown",
    ).items
    for pod in sorted(ended, key=lambda pod: pod.metadata.creation_timestamp)[:-1]:
        api.delete_namespaced_pod(pod.metadata.name, namespace)


def _connect() -> tuple[Any, str]:
    """The API of this pod's cluster, and this pod's namespace."""
    from kubernetes import client, config

    config.load_incluster_config()
    return client.CoreV1Api(), (ACCOUNT / "namespace").read_text()
