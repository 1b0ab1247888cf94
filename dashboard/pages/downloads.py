"""Downloads: the results as files that name their election, time and state, and prove themselves."""

import streamlit as st

from dashboard.feed.snapshots import Snapshot
from dashboard.view.reader import Reader
from dashboard.view.templates import render

TABLES = [
    ("candidates", "Votes of every candidate"),
    ("contests", "Every contest: turnout, leader, margin"),
    ("locations", "Turnout by place"),
]


def draw(snapshot: Snapshot, reader: Reader) -> None:
    counted = reader.number(snapshot.result.counted)
    st.html(
        render(
            "downloads.html",
            caption=f"As they are now: {snapshot.register.election.state}, {counted} ballots counted",
            tables=TABLES,
            slug=snapshot.register.election.slug,
            licence=snapshot.register.licence,
        )
    )
