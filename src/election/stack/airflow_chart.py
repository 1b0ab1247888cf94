"""Values for Airflow's official Helm chart: ``python -m election.stack.airflow_chart`` prints them.

Configuration and users come from where the other stacks have theirs, so that no option is written twice.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from election.settings import Settings
from election.stack.airflow_configuration import LOCAL_EXECUTOR, POD_EXECUTOR, options

_HEAD = """\
# Values of Airflow's chart, for those who run Airflow by it instead of ../platform/airflow.yaml. Made by
#   python -m election.stack.airflow_chart > deploy/kubernetes/earnest/airflow-values.yaml
#   helm install airflow apache-airflow/airflow --namespace election --values THIS-FILE
# docs/kubernetes.md says which Secrets it refers to, and what was tried.
"""
_FOLDERS = {"airflow-logs": "airflow/logs", "tally": "tally", "results": "results", "data-docs": "data-docs"}
_CHARTS_OWN = ("executor", "dags_folder")
"""Options that the chart sets from other values."""


def values() -> dict[str, Any]:
    """The chart's values. They hold no secret, only names of Secrets."""
    root = Path("/opt/election")
    settings = Settings.model_validate(
        {
            "root": root,
            "var": root / "var",
            "runtime": "kubernetes",
            "host": "0.0.0.0",
            "airflow_host": "airflow-api-server",
            "scheduler_health_port": 8974,
        }
    )
    sections = {
        section: {name: str(value) for name, value in found.items() if name not in _CHARTS_OWN}
        for section, found in options(settings).items()
    }
    for name in ("worker_container_repository", "worker_container_tag"):
        del sections["kubernetes_executor"][name]  # of images.pod_template
    image = {"repository": "election-platform", "tag": "local"}
    no_groomer = {"logGroomerSidecar": {"enabled": False}}  # it starts a program of the official image
    account = {"serviceAccount": {"create": False, "name": "airflow"}}
    return {
        "airflowVersion": version("apache-airflow"),
        "defaultAirflowRepository": image["repository"],
        "defaultAirflowTag": image["tag"],
        "images": {"airflow": image, "pod_template": image},
        "airflowHome": str(settings.var / "airflow"),
        "uid": 10001,
        "gid": 10001,
        "executor": f"{LOCAL_EXECUTOR},{POD_EXECUTOR}",
        "ports": {"apiServer": settings.airflow_port},
        "config": sections,
        "data": {"metadataSecretName": "airflow-metadata"},
        "fernetKeySecretName": "airflow-fernet-key",
        "jwtSecretName": "airflow-jwt",
        "apiSecretKeySecretName": "airflow-api-secret-key",
        "postgresql": {"enabled": False},
        "redis": {"enabled": False},
        "statsd": {"enabled": False},
        # The simple auth manager's users are in `config`, their passwords in a file of a Secret.
        "createUserJob": {"enabled": False},
        "dags": {"persistence": {"enabled": False}, "gitSync": {"enabled": False}},
        "logs": {"persistence": {"enabled": True, "existingClaim": "airflow-logs"}},
        "extraEnvFrom": "- configMapRef: {name: settings}\n",
        "volumes": [
            {"name": "secrets", "secret": {"secretName": "election", "defaultMode": 0o440}},
            {"name": "passwords", "secret": {"secretName": "airflow-passwords", "defaultMode": 0o440}},
            {"name": "pods", "configMap": {"name": "pods"}},
            *(
                {"name": claim, "persistentVolumeClaim": {"claimName": claim}}
                for claim in _FOLDERS
                if claim != "airflow-logs"
            ),
        ],
        "volumeMounts": [
            {"name": "secrets", "mountPath": "/run/secrets/election", "readOnly": True},
            {
                "name": "passwords",
                "mountPath": str(settings.var / "airflow" / "passwords.json"),
                "subPath": "passwords.json",
                "readOnly": True,
            },
            {"name": "pods", "mountPath": "/etc/election/pods", "readOnly": True},
            *(
                {"name": claim, "mountPath": str(settings.var / folder)}
                for claim, folder in _FOLDERS.items()
                if claim != "airflow-logs"
            ),
        ],
        "scheduler": {**no_groomer, **account},
        "triggerer": {**no_groomer, **account, "persistence": {"enabled": False}},
        "dagProcessor": no_groomer,
        "securityContexts": {
            "pod": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        },
    }


def page() -> str:
    """The text of the file. JSON is YAML, in which no text is taken for a number."""
    return f"{_HEAD}{json.dumps(values(), indent=2)}\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
