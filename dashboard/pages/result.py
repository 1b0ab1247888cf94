"""Result: who leads, by how much, and whether that can change; turnout; every candidate or party."""

import streamlit as st

from dashboard.view import components, systems
from dashboard.view.reader import Reader
from election.live.snapshots import Snapshot

FIRST_PARTIES = 12


def draw(snapshot: Snapshot, reader: Reader) -> None:
    result = snapshot.result
    if len(result.contests) == 1:
        (contest,) = result.contests
        st.html(components.leader(snapshot, contest, reader))
        st.html(components.figures(snapshot, reader))
        rows, side = st.columns([3, 1], gap="large")
        with rows:
            st.html(components.candidates(snapshot, contest, reader))
        with side:
            st.html(components.candidate_ring(snapshot, contest, reader))
        if staged := systems.stages(snapshot, contest, reader):
            st.html(staged)
        return
    st.html(components.leading_party(snapshot, reader))
    st.html(components.seat_bar(snapshot, reader, stated=False, half_circle=True))
    st.html(components.figures(snapshot, reader))
    if lists := systems.thresholds(snapshot, reader):
        st.html(lists)
    if against := components.against(snapshot, reader):
        st.html(against)
    rows, side = st.columns([3, 1], gap="large")
    with rows:
        everyone = len(result.parties) > FIRST_PARTIES and st.toggle(
            f"All {len(result.parties)} parties", key="parties"
        )
        st.html(components.parties(snapshot, None if everyone else FIRST_PARTIES, reader))
    with side:
        st.html(components.party_ring(snapshot, reader))
