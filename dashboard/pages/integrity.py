"""Integrity: whether all figures agree, what was rejected, how far the count is, and the election's states."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard.feed.snapshots import Snapshot
from dashboard.view.reader import Reader
from dashboard.view.templates import render

# Topics arrive one after the other: figures that differ for longer than this differ.
_SETTLED = timedelta(seconds=5)
_STATES = {
    "registered": "registered_at",
    "open": "opened_at",
    "closed": "closed_at",
    "counted": "counted_at",
    "certified": "certified_at",
}


def draw(snapshot: Snapshot, reader: Reader) -> None:
    _voters(snapshot, reader)
    changed = snapshot.reading.changed_at
    moving = changed is not None and datetime.now(UTC) - changed < _SETTLED
    st.html(
        render("claims.html", caption="Figures that must agree", claims=snapshot.claims, moving=moving, reader=reader)
    )
    left, right = st.columns(2, gap="large")
    with left:
        _rejected(snapshot, reader)
        _verdict(snapshot, reader)
    with right:
        _stream(snapshot, reader)
        _states(snapshot, reader)


def _voters(snapshot: Snapshot, reader: Reader) -> None:
    result = snapshot.result
    not_voted = None if result.registered is None else result.registered - result.counted
    figures = [
        ("Registered", reader.number(result.registered), "= voted + not voted"),
        ("Voted", reader.number(result.counted), "ballots counted"),
        ("Not voted", reader.number(not_voted), "or not counted yet"),
        ("Valid", reader.number(result.valid), ""),
        ("Invalid", reader.number(result.invalid), ""),
        ("Rejected records", reader.number(sum(snapshot.reading.rejected.values())), "could not be used; kept whole"),
    ]
    st.html(render("figures.html", figures=[dict(zip(("label", "value", "note"), f, strict=True)) for f in figures]))


def _rejected(snapshot: Snapshot, reader: Reader) -> None:
    rows = [
        (f"{reason.replace('_', ' ')} ({stage})", reader.number(number))
        for (stage, reason), number in sorted(snapshot.reading.rejected.items(), key=lambda item: -item[1])
    ]
    _list("Rejected records by reason", ("Reason", "Records"), rows, "None was rejected.")


def _verdict(snapshot: Snapshot, reader: Reader) -> None:
    verdict = snapshot.register.verdict
    rows: list[tuple[str, str]] = []
    if verdict is not None:
        rows = [
            ("Verdict", "everything agrees" if verdict.ok else "does not agree"),
            ("Given", reader.moment(verdict.given_at)),
            ("Registered", reader.number(verdict.registered)),
            ("Stored", reader.number(verdict.stored)),
            ("Counted", reader.number(verdict.counted)),
            ("Rejected", reader.number(verdict.rejected)),
            *((f"Difference {n}", text) for n, text in enumerate(verdict.differences[:20], 1)),
        ]
    _list("Reconciliation, ballot by ballot", (), rows, "It has not run yet.")


def _stream(snapshot: Snapshot, reader: Reader) -> None:
    batch = snapshot.reading.progress
    rows: list[tuple[str, str]] = []
    if batch is not None:
        rows = [
            ("Last batch", reader.moment(datetime.fromtimestamp(batch.at / 1000, UTC))),
            ("Number of the batch", reader.number(batch.batch)),
            ("It took", f"{reader.number(batch.batch_ms)} ms"),
            ("Ballots waiting on the topic", reader.number(batch.lag)),
            ("Arriving", f"{reader.number(round(batch.input_rate))} a second"),
            ("Counted", f"{reader.number(round(batch.processed_rate))} a second"),
            ("Ballots counted, all elections", reader.number(batch.votes)),
            ("Duplicates dropped since its start", reader.number(batch.duplicates)),
            ("Generation of the count", reader.number(batch.generation)),
        ]
    if snapshot.reading.unusable:
        rows.append(("Messages of no known form, left out", reader.number(snapshot.reading.unusable)))
    _list("The count's stream", (), rows, "The stream has finished no batch yet.")


def _states(snapshot: Snapshot, reader: Reader) -> None:
    election = snapshot.register.election
    rows = [(state, reader.moment(getattr(election, field))) for state, field in _STATES.items()]
    rows.append(("now", election.state))
    _list("States of this election", (), rows, "")


def _list(caption: str, head: tuple[str, ...], rows: list[tuple[str, str]], empty: str) -> None:
    st.html(render("list.html", caption=caption, head=head, rows=rows, empty=empty))
