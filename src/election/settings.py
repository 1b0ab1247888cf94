"""Where everything is: folders, addresses, ports, roles. The one place for settings.

Each field can be set by an environment variable ``ELECTION_<FIELD>`` (for example
``ELECTION_AIRFLOW_PORT=9090``). A started stack writes its values to ``var/stack.json``, so that
later commands find it without repeating them; the environment wins over that file.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from election.errors import StackError

Role = Literal["owner", "app", "auditor", "reader", "dashboard", "airflow"]
"""Postgres roles: owner (tables), app (stages), auditor (verdicts), reader (may read every table,
for engineers), dashboard (reads views without personal data), airflow (Airflow's own database)."""

ROLES: tuple[Role, ...] = get_args(Role)
PROJECT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Folders and addresses of one platform. Ports are TCP ports on loopback."""

    model_config = SettingsConfigDict(env_prefix="ELECTION_", frozen=True, extra="ignore")

    root: Path = PROJECT
    var: Path = PROJECT / "var"

    host: str = "127.0.0.1"
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 15432
    postgres_database: str = "election"
    kafka_host: str = "127.0.0.1"
    kafka_port: int = 19092
    kafka_controller_port: int = 19093
    spark_host: str = "127.0.0.1"
    spark_master_port: int = 17077
    spark_master_ui_port: int = 18080
    spark_worker_port: int = 17078
    spark_worker_ui_port: int = 18081
    spark_driver_ui_port: int = 14040
    airflow_host: str = "127.0.0.1"
    airflow_port: int = 18090
    airflow_log_port: int = 18793
    airflow_trigger_log_port: int = 18794
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 18501
    supervisor_port: int = 19001

    votes_partitions: int = Field(2, ge=1, description="partitions of votes_topic")
    voters_partitions: int = Field(8, ge=1, description="partitions of voters_topic; more casting workers do not help")
    replication: int = Field(1, ge=1, description="copies of every topic's partition")
    casting_batch: int = Field(10_000, ge=1, description="records a casting worker takes in one transaction")
    casting_fault: str = Field("", description="drills only: the step of the loop at which a worker dies")
    certifiers: str = Field(
        "admin", pattern=r"[^\s,]", description="Airflow users who may certify or refuse, with commas"
    )
    webhook_url: str = Field("", description="told about failed gates and ended elections; empty: nobody is")
    randomuser_url: str = "https://randomuser.me/api/1.4/"

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
    def kafka_bootstrap(self) -> str:
        return f"{self.kafka_host}:{self.kafka_port}"

    @property
    def spark_master(self) -> str:
        return f"spark://{self.spark_host}:{self.spark_master_port}"

    @property
    def airflow_url(self) -> str:
        return f"http://{self.airflow_host}:{self.airflow_port}"

    @property
    def dashboard_url(self) -> str:
        return f"http://{self.dashboard_host}:{self.dashboard_port}"

    @property
    def certifier_names(self) -> list[str]:
        return [name.strip() for name in self.certifiers.split(",") if name.strip()]

    @property
    def scenarios(self) -> Path:
        return self.root / "scenarios"

    @property
    def data_docs(self) -> Path:
        """Folder of the quality reports: HTML, a folder an election."""
        return self.var / "data-docs"

    @cached_property
    def secrets(self) -> Path:
        """Folder (mode 0700) with one secret a file (mode 0600), made by `election up`."""
        return self.var / "secrets"

    def secret_file(self, name: str) -> Path:
        return self.secrets / name

    def secret(self, name: str) -> str:
        """The secret's text. Raises StackError when the stack was never set up."""
        file = self.secret_file(name)
        if not file.exists():
            raise StackError(f"The secret {name!r} does not exist yet; `make up` generates it.")
        return file.read_text().strip()

    def role_name(self, role: Role) -> str:
        return "airflow" if role == "airflow" else f"election_{role}"

    def database(self, role: Role) -> str:
        return "airflow" if role == "airflow" else self.postgres_database

    def dsn(self, role: Role, *, password: bool = True) -> str:
        """A libpq URI for the role; without its password it may be printed."""
        login = self.role_name(role)
        if password:
            login += ":" + self.secret(f"postgres_{role}")
        return f"postgresql://{login}@{self.postgres_host}:{self.postgres_port}/{self.database(role)}"
