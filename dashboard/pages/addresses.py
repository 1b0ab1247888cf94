"""The pages and their addresses, in the order of the navigation."""

from functools import cache
from types import ModuleType

import streamlit as st

from dashboard.pages import contests, downloads, frame, integrity, night, result, turnout

MODULES: dict[str, ModuleType] = {
    "Result": result,
    "Map and contests": contests,
    "Turnout": turnout,
    "Night": night,
    "Integrity": integrity,
    "Downloads": downloads,
}
"""Each page by its title; its address is the name of its module, and the root for the result."""


@cache
def pages() -> frame.Pages:
    """The pages, for a visitor's script: Streamlit makes pages only there."""
    return {title: _page(title, module) for title, module in MODULES.items()}


def _page(title: str, module: ModuleType) -> st.Page:
    default = module is result
    path = None if default else module.__name__.rpartition(".")[2]
    return st.Page(lambda: frame.page(module.draw, pages()), title=title, url_path=path, default=default)
