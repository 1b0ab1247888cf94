"""The manifests of deploy/kubernetes, rendered and read as text: no cluster is needed."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from election.settings import PROJECT, Settings
from election.stack.airflow import configure_task
from election.stack.airflow_chart import page
from election.stack.airflow_configuration import merged, options, secret_options, written
from election.stack.secrets import SECRETS, generate
from election.stack.services import existing
from tests.kubernetes.manifests import Object, containers, of_kind, pods, rendered, templates
from tests.kubernetes.policies import POLICIES, Policy

VERSIONS = ("1.34", "1.35", "1.36", "1.37")
PLATFORM, TRIAL = "platform", "trial"
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yaml").read_text())
ON_KUBERNETES = Settings.model_validate({"runtime": "kubernetes"})
PODS = dict(pods([*rendered(TRIAL), *templates()]))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_fits_the_schema_of_each_version(version: str) -> None:
    only_in_earnest = [found for found in rendered(PLATFORM) if found not in rendered(TRIAL)]
    for found in [*rendered(TRIAL), *only_in_earnest, *templates()]:
        kubernetes_validate.validate(found, version, strict=True)


def test_a_field_that_no_version_knows_is_found() -> None:
    wrong = copy.deepcopy(rendered(TRIAL)[0]) | {"specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_every_pod_keeps_to_the_policy(policy: Policy) -> None:
    assert {name: broken for name, pod in PODS.items() if (broken := list(policy(name, pod)))} == {}


def _without(path: str, pod: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        pod = pod[int(step) if step.isdigit() else step]
    del pod[last]


def _with(path: str, value: Any, pod: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        pod = pod[int(step) if step.isdigit() else step]
    pod[last] = value


NOT_YET = {"metrics"}  # docs/kubernetes.md says that nothing scrapes the platform there yet
OF_METRICS = {"metrics", "prometheus_web"}

BROKEN: dict[str, Callable[[Object], None]] = {
    "not_root": partial(_with, "securityContext.runAsNonRoot", False),
    "no_privileges": partial(_with, "containers.0.securityContext.capabilities", {"drop": ["ALL"], "add": ["CHOWN"]}),
    "nothing_of_the_host": lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "read_only_root": partial(_without, "containers.0.securityContext.readOnlyRootFilesystem"),
    "bounded": partial(_without, "containers.0.resources.limits"),
    "folders_are_its_own": partial(_with, "containers.0.volumeMounts.0.mountPath", "/opt/election/var/airflow/logs"),
    "account_only_where_needed": partial(_with, "automountServiceAccountToken", True),
    "no_secret_in_the_environment": partial(_with, "containers.0.envFrom", [{"secretRef": {"name": "election"}}]),
    "secrets_are_private": partial(_without, "volumes.0.secret.defaultMode"),
    "no_links_to_services": partial(_without, "enableServiceLinks"),
    "watched": partial(_without, "containers.0.readinessProbe"),
    "a_fixed_version": partial(_with, "containers.0.image", "postgres:latest"),
}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_a_pod_that_breaks_the_policy_is_found(policy: Policy) -> None:
    pod = copy.deepcopy(PODS["results-feed"])
    BROKEN[policy.__name__](pod)
    assert [other.__name__ for other in POLICIES if list(other("results-feed", pod))] == [policy.__name__]


def test_the_deployments_are_the_services_and_the_command_line() -> None:
    names = {found["metadata"]["name"] for found in of_kind(rendered(TRIAL), "Deployment", "StatefulSet")}
    assert names == {*existing(ON_KUBERNETES), "election"} - NOT_YET


def test_everything_goes_with_the_namespace() -> None:
    namespaces = {found["metadata"].get("namespace") for found in rendered(TRIAL) if found["kind"] != "Namespace"}
    assert namespaces == {"election"}
    (namespace,) = of_kind(rendered(TRIAL), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_each_role_has_the_secrets_that_it_has_in_compose() -> None:
    own = {name: _secrets(pod) for name, pod in PODS.items()}
    compose = {name: set(service.get("secrets", [])) - OF_METRICS for name, service in COMPOSE["services"].items()}
    compose["airflow-scheduler"] -= {"spark"}  # the driver is a pod of its own
    compose["airflow-triggerer"] |= {"kafka_tally"}  # it looks after it
    compose["init"] |= own["init"]  # all
    assert {name: own[name] for name in own.keys() & compose.keys()} == {
        name: compose[name] for name in own.keys() & compose.keys()
    }
    assert own["tally-driver"] == {"kafka_tally", "spark"}
    assert own["tally-executor"] == {"spark"}
    assert own["task"] == set()


def _secrets(pod: Object) -> set[str]:
    (found,) = [volume["secret"] for volume in pod["volumes"] if "secret" in volume] or [{"items": []}]
    return {item["key"] for item in found["items"]} if "items" in found else {*SECRETS, "kafka_broker"}


def test_settings_exist_and_are_those_of_compose() -> None:
    (settings,) = [c["data"] for c in of_kind(rendered(TRIAL), "ConfigMap") if c["metadata"]["name"] == "settings"]
    fields = {f"ELECTION_{name.upper()}" for name in Settings.model_fields}
    assert settings.keys() - fields == {"HOME"}
    defaults = re.compile(r"\$\{(\w+):-(.*)\}")
    chosen = {name: match[2] for name, text in COMPOSE["x-settings"].items() if (match := defaults.match(str(text)))}
    for name in ("ELECTION_SECRETS_ON_HOST", "ELECTION_LOG_FORMAT", "ELECTION_LINEAGE", "ELECTION_OTLP_URL"):
        chosen.pop(name, None)
    assert {name: settings[name] for name in chosen if not name.endswith("_PORT")} == {
        name: value for name, value in chosen.items() if not name.endswith("_PORT")
    }
    for name, value in settings.items():
        if name.endswith(("KAFKA_HOST", "POSTGRES_HOST", "AIRFLOW_HOST", "DASHBOARD_HOST", "FEED_HOST")):
            assert value in {s["metadata"]["name"] for s in of_kind(rendered(TRIAL), "Service")}, name


def test_postgres_and_kafka_are_those_of_compose() -> None:
    for name in ("postgres", "kafka"):
        (container,) = PODS[name]["containers"]
        assert container["image"] == COMPOSE["services"][name]["image"]
    kafka = {variable["name"]: variable["value"] for variable in PODS["kafka"]["containers"][0]["env"]}
    same = {name for name in kafka if "LISTENERS" not in name and "VOTERS" not in name and "MAP" not in name}
    compose = COMPOSE["services"]["kafka"]["environment"]
    in_compose = {name: str(compose[name]).replace("$$", "$") for name in same}
    assert {name: kafka[name].replace("/run/secrets/election/", "/run/secrets/") for name in same} == in_compose
    protocols = kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    assert {protocol.split(":")[1] for protocol in protocols} == {"SASL_PLAINTEXT"}


def test_every_service_leads_to_pods_that_listen_there() -> None:
    for service in of_kind(rendered(TRIAL), "Service"):
        if "spark-role" in service["spec"]["selector"]:
            assert service["spec"]["ports"][0]["port"] == ON_KUBERNETES.spark_driver_ui_port
            continue
        pod = PODS[service["spec"]["selector"]["app.kubernetes.io/name"]]
        named = {port["name"]: port["containerPort"] for c in containers(pod) for port in c.get("ports", [])}
        for port in service["spec"]["ports"]:
            assert named[port.get("targetPort", port["name"])] == port["port"]


def test_nothing_is_reached_that_no_policy_admits() -> None:
    policies = of_kind(rendered(TRIAL), "NetworkPolicy")
    (nothing,) = [p["spec"] for p in policies if p["metadata"]["name"] == "nothing-by-default"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    admitted = {name for policy in policies if policy["spec"].get("ingress") for name in _selected(policy)}
    listening = {name for name, pod in PODS.items() if any(c.get("ports") for c in pod["containers"])}
    spark = {"tally-driver", "tally-executor"}
    assert admitted == (listening | spark) - {"airflow-scheduler"}  # its port is for the kubelet
    assert all(policy["spec"]["ingress"][0].get("from") for policy in policies if policy["spec"].get("ingress"))


def _selected(policy: Object) -> list[str]:
    selector = policy["spec"]["podSelector"]
    if "matchLabels" in selector:
        return [selector["matchLabels"]["app.kubernetes.io/name"]]
    return list(selector["matchExpressions"][0]["values"])


def test_accounts_may_do_nothing_beyond_pods_and_what_a_driver_needs() -> None:
    rules = [rule for role in of_kind(rendered(TRIAL), "Role") for rule in role["rules"]]
    assert of_kind(rendered(TRIAL), "ClusterRole", "ClusterRoleBinding") == []
    resources = {resource for rule in rules for resource in rule["resources"]}
    assert resources == {"pods", "pods/log", "events", "services", "configmaps", "persistentvolumeclaims"}
    assert not any("*" in rule[part] for rule in rules for part in ("verbs", "resources", "apiGroups"))
    accounts = {found["metadata"]["name"] for found in of_kind(rendered(TRIAL), "ServiceAccount")}
    assert {pod["serviceAccountName"] for pod in PODS.values() if "serviceAccountName" in pod} <= accounts


def test_pods_that_share_a_folder_share_a_claim() -> None:
    claims = {found["metadata"]["name"] for found in of_kind(rendered(TRIAL), "PersistentVolumeClaim")}
    for name, pod in PODS.items():
        used = {v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
        assert used <= claims, name
    for name in ("airflow-scheduler", "airflow-triggerer", "election", "tally-driver", "tally-executor"):
        mounts = {mount["mountPath"]: mount["name"] for mount in PODS[name]["containers"][0]["volumeMounts"]}
        assert mounts["/opt/election/var/tally"] == "tally"
    modes = {c["spec"]["accessModes"][0] for c in of_kind(rendered(PLATFORM), "PersistentVolumeClaim")}
    assert modes == {"ReadWriteMany"}


@pytest.mark.slow
def test_casting_gets_pods_of_its_own_and_other_tasks_stay_with_the_scheduler(tmp_path: Path) -> None:
    environment = {
        "ELECTION_RUNTIME": "kubernetes",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",  # on a busy machine
        "ELECTION_VAR": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
    }
    configure_task(Settings.model_validate({"runtime": "kubernetes", "var": tmp_path}))
    answer = subprocess.run(
        [sys.executable, "-c", EXECUTORS], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    errors, executors = json.loads(answer.stdout.splitlines()[-1])
    assert errors == {}
    assert {name for name, executor in executors.items() if executor} == {"casting.cast"}


@pytest.mark.slow
def test_a_tasks_pod_runs_what_the_executor_wants_without_any_secret(tmp_path: Path) -> None:
    wanted = ["python", "-c", "import os, sys; print(os.environ['AIRFLOW_HOME'], sys.argv[1:])", "--json-string", "{}"]
    (command,) = (container["command"] for container in PODS["task"]["containers"])
    assert command == ["tini", "--", "election", "container", "task", "--"]
    answer = subprocess.run(
        [sys.executable, "-m", "election.cli", *command[3:], *wanted],
        env=os.environ | {"ELECTION_RUNTIME": "kubernetes", "ELECTION_VAR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == f"{tmp_path / 'airflow'} ['--json-string', '{{}}']"
    assert "TrackingLocalExecutor,KubernetesExecutor" in (tmp_path / "airflow" / "airflow.cfg").read_text()


EXECUTORS = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags")
tasks = {task.task_id: task.executor for dag in bag.dags.values() for task in dag.tasks}
print(json.dumps([bag.import_errors, tasks]))
"""


