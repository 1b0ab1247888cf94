"""Night: votes a minute, shares as they added up, and the minutes at which the lead changed."""

import streamlit as st

from dashboard.view import charts
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.snapshots import Snapshot

_ALL = "All contests, by party"


def draw(snapshot: Snapshot, reader: Reader) -> None:
    chosen = _chosen(snapshot)
    night = snapshot.night if chosen is None else snapshot.night_of(chosen)
    apart = [result.contest for result in snapshot.result.contests if result.contest.polling_day]
    if apart:
        st.html(render("apart.html", contests=apart, reader=reader))
    if not night.minutes:
        st.html(render("statement.html", text="No vote has been counted yet; the night begins with the first."))
        return
    names = charts.names(snapshot, night)
    charts.votes_per_minute(snapshot, night, names, reader)
    charts.shares(snapshot, night, names, reader)
    changes = [
        {
            "time": reader.time(change.at)[:5],
            "name": names.get(change.member, change.member),
            "before": names.get(change.before, change.before) if change.before else None,
            "colour": charts.colour(snapshot, night, change.member),
            "margin": reader.number(change.margin),
        }
        for change in reversed(night.changes)
    ]
    st.html(render("changes.html", changes=changes))


def _chosen(snapshot: Snapshot) -> int | None:
    """The number of the contest to look at; None for all. Only minutes kept by candidate tell contests apart."""
    contests = snapshot.register.contests
    if snapshot.register.election.series != "candidate" or len(contests) == 1:
        return None
    by_id = {contest.id: contest for contest in contests}
    asked = st.query_params.get("contest", "")
    chosen = st.selectbox(
        "Contest",
        ["", *by_id],
        index=list(by_id).index(asked) + 1 if asked in by_id else 0,
        format_func=lambda key: by_id[key].name if key else _ALL,
    )
    return by_id[chosen].number if chosen else None
