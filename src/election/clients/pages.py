"""An HTTP client for the stack's own pages."""

import requests


def page(url: str, seconds: float) -> requests.Response:
    """What a page of this stack answers within ``seconds`` of silence, through no proxy and a connection of its own.

    Raises requests.RequestException when it does not answer, or with an error.
    """
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=seconds)
        answer.raise_for_status()
        return answer
