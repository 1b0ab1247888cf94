"""Downloads: the results as files that name their election, time and state, and prove themselves."""

import streamlit as st

from dashboard.files import package_of
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.snapshots import Snapshot

TABLES = [
    ("candidates", "Votes of every candidate"),
    ("contests", "Every contest: turnout, leader, margin"),
    ("locations", "Turnout by place"),
]


def draw(snapshot: Snapshot, reader: Reader) -> None:
    counted = reader.number(snapshot.result.counted)
    election = snapshot.register.election
    since = f" since {reader.moment(election.state_since)}" if election.state_since else ""
    st.html(
        render(
            "downloads.html",
            caption=f"The election is {election.state}{since}; {counted} ballots are counted",
            tables=TABLES,
            slug=election.slug,
            documents=snapshot.register.documents,
            heads=snapshot.register.head is not None,
            package=package_of(election.slug) is not None,
            licence=snapshot.register.licence,
        )
    )
