"""The objects of a kustomization as kubectl renders them, and the pods that they describe."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from election.settings import PROJECT

FOLDER = PROJECT / "deploy" / "kubernetes"
TEMPLATES = FOLDER / "platform" / "pods"
Object = dict[str, Any]


@cache
def rendered(folder: str) -> list[Object]:
    """The objects of the kustomization ``deploy/kubernetes/FOLDER``, or of a path below the project."""
    path = FOLDER / folder if (FOLDER / folder).exists() else PROJECT / folder
    kubectl = shutil.which("kubectl", path=os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ["PATH"]]))
    assert kubectl is not None, "make setup installs kubectl"
    answer = subprocess.run([kubectl, "kustomize", path], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return list(yaml.safe_load_all(answer.stdout))


def templates() -> list[Object]:
    """The templates from which the platform's own pods start others: tasks, the tally's driver and executors."""
    return [yaml.safe_load(file.read_text()) for file in sorted(TEMPLATES.glob("*.yaml"))]


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Each pod's name and specification, from workloads and templates."""
    for found in objects:
        if found["kind"] == "Pod":
            yield found["metadata"]["labels"]["app.kubernetes.io/name"], found["spec"]
        elif found["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield found["metadata"]["name"], found["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [found for found in objects if found["kind"] in kinds]
