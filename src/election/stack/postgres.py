"""Postgres 18 from a Python wheel, on loopback TCP, with a password for every role."""

import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from election.errors import NotReachable, StackError
from election.settings import ROLES, Role, Settings
from election.stack.postgres_limits import close_functions, limit_roles
from election.stack.secrets import private_file
from election.stack.service import PREFIX_BY_PARENT, Program, Service
from election.storage.deciders import deciders, set_deciders
from election.toolchain import postgres_program

_MAKES_TABLES: tuple[Role, ...] = ("owner", "app", "airflow")
_NO_TABLES = "REVOKE TEMPORARY ON DATABASE {} FROM {}"


def prepare(settings: Settings) -> None:
    """Creates the cluster if it does not exist, and writes its configuration."""
    home = _home(settings)
    data = home / "data"
    home.mkdir(mode=0o700, exist_ok=True)
    if not (data / "PG_VERSION").exists():
        # A cluster whose making was interrupted holds nothing; initdb wants an empty folder.
        shutil.rmtree(data, ignore_errors=True)
        _create(settings, data)
    shared = (settings.root / "stack" / "postgresql.conf").read_text()
    private_file(data / "postgresql.conf", f"{shared}\nport = {settings.postgres_port}\n")
    private_file(data / "pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\n")


def settle(settings: Settings) -> None:
    """Makes the roles and databases as they must be, and says who may decide.

    Tables are made by the stage that prepares the first election, which also says who may decide then.
    """
    with _superuser(settings, "postgres") as connection:
        for role in ROLES:
            name = settings.role_name(role)
            secret = connection.pgconn.encrypt_password(settings.secret(f"postgres_{role}").encode(), name.encode())
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(
                    sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(name), sql.Literal(secret.decode())
                )
            )
            if role in ("reader", "dashboard", "results_feed"):
                connection.execute(
                    sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(name))
                )
        limit_roles(connection, settings)
        databases: dict[str, list[Role]] = {
            settings.postgres_database: [role for role in ROLES if role != "airflow"],
            "airflow": ["airflow"],
        }
        for name, roles in databases.items():
            _database(connection, name, roles, settings)
    for name, roles in databases.items():
        with _superuser(settings, name) as connection:
            close_functions(connection, roles, settings)
    with psycopg.connect(settings.dsn("owner")) as owner:
        if deciders(owner):
            set_deciders(owner, settings.certifier_names)


def ready(settings: Settings, _since: float) -> None:
    """A query as the role that stages use."""
    try:
        with psycopg.connect(settings.dsn("app"), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        raise NotReachable(f"Postgres does not answer: {error}") from error


def accepts(settings: Settings, _since: float) -> None:
    """A query as the superuser: before ``settle`` there is no other role."""
    try:
        with _superuser(settings, "postgres") as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        raise NotReachable(f"Postgres does not answer: {error}") from error


def program(settings: Settings) -> Program:
    # INT is Postgres's fast shutdown: open transactions end, nothing that was committed is lost.
    return Program(
        command=("setpriv", "--pdeathsig", "INT", postgres_program("postgres"), "-D", _home(settings) / "data"),
        environment={"LANG": "C.UTF-8", "TZ": "UTC"},
        stop_signal="INT",
        stop_seconds=60,
    )


def _create(settings: Settings, data: Path) -> None:
    """Runs initdb, with the superuser's password in a temporary file."""
    password = data.parent / "superuser"
    private_file(password, settings.secret("postgres_superuser"))
    command: list[str | Path] = [
        *PREFIX_BY_PARENT, postgres_program("initdb"), "-D", data,
        "--username=postgres", f"--pwfile={password}",
        "--auth=scram-sha-256", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums", "--no-instructions",
    ]  # fmt: skip
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    finally:
        password.unlink()
    if answer.returncode:
        raise StackError(f"Postgres could not create its database cluster: {answer.stderr.strip()}")


def _database(connection: psycopg.Connection, name: str, roles: list[Role], settings: Settings) -> None:
    """A database of the first of its roles, that only they can connect to; the schema ``public`` is the owner's.

    Temporary tables fill the disk as others do: only who needs them may make them.
    """
    database, owner = sql.Identifier(name), sql.Identifier(settings.role_name(roles[0]))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for role in roles:
        user = sql.Identifier(settings.role_name(role))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, user))
        make = "GRANT TEMPORARY ON DATABASE {} TO {}" if role in _MAKES_TABLES else _NO_TABLES
        connection.execute(sql.SQL(make).format(database, user))


def _superuser(settings: Settings, database: str) -> psycopg.Connection:
    address = make_conninfo(
        host=settings.postgres_host, port=settings.postgres_port, dbname=database, user="postgres",
        password=settings.secret("postgres_superuser"), connect_timeout=2, **settings.postgres_tls,
    )  # fmt: skip
    return psycopg.connect(address, autocommit=True)


def _home(settings: Settings) -> Path:
    return settings.var / "postgres"


SERVICE = Service(
    name="postgres",
    purpose="elections, voters, votes",
    ports=("postgres_port",),
    prepare=prepare,
    program=program,
    accepts=accepts,
    settle=settle,
    ready=ready,
    url=lambda settings: settings.dsn("reader", password=False),
)