def test_the_configuration_of_a_task_and_of_the_chart_holds_no_secret(tmp_path: Path) -> None:
    settings = Settings.model_validate({"runtime": "kubernetes", "var": tmp_path})
    generate(settings)
    text = written(options(settings))
    assert [name for name in SECRETS if settings.secret(name) in text] == []
    whole = written(merged(options(settings), secret_options(settings)))
    named = {name for name in SECRETS if settings.secret(name) in whole}
    assert named == {"airflow_fernet", "airflow_api", "airflow_jwt", "postgres_airflow"}


def test_the_values_of_airflows_chart_are_up_to_date() -> None:
    file = PROJECT / "deploy" / "kubernetes" / "earnest" / "airflow-values.yaml"
    assert file.read_text() == page(), f"python -m election.stack.airflow_chart > {file.relative_to(PROJECT)}"


def test_what_the_chart_and_operators_refer_to_is_there() -> None:
    found = yaml.safe_load(page())
    claims = {c["metadata"]["name"] for c in of_kind(rendered(PLATFORM), "PersistentVolumeClaim")}
    assert {v["persistentVolumeClaim"]["claimName"] for v in found["volumes"] if "persistentVolumeClaim" in v} < claims
    assert found["logs"]["persistence"]["existingClaim"] in claims
    accounts = {a["metadata"]["name"] for a in of_kind(rendered(PLATFORM), "ServiceAccount")}
    assert found["scheduler"]["serviceAccount"]["name"] in accounts
    secrets = {secret for name in ("kafka", "postgres") for secret in _named_secrets(name)}
    assert secrets == {"election", "postgres-superuser"}


