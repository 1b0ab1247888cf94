"""Generated secrets: one file each (0600) in a folder of their own (0700), made once and kept."""

import base64
import os
import secrets as random
from collections.abc import Callable
from pathlib import Path

from election.settings import ROLES, Settings


def generate(settings: Settings, *, hardened: bool = False) -> None:
    """Makes the secrets that do not exist yet; never changes one that does."""
    settings.secrets.mkdir(parents=True, exist_ok=True)
    settings.secrets.chmod(0o700)
    for name, make in (SECRETS | HARDENED if hardened else SECRETS).items():
        file = settings.secret_file(name)
        if not file.exists():
            private_file(file, make())


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


SECRETS: dict[str, Callable[[], str]] = {
    "postgres_superuser": password,
    **{f"postgres_{role}": password for role in ROLES},
    "airflow_admin": password,
    "airflow_operator": password,
    "airflow_viewer": password,
    "airflow_jwt": signing_key,
    "airflow_fernet": fernet_key,
    "airflow_api": signing_key,
    "supervisor": password,
}

# Beside these, where Kafka has logins and connections are encrypted.
KAFKA_USERS = ("app", "tally", "dashboard")
HARDENED: dict[str, Callable[[], str]] = {f"kafka_{user}": password for user in KAFKA_USERS}
