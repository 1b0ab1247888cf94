"""Asking the stack's own pages."""

from functools import cache

import httpx


@cache
def pages() -> httpx.Client:
    """One client for all who ask: each that is made reads the web's certificates, 28 ms for pages that have none.

    It keeps no connection, which the next who has the port would not know.
    """
    return httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