def _named_secrets(name: str) -> set[str]:
    text = (PROJECT / "deploy" / "kubernetes" / "earnest" / f"{name}.yaml").read_text()
    return set(re.findall(r"secretName: ([\w-]+)|superuserSecret: \{name: ([\w-]+)\}", text)[0]) - {""}


@pytest.mark.parametrize("name", ["kafka", "postgres"])
def test_operators_get_what_the_other_stacks_configure(name: str) -> None:
    objects = list(yaml.safe_load_all((PROJECT / "deploy" / "kubernetes" / "earnest" / f"{name}.yaml").read_text()))
    if name == "postgres":
        own, file = objects[0]["spec"]["postgresql"]["parameters"], "postgresql.conf"
        sized = {"shared_buffers", "effective_cache_size", "maintenance_work_mem", "max_wal_size"}
    else:
        own, file = objects[1]["spec"]["kafka"]["config"], "kafka.properties"
        sized = {key for key in own if "replication" in key or "isr" in key or "insync" in key}
    lines = (PROJECT / "stack" / file).read_text().splitlines()
    stack = {k.strip(): v.split("#")[0].strip().strip("'") for k, _, v in (line.partition("=") for line in lines)}
    plain = {key: str(value).lower() for key, value in own.items() if key not in sized}
    assert plain == {key: stack[key].lower() for key in plain}


@pytest.mark.parametrize(
    ("load", "said"), [("", "Set LOAD to the command"), ("none", "No cluster answers. Set KUBECONFIG")]
)
def test_the_demonstration_says_what_it_lacks(tmp_path: Path, load: str, said: str) -> None:
    nowhere = {"clusters": [{"name": "it", "cluster": {"server": "http://127.0.0.1:1"}}], "current-context": "it"}
    (tmp_path / "config").write_text(json.dumps(nowhere | {"contexts": [{"name": "it", "context": {"cluster": "it"}}]}))
    answer = subprocess.run(
        [PROJECT / "deploy" / "kubernetes" / "demo"],
        env=os.environ | {"KUBECONFIG": str(tmp_path / "config"), "LOAD": load},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 1 and said in answer.stderr
