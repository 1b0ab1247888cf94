"""A linter of pods: each policy is a sentence, and a function that finds what breaks it.

The first ones are the Pod Security Standard "restricted" (kubernetes.io/docs/concepts/security/pod-security-standards),
which the namespace enforces. The others are ours.
"""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from tests.kubernetes.manifests import Object, containers

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
ACCOUNTS = {"airflow-scheduler", "airflow-triggerer", "election", "tally-driver"}
"""Pods that talk to the API server."""
SIZED_BY_SPARK = {"tally-driver", "tally-executor"}
UNWATCHED = {"init", "election", "task", *SIZED_BY_SPARK}
"""They serve nothing, or what started them watches them."""

Policy = Callable[[str, Object], Iterator[str]]


def not_root(_name: str, pod: Object) -> Iterator[str]:
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield "the pod may run as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "the pod has no seccomp profile"
    for container in containers(pod):
        own = container.get("securityContext", {})
        if own.get("runAsUser", 1) == 0 or own.get("runAsNonRoot") is False:
            yield f"{container['name']} runs as root"


def no_privileges(_name: str, pod: Object) -> Iterator[str]:
    for container in containers(pod):
        security = container.get("securityContext", {})
        if security.get("privileged") or security.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        if security.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{container['name']} has capabilities"


def nothing_of_the_host(_name: str, pod: Object) -> Iterator[str]:
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace") if pod.get(name))
    for container in containers(pod):
        yield from (f"port {port['hostPort']}" for port in container.get("ports", []) if "hostPort" in port)
    for volume in pod.get("volumes", []):
        yield from volume.keys() - VOLUMES - {"name"}


def read_only_root(_name: str, pod: Object) -> Iterator[str]:
    for container in containers(pod):
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} may write on its image"


def bounded(name: str, pod: Object) -> Iterator[str]:
    for volume in pod.get("volumes", []):
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"{volume['name']} may fill the node's disk"
    if name in SIZED_BY_SPARK:
        return
    for container in containers(pod):
        resources = container.get("resources", {})
        if not resources.get("requests", {}).keys() >= {"cpu", "memory"} or "memory" not in resources.get("limits", {}):
            yield f"{container['name']} has no reserved processor or memory, or no limit of memory"


def folders_are_its_own(_name: str, pod: Object) -> Iterator[str]:
    """A folder that the runtime makes inside a volume, to mount another one there, belongs to root."""
    for container in containers(pod):
        mounted = [PurePosixPath(mount["mountPath"]) for mount in container.get("volumeMounts", [])]
        for path in mounted:
            if any(other in path.parents for other in mounted) and path.parent not in mounted:
                yield f"{path.parent} belongs to root"


def account_only_where_needed(name: str, pod: Object) -> Iterator[str]:
    if pod.get("automountServiceAccountToken") is not (name in ACCOUNTS):
        yield "an account is mounted that it does not need, or none that it needs"


def no_secret_in_the_environment(_name: str, pod: Object) -> Iterator[str]:
    for container in containers(pod):
        if any("secretRef" in source for source in container.get("envFrom", [])):
            yield f"{container['name']} has secrets in its environment"
        for variable in container.get("env", []):
            named = "PASSWORD" in variable["name"] and not variable["name"].endswith("_FILE")
            if named or "secretKeyRef" in variable.get("valueFrom", {}):
                yield variable["name"]


def secrets_are_private(_name: str, pod: Object) -> Iterator[str]:
    for volume in pod.get("volumes", []):
        if "secret" in volume and volume["secret"].get("defaultMode") != 0o440:
            yield f"everybody may read {volume['name']}"


def no_links_to_services(_name: str, pod: Object) -> Iterator[str]:
    if pod.get("enableServiceLinks") is not False:
        yield "variables such as KAFKA_PORT are taken for settings"


def watched(name: str, pod: Object) -> Iterator[str]:
    if name not in UNWATCHED and "readinessProbe" not in pod["containers"][0]:
        yield "nothing says whether it answers"


def a_fixed_version(_name: str, pod: Object) -> Iterator[str]:
    for container in containers(pod):
        image, _, tag = container["image"].partition(":")
        if tag in ("", "latest") and image != "election-platform":
            yield image


POLICIES: tuple[Policy, ...] = (
    not_root,
    no_privileges,
    nothing_of_the_host,
    read_only_root,
    bounded,
    folders_are_its_own,
    account_only_where_needed,
    no_secret_in_the_environment,
    secrets_are_private,
    no_links_to_services,
    watched,
    a_fixed_version,
)
