"""Charts of the night (Vega-Lite). Names go in as data, where nothing reads them as markup."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import streamlit as st

from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.colours import NEUTRAL
from election.live.night import Night
from election.live.snapshots import Snapshot

MOST_SERIES = 6
OTHERS = "Others"
_SHORTEST = timedelta(minutes=10)
_REST = ""  # the series of the others; no member's key is empty


def colour(snapshot: Snapshot, night: Night, member: str) -> str:
    return snapshot.colours.get(night.parties.get(member, ""), NEUTRAL)


def names(snapshot: Snapshot, night: Night) -> dict[str, str]:
    """What each series is called; parties by their names."""
    register = snapshot.register
    return {
        member: register.party(member).name if night.parties[member] == member else label
        for member, label in night.labels.items()
    }


def votes_per_minute(snapshot: Snapshot, night: Night, names: dict[str, str], reader: Reader) -> None:
    """Bars of valid votes by the minute in which they were cast."""
    shown = list(names)[:MOST_SERIES]
    rows = []
    for minute in night.minutes:
        others = sum(votes for member, votes in minute.votes.items() if member not in shown)
        each = [(member, minute.votes.get(member, 0)) for member in shown]
        rows += [(minute.at, member, votes) for member, votes in [*each, (_REST, others)] if votes]
    last = night.minutes[-1]
    said = f"Votes a minute; {reader.number(sum(last.votes.values()))} in the last, at {reader.time(last.at)[:5]}."
    _chart(snapshot, night, names, rows, "votes", "Votes a minute", {"type": "bar"}, ",.0f", said, reader)


def shares(snapshot: Snapshot, night: Night, names: dict[str, str], reader: Reader) -> None:
    """Lines of the share of all votes counted up to each minute."""
    shown = list(names)[:MOST_SERIES]
    rows = [(minute.at, member, minute.shares.get(member, 0.0)) for minute in night.minutes for member in shown]
    last = night.minutes[-1].shares
    said = ", ".join(f"{names[member]} {reader.share(last.get(member, 0.0))}" for member in shown)
    changes = [{"at": change.at.isoformat(), "name": names.get(change.member, "")} for change in night.changes]
    mark = {"type": "line", "point": {"size": 18} if len(night.minutes) < 40 else False, "strokeWidth": 2.5}
    said = f"Shares as they added up: {said}."
    _chart(snapshot, night, names, rows, "share", "Share of votes so far", mark, ".0%", said, reader, changes)


def _times(at: Sequence[datetime]) -> dict[str, Any]:
    """The axis of a night's first minutes is as long as that of ten: a bar stays a bar, and no label is there twice."""
    first, last = min(at), max(at)
    if last - first >= _SHORTEST:
        return {}
    begin = first - timedelta(minutes=(_SHORTEST - (last - first)) // timedelta(minutes=2))
    return {"domain": [_vega(begin), _vega(begin + _SHORTEST)]}


def _vega(at: datetime) -> dict[str, Any]:
    at = at.astimezone(UTC)
    parts = {"year": at.year, "month": at.month, "date": at.day, "hours": at.hour, "minutes": at.minute}
    return {**parts, "utc": True}


def _chart(
    snapshot: Snapshot,
    night: Night,
    names: dict[str, str],
    rows: Sequence[tuple[datetime, str, float]],
    value: str,
    title: str,
    mark: dict[str, Any],
    form: str,
    said: str,
    reader: Reader,
    changes: Sequence[dict[str, str]] = (),
) -> None:
    """``rows`` are moment, member and value: two of one name stay two series."""
    colours = {member: colour(snapshot, night, member) for member in list(names)[:MOST_SERIES]}
    if len(names) > MOST_SERIES and value == "votes":
        colours[_REST] = NEUTRAL
    labels = {**names, _REST: OTHERS}
    columns = dict(zip(("at", "series", value), zip(*rows, strict=True), strict=True))
    columns["name"] = tuple(labels[member] for member in columns["series"])
    parts = [{"name": labels[member], "colour": hue} for member, hue in colours.items()]
    st.html(render("legend.html", title=title, parts=parts, dashed="change of the lead" if changes else ""))
    data = pa.table(columns)
    spec: dict[str, Any] = {
        "mark": mark,
        "encoding": {
            "x": {"field": "at", "type": "temporal", "title": None, "scale": _times(columns["at"]),
                  "axis": {"format": "%H:%M", "labelOverlap": True, "tickMinStep": 60_000},
                  **({"timeUnit": "yearmonthdatehoursminutes", "bandPosition": 0} if value == "votes" else {})},
            "y": {"field": value, "type": "quantitative", "title": None, "axis": {"format": form, "tickCount": 5}},
            "color": {"field": "series", "type": "nominal", "title": None,
                      "scale": {"domain": list(colours), "range": list(colours.values())}, "legend": None},
            "tooltip": [{"field": "at", "type": "temporal", "format": "%H:%M", "title": "Minute"},
                        {"field": "name", "title": "Name"}, {"field": value, "format": form, "title": title}],
        },
    }  # fmt: skip
    if changes:
        rule = {
            "data": {"values": list(changes)},
            "mark": {"type": "rule", "strokeDash": [4, 4], "color": NEUTRAL},
            "encoding": {
                "x": {"field": "at", "type": "temporal"},
                "tooltip": [{"field": "at", "type": "temporal", "format": "%H:%M", "title": "Lead changed"},
                            {"field": "name", "title": "To"}],
            },
        }  # fmt: skip
        spec = {"layer": [spec, rule]}
    spec["config"] = {"locale": {"number": reader.d3}}
    st.vega_lite_chart(data, spec, height=260, alt=said)
