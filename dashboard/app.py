"""What `streamlit run dashboard/app.py` starts: the pages, and the readers of Kafka and Postgres beside them."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

# Streamlit puts this folder on the path, the package `dashboard` is one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dashboard.feed import feed
from dashboard.files import ROUTES
from dashboard.pages import addresses  # noqa: F401  (imports every page now, not at the first visit)
from election.logs import set_up
from election.settings import Settings


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """The fold begins with the process, so that the first visitor finds it there."""
    set_up(Settings(), "dashboard")
    running = feed()
    yield
    running.stop()


app = st.App(Path(__file__).parent / "pages" / "election_night.py", lifespan=lifespan, routes=ROUTES)
