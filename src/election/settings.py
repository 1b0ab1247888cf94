"""Where everything is: folders, addresses, ports, roles. The one place for settings.

Each field can be set by an environment variable ``ELECTION_<FIELD>`` (for example
``ELECTION_AIRFLOW_PORT=9090``). A started stack writes its values to ``var/stack.json``, so that
later commands find it without repeating them; the environment wins over that file.
"""

import json
import socket
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from election.errors import BadInput, StackError

Role = Literal["owner", "app", "auditor", "box", "reader", "dashboard", "results_feed", "metrics", "airflow"]
"""Postgres roles: owner (tables), app (stages), auditor (verdicts, audits), box (lays down the papers of an audit and
reads no vote), reader (may read every table, for engineers), dashboard and results_feed (read views without personal
data), metrics (reads elections, some of these views and statistics), airflow (Airflow's own database)."""

ROLES: tuple[Role, ...] = get_args(Role)

KafkaUser = Literal["admin", "owner", "app", "tally", "dashboard", "results_feed", "metrics", "feed"]
"""Kafka users: admin (the broker itself, and who makes users and their rights), owner (topics and their
configuration), app (stages), tally (the count), dashboard, results_feed (reads totals for other programs), metrics
(reads totals and offsets), feed (offers ballots from outside)."""

