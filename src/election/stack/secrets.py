"""Generated secrets: one file each (0600) in one folder (0700), generated once and kept."""

import base64
import os
import secrets as random
from collections.abc import Callable
from pathlib import Path

import bcrypt

from election.settings import KAFKA_USERS, ROLES, Settings


def generate(settings: Settings) -> None:
    """Makes the secrets that do not exist yet; never changes one that does."""
    settings.secrets.mkdir(parents=True, exist_ok=True)
    settings.secrets.chmod(0o700)
    for name, make in SECRETS.items():
        file = settings.secret_file(name)
        if not file.exists():
            private_file(file, make())
    _prometheus_login(settings)


def _prometheus_login(settings: Settings) -> None:
    """Prometheus's own form of the login for its pages: a hash of the secret ``metrics``, with the costs it advises."""
    file = settings.secret_file("prometheus_web")
    if not file.exists():
        hashed = bcrypt.hashpw(settings.secret("metrics").encode(), bcrypt.gensalt(10)).decode()
        private_file(file, f"basic_auth_users:\n  metrics: {hashed}\n")


def private_file(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)  # left by one who was killed, and whose number this process has again
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as file:
        file.write(text)
    draft.replace(path)


def password() -> str:
    return random.token_urlsafe(24)


def signing_key() -> str:
    """Airflow refuses every task when its JWT key has fewer than 64 characters."""
    return random.token_hex(48)


def fernet_key() -> str:
    """A Fernet key is 32 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(random.token_bytes(32)).decode()


def ed25519_key() -> str:
    """An Ed25519 private key is any 32 random bytes (RFC 8032, 5.1.5); in hexadecimal."""
    return random.token_hex(32)


def spark_properties() -> str:
    """Spark's own format, so that its processes read the file themselves and no copy is made."""
    return f"spark.authenticate.secret={signing_key()}\n"


SECRETS: dict[str, Callable[[], str]] = {
    "postgres_superuser": password,
    **{f"postgres_{role}": password for role in ROLES},
    **{f"kafka_{user}": password for user in KAFKA_USERS},
    "airflow_admin": password,
    "airflow_operator": password,
    "airflow_viewer": password,
    "airflow_jwt": signing_key,
    "airflow_fernet": fernet_key,
    "airflow_api": signing_key,
    "spark": spark_properties,
    "evidence_key": ed25519_key,
    "metrics": password,
    "supervisor": password,
}
