"""The web applications that Airflow's API server mounts, made when the first request comes.

Every process of Airflow loads the plugin, each task too; what a web server needs is loaded in the API server alone.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from election.orchestration.control_room import addresses
from election.orchestration.control_room.session import SessionGuard
from election.platform import Platform, native
from election.settings import Settings

Scope = dict[str, Any]
Channel = Callable[..., Any]
App = Callable[[Scope, Channel, Channel], Any]


class OnFirstRequest:
    """An ASGI application that ``make`` gives when it is first needed."""

    def __init__(self, make: Callable[[Platform], App]) -> None:
        self._make = make

    @cached_property
    def _app(self) -> App:
        return self._make(native())

    async def __call__(self, scope: Scope, receive: Channel, send: Channel) -> None:
        await self._app(scope, receive, send)


def _pages(platform: Platform) -> App:
    from election.orchestration.control_room.pages import pages

    return pages(platform)


def _data_docs(platform: Platform) -> App:
    from election.orchestration.control_room.data_docs import data_docs

    return data_docs(platform)


_settings = Settings()
MIDDLEWARES: list[dict[str, Any]] = [
    {
        "name": "Session guard",
        "middleware": SessionGuard,
        "kwargs": {"frames": [_settings.dashboard_page], "lifetime": _settings.session_hours * 3600},
    }
]
APPLICATIONS: list[dict[str, Any]] = [
    {"name": "Elections", "url_prefix": addresses.PAGES, "app": OnFirstRequest(_pages)},
    {"name": "Data docs", "url_prefix": addresses.DATA_DOCS, "app": OnFirstRequest(_data_docs)},
]
