"""The login with which Airflow's OpenTelemetry exporter sends metrics; it finds this function by an entry point."""

import requests

from election.settings import Settings


def session() -> requests.Session:
    """An HTTP session that logs in as the user ``metrics``: in a variable, the password would be shown."""
    made = requests.Session()
    made.trust_env = False  # no proxy, and no login from a .netrc
    made.auth = ("metrics", Settings().secret("metrics"))
    return made