KAFKA_USERS: tuple[KafkaUser, ...] = get_args(KafkaUser)
PROJECT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Folders and addresses of one platform. Ports are TCP ports on loopback."""

    model_config = SettingsConfigDict(env_prefix="ELECTION_", frozen=True, extra="ignore")

    root: Path = PROJECT
    var: Path = PROJECT / "var"
    runtime: Literal["native", "containers", "kubernetes"] = "native"
    secrets_folder: str = Field("", description="where the secrets are; empty: var/secrets")
    secrets_on_host: str = Field("", description="the same folder as people find it; empty: where it is")

    host: str = Field("127.0.0.1", description="address on which services listen")
    public_host: str = Field("127.0.0.1", description="name by which browsers reach the pages")
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 15432
    postgres_database: str = "election"
    kafka_host: str = "127.0.0.1"
    kafka_port: int = 19092
    kafka_servers: str = Field("", description="brokers to begin with, as host:port with commas; empty: the one above")
    kafka_user: KafkaUser = Field("app", description="the Kafka user that this process logs in as")
    kafka_controller_port: int = 19093
    spark_host: str = "127.0.0.1"
    spark_master_port: int = 17077
    spark_master_ui_port: int = 18080
    spark_worker_host: str = Field("127.0.0.1", description="where metrics of Spark's worker are read")
    spark_worker_port: int = 17078
    spark_worker_ui_port: int = 18081
    spark_driver_host: str = Field("127.0.0.1", description="where metrics of the streaming driver are read")
    spark_driver_ui_port: int = 14040
    spark_conf: str = Field("", description="Spark configuration of the count that wins over ours, as a JSON object")
    pod_templates: Path = Field(Path("/etc/election/pods"), description="Kubernetes: templates of pods")
    namespace: str = Field("election", description="Kubernetes: where the platform's pods run")
    airflow_host: str = "127.0.0.1"
    airflow_port: int = 18090
    airflow_log_port: int = 18793
    airflow_trigger_log_port: int = 18794
    scheduler_health_port: int = Field(0, description="tells a probe whether the scheduler lives; 0: off")
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 18501
    feed_host: str = "127.0.0.1"
    feed_port: int = Field(18502, description="the results feed")
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(18503, description="metrics, for Prometheus")
    supervisor_port: int = 19001

    votes_partitions: int = Field(2, ge=1, description="partitions of votes_topic")
    voters_partitions: int = Field(8, ge=1, description="partitions of voters_topic; more casting workers do not help")
    replication: int = Field(1, ge=1, description="copies of every topic's partition")
    casting_batch: int = Field(10_000, ge=1, description="records a casting worker takes in one transaction")
    casting_fault: str = Field("", description="drills only: the step of the loop at which a worker dies")
    certifiers: str = Field(
        "admin", pattern=r"[^\s,]", description="Airflow users who may certify or refuse, with commas"
    )
    session_hours: int = Field(8, ge=1, le=24, description="hours after which a login to Airflow ends")
    webhook_url: str = Field("", description="receives failed gates and ended elections; empty: off")
    log_format: Literal["text", "json"] = Field("text", description="json: one object a line, for a log collector")
    lineage: bool = Field(False, description="writes what each task of Airflow reads and writes to var/lineage")
    otlp_url: str = Field("", description="where Airflow sends its own metrics, by OTLP over HTTP; empty: off")
    tls_ca: str = Field("", description="file with who signed the certificates of Kafka and Postgres; empty: no TLS")
    validations_kept: int = Field(20, ge=1, description="validations kept of each election and checkpoint")
    randomuser_url: str = "https://randomuser.me/api/1.4/"

    @field_validator("spark_conf")
    @classmethod
    def _json_object(cls, text: str) -> str:
        try:
            fits = not text or isinstance(json.loads(text), dict)
        except ValueError:
            fits = False
        if not fits:
            raise ValueError('must be a JSON object, such as {"spark.executor.instances": "2"}')
        return text

    @field_validator("root", "var")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        """Services run in other folders than the one where a relative path was given."""
        return folder.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the started stack's file."""

        def started() -> dict[str, Any]:
            var = Path({**env_settings(), **init_settings()}.get("var", PROJECT / "var"))
            file = var / "stack.json"
            return json.loads(file.read_text()) if file.exists() else {}

        return init_settings, env_settings, started  # type: ignore[return-value]

    @property
    def environment(self) -> dict[str, str]:
        """Every setting as its environment variable, for processes that make their own ``Settings``."""
        return {f"ELECTION_{name.upper()}": str(value) for name, value in self.model_dump().items()}

    @property
    def kafka_bootstrap(self) -> str:
        return self.kafka_servers or f"{self.kafka_host}:{self.kafka_port}"

    def kafka_login(self, user: KafkaUser) -> dict[str, str]:
        """librdkafka's configuration for a user, with the password. Raises StackError when there is no such secret."""
        return {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": "SASL_SSL" if self.tls_ca else "SASL_PLAINTEXT",
            **({"ssl.ca.location": self.tls_ca} if self.tls_ca else {}),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.secret(f"kafka_{user}"),
        }

    @property
    def postgres_tls(self) -> dict[str, str]:
        """libpq's parameters: the server's certificate and name are verified where there is TLS."""
        return {"sslmode": "verify-full", "sslrootcert": self.tls_ca} if self.tls_ca else {}

    @property
    def spark_master(self) -> str:
        if self.runtime == "kubernetes":
            return "k8s://https://kubernetes.default.svc:443"
        return f"spark://{self.spark_host}:{self.spark_master_port}"

    @property
    def spark_overrides(self) -> dict[str, str]:
        """Spark configuration of the count that wins over the platform's own."""
        return {name: str(value) for name, value in json.loads(self.spark_conf or "{}").items()}

    @property
    def node(self) -> str:
        """The name by which other services reach what this process starts, such as Spark's driver."""
        return "127.0.0.1" if self.runtime == "native" else socket.gethostname()

    @property
    def airflow_url(self) -> str:
        """Airflow as the platform's own programs reach it."""
        return f"http://{self.airflow_host}:{self.airflow_port}"

    @property
    def dashboard_url(self) -> str:
        """The dashboard as the platform's own programs reach it."""
        return f"http://{self.dashboard_host}:{self.dashboard_port}"

    @property
    def feed_url(self) -> str:
        """The results feed as the platform's own programs reach it."""
        return f"http://{self.feed_host}:{self.feed_port}"

    @property
    def metrics_url(self) -> str:
        """The metrics as the platform's own programs reach them."""
        return f"http://{self.metrics_host}:{self.metrics_port}"

    @property
    def certifier_names(self) -> list[str]:
        return [name.strip() for name in self.certifiers.split(",") if name.strip()]

    @property
    def airflow_page(self) -> str:
        """Airflow as a browser reaches it."""
        return f"http://{self.public_host}:{self.airflow_port}"

    @property
    def dashboard_page(self) -> str:
        """The dashboard as a browser reaches it."""
        return f"http://{self.public_host}:{self.dashboard_port}"

    @property
    def feed_page(self) -> str:
        """The results feed as other programs and browsers reach it."""
        return f"http://{self.public_host}:{self.feed_port}"

    @property
    def metrics_page(self) -> str:
        """The metrics as Prometheus on this machine reaches them."""
        return f"http://{self.public_host}:{self.metrics_port}/metrics"

    @property
    def spark_page(self) -> str:
        """Spark's master as a browser reaches it; on Kubernetes, which has none, the streaming driver."""
        if self.runtime == "kubernetes":
            return self.spark_driver_page
        return f"http://{self.public_host}:{self.spark_master_ui_port}"

    @property
    def spark_driver_page(self) -> str:
        """The streaming driver as a browser reaches it."""
        return f"http://{self.public_host}:{self.spark_driver_ui_port}"

    @property
    def scenarios(self) -> Path:
        return self.root / "scenarios"

    @property
    def expectations(self) -> Path:
        """The folder with the suites of expectations, a module each."""
        return self.root / "expectations"

    @property
    def data_docs(self) -> Path:
        """The reports on the quality of the data, a folder for each election."""
        return self.var / "data-docs"

    @property
    def lineage_folder(self) -> Path:
        """OpenLineage's events, a file each."""
        return self.var / "lineage"

    @cached_property
    def secrets(self) -> Path:
        """Folder (mode 0700) with one secret a file (mode 0600), made by `election up`."""
        return Path(self.secrets_folder) if self.secrets_folder else self.var / "secrets"

    def secret_file(self, name: str) -> Path:
        return self.secrets / name

    def shown_secret_file(self, name: str) -> str:
        """Where a person finds the secret."""
        return str(Path(self.secrets_on_host or self.secrets, name))

    def secret(self, name: str) -> str:
        """The secret's text. Raises StackError when the stack was never set up."""
        file = self.secret_file(name)
        if not file.exists():
            raise StackError(f"The secret {name!r} does not exist yet; `make up` generates it.")
        return file.read_text().strip()

    def airflow_password(self, user: str) -> str:
        """The password of an Airflow user. Raises BadInput if none is kept under that name, StackError before `up`."""
        if "/" in user or (self.secrets.exists() and not self.secret_file(f"airflow_{user}").exists()):
            raise BadInput(
                f"There is no password of an Airflow user {user!r} here, so nothing can be decided in that name. "
                "`election status` says where the users' passwords are."
            )
        return self.secret(f"airflow_{user}")

    def role_name(self, role: Role) -> str:
        return "airflow" if role == "airflow" else f"election_{role}"

    def database(self, role: Role) -> str:
        return "airflow" if role == "airflow" else self.postgres_database

    def dsn(self, role: Role, *, password: bool = True) -> str:
        """A libpq URI for the role; without its password it may be printed."""
        login = self.role_name(role)
        if password:
            login += ":" + self.secret(f"postgres_{role}")
        address = f"postgresql://{login}@{self.postgres_host}:{self.postgres_port}/{self.database(role)}"
        return f"{address}?{urlencode(self.postgres_tls)}" if self.postgres_tls else address
