"""HTTP Basic authentication (RFC 7617), for what has no pages and no sessions."""

import base64
import binascii
import hmac

USER = "metrics"
"""The one who reads metrics; the password is the secret of that name."""
ASKS = {"WWW-Authenticate": f'Basic realm="{USER}"', "Cache-Control": "no-store"}
"""Headers of an answer with status 401."""


def is_login(header: str, user: str, password: str) -> bool:
    """Whether an ``Authorization`` header carries this login; compared in constant time."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        found = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(found, f"{user}:{password}".encode())
