"""The platform in the cluster of KUBECONFIG. Its image has to be there (`make kube-demo` builds it and brings it in).

Where the cluster cannot pull images, KUSTOMIZATION=tests/kubernetes/stand-ins installs the stand-ins of tests/compose.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from election.settings import PROJECT
from tests.kubernetes.manifests import of_kind, rendered

NAMESPACE = "election"


@dataclass(frozen=True)
class Cluster:
    """``kubectl`` in the platform's namespace, and the platform's own command line in its pod."""

    kustomization: str

    def kubectl(self, *arguments: str, given: str = "", check: bool = True, timeout: float = 900) -> str:
        """What kubectl printed. Raises AssertionError with all of it when it fails."""
        return self._run("kubectl", "--namespace", NAMESPACE, *arguments, given=given, check=check, timeout=timeout)

    def election(self, *arguments: str, check: bool = True) -> str:
        return self.kubectl("exec", "deploy/election", "--", "election", *arguments, check=check)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "--output", "json"))

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """The pods that run, by a label."""
        found = self.json("get", "pods", "--selector", selector)["items"]
        return [
            pod for pod in found if pod["status"]["phase"] == "Running" and not pod["metadata"].get("deletionTimestamp")
        ]

    def install(self) -> str:
        return self._run("deploy/kubernetes/install", self.kustomization, check=True, timeout=1800)

    def _run(self, *command: str, given: str = "", check: bool, timeout: float) -> str:
        path = os.pathsep.join([str(Path(sys.prefix, "bin")), os.environ["PATH"]])
        answer = subprocess.run(
            command, cwd=PROJECT, env=os.environ | {"PATH": path}, input=given, capture_output=True, text=True,
            check=False, timeout=timeout,
        )  # fmt: skip
        assert not check or answer.returncode == 0, (
            f"{command} ended with {answer.returncode}:\n{answer.stdout}{answer.stderr}"
        )
        return answer.stdout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nothing of the platform is in it before and after."""
    if "KUBECONFIG" not in os.environ:
        pytest.skip("KUBECONFIG names no cluster")
    found = Cluster(os.environ.get("KUSTOMIZATION") or "deploy/kubernetes/trial")
    assert NAMESPACE not in found.kubectl("get", "namespaces"), f"kubectl delete namespace {NAMESPACE} first"
    volumes = "" if found.json("get", "storageclasses")["items"] else _volumes(found.kustomization)
    if volumes:
        found.kubectl("apply", "--filename", "-", given=volumes)
    try:
        yield found
    finally:
        found.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", check=False)
        if volumes:
            found.kubectl("delete", "--filename", "-", given=volumes, check=False)


def _volumes(kustomization: str) -> str:
    """Folders of this machine for the claims, in a cluster whose one node it is and which provides none."""
    root = Path(os.environ.get("KUBERNETES_VOLUMES", "/var/tmp/election-volumes"))
    objects = rendered(kustomization)
    claims = {claim["metadata"]["name"] for claim in of_kind(objects, "PersistentVolumeClaim")}
    claims |= {f"data-{found['metadata']['name']}-0" for found in of_kind(objects, "StatefulSet")}
    documents = []
    for claim in sorted(claims):
        folder = root / claim
        subprocess.run(["rm", "-rf", folder], check=True)
        folder.mkdir(parents=True)
        folder.chmod(0o777)  # the node's own provisioners do the same
        documents.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"{NAMESPACE}-{claim}"},
                "spec": {
                    "capacity": {"storage": "100Gi"},
                    "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"name": claim, "namespace": NAMESPACE},
                    "hostPath": {"path": str(folder)},
                },
            }
        )
    return str(yaml.safe_dump_all(documents))
