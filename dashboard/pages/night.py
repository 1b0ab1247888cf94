"""Night: votes a minute, shares as they added up, and the minutes at which the lead changed."""

import streamlit as st

from dashboard.feed.snapshots import Snapshot
from dashboard.view import charts
from dashboard.view.reader import Reader
from dashboard.view.templates import render


def draw(snapshot: Snapshot, reader: Reader) -> None:
    night = snapshot.night
    if not night.minutes:
        st.html(render("statement.html", text="No vote has been counted yet; the night begins with the first."))
        return
    names = charts.names(snapshot)
    charts.votes_per_minute(snapshot, names, reader)
    charts.shares(snapshot, names, reader)
    changes = [
        {
            "time": reader.time(change.at)[:5],
            "name": names.get(change.member, change.member),
            "before": names.get(change.before, change.before) if change.before else None,
            "colour": charts.colour(snapshot, change.member),
            "margin": reader.number(change.margin),
        }
        for change in reversed(night.changes)
    ]
    st.html(render("changes.html", changes=changes))
