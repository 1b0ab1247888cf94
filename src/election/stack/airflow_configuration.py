"""Airflow's configuration, the same in every stack: airflow.cfg here, values of Airflow's chart on Kubernetes."""

import json
from configparser import ConfigParser
from io import StringIO
from pathlib import Path

from election.clients.kubernetes import own_image
from election.settings import Settings

USERS = {"admin": "admin", "operator": "user", "viewer": "viewer"}
"""Logins and their roles in Airflow."""

MAY = {
    "viewer": "look",
    "user": "look, start, stop and decide, and see rejected records",
    "admin": "do everything, also change connections and settings",
}
"""What the roles may do."""

LOCAL_EXECUTOR = "election.orchestration.executor.TrackingLocalExecutor"
POD_EXECUTOR = "KubernetesExecutor"
"""On Kubernetes, for tasks that name it."""

Options = dict[str, dict[str, object]]
"""Sections of airflow.cfg and their options."""

RUNNERS = 16
"""Tasks that run at the same time; `election_run` lets casting have twelve of them."""


def options(settings: Settings) -> Options:
    """What differs from Airflow's defaults, in every stack; no secrets."""
    folder = home(settings)
    common: Options = {
        "core": {
            "dags_folder": settings.root / "dags",
            "plugins_folder": settings.root / "plugins",
            "load_examples": False,
            "executor": LOCAL_EXECUTOR,
            "parallelism": RUNNERS,
            # On the native stack `election up` lets them run, once Airflow has read them all.
            "dags_are_paused_at_creation": settings.runtime == "native",
            "hostname_callable": "election.stack.hostname.hostname",
            "execution_api_server_url": f"{settings.airflow_url}/execution/",
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "simple_auth_manager_passwords_file": folder / "passwords.json",
            "min_serialized_dag_update_interval": 5,
            # Only folders of this project are parsed, so that nothing hides behind the heuristic of file contents.
            "dag_discovery_safe_mode": False,
        },
        "logging": {
            "base_log_folder": folder / "logs",
            "dag_processor_child_process_log_directory": folder / "logs" / "dag_processor",
            "uvicorn_logging_level": "WARNING",
            "colored_console_log": False,
            "json_logs": settings.log_format == "json",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
            "worker_log_server_port": settings.airflow_log_port,
            "trigger_log_server_port": settings.airflow_trigger_log_port,
        },
        "api": {
            "host": settings.host,
            "port": settings.airflow_port,
            "base_url": settings.airflow_page,
            "workers": 1,
            "enable_swagger_ui": False,
        },
        "api_auth": {"jwt_expiration_time": settings.session_hours * 3600},
        # An API server that is away for some minutes must not cost a task that works without it.
        "workers": {"max_failed_heartbeats": 36, "execution_api_retries": 10, "execution_api_retry_wait_max": 10},
        "scheduler": {
            # Short waits between tasks; an idle scheduler still takes less than a tenth of a core.
            "scheduler_idle_sleep_time": 0.5,
            # A task whose process died with its scheduler is noticed after this many seconds, or when it is orphaned.
            "task_instance_heartbeat_timeout": 120,
            "orphaned_tasks_check_interval": 20,
            # So is one whose runner died before it said that it runs it. No other waits as long: our executor takes no
            # more tasks than it has runners.
            "task_queued_timeout": 120,
            "task_queued_timeout_check_interval": 20,
        },
        # New and changed files are found within seconds. One that has not changed is read again for a new scenario in
        # its form alone; each such round takes more than a second of a core.
        "dag_processor": {"refresh_interval": 10, "min_file_process_interval": 60, "parsing_processes": 1},
    }
    common = merged(common, _watched(settings))
    return merged(common, _pods(settings)) if settings.runtime == "kubernetes" else common


def _watched(settings: Settings) -> Options:
    """Airflow's own metrics and the lineage of tasks, where the settings ask for them."""
    found: Options = {}
    if settings.otlp_url:
        found["metrics"] = {"otel_on": True}
    if settings.lineage:
        found["openlineage"] = {
            "namespace": "election",
            "transport": json.dumps({"type": "file", "log_file_path": str(settings.lineage_folder / "event")}),
            "extractors": "election.orchestration.lineage.FlowExtractor",
            "disable_source_code": True,
        }
    return found


def _pods(settings: Settings) -> Options:
    """On Kubernetes long tasks run as pods beside the local ones: a pod takes ten seconds to start.

    Such a pod runs the image of the scheduler, whatever that is.
    """
    repository, _, tag = own_image().rpartition(":")
    return {
        "core": {"executor": f"{LOCAL_EXECUTOR},{POD_EXECUTOR}"},
        "kubernetes_executor": {
            "namespace": settings.namespace,
            "pod_template_file": settings.pod_templates / "task.yaml",
            "worker_container_repository": repository,
            "worker_container_tag": tag,
            "delete_worker_pods_on_failure": True,  # its log is on a volume
        },
        "scheduler": {
            "task_queued_timeout": 300,  # a node may have to get the image first
            "enable_health_check": bool(settings.scheduler_health_port),
            "scheduler_health_check_server_host": settings.host,
            "scheduler_health_check_server_port": settings.scheduler_health_port,
        },
    }


def secret_options(settings: Settings) -> Options:
    """The options that hold a secret."""
    metadata = settings.dsn("airflow").replace("postgresql://", "postgresql+psycopg://")
    return {
        "core": {"fernet_key": settings.secret("airflow_fernet")},
        "database": {"sql_alchemy_conn": metadata},
        "api": {"secret_key": settings.secret("airflow_api")},
        "api_auth": {"jwt_secret": settings.secret("airflow_jwt")},
    }


def merged(first: Options, second: Options) -> Options:
    """The options of both; the second wins."""
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}


def written(sections: Options) -> str:
    """The text of airflow.cfg."""
    parser = ConfigParser(interpolation=None)
    parser.read_dict({name: {key: str(value) for key, value in found.items()} for name, found in sections.items()})
    text = StringIO()
    # Airflow expands %(name)s itself.
    for section in parser.sections():
        for key, value in parser[section].items():
            parser[section][key] = value.replace("%", "%%")
    parser.write(text)
    return text.getvalue()


def home(settings: Settings) -> Path:
    return settings.var / "airflow"
