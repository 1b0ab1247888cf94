"""Integrity: whether all figures agree, what was rejected, how far the count is, and the election's states."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard.feed import feed
from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.contracts.public import Verdict
from election.live.integrity import Claim
from election.live.register import LogHead
from election.live.snapshots import Snapshot

# Topics arrive one after the other: figures that differ for longer than this differ.
_SETTLED = timedelta(seconds=5)
_STATES = {
    "registered": "registered_at",
    "open": "opened_at",
    "closed": "closed_at",
    "counted": "counted_at",
}


def draw(snapshot: Snapshot, reader: Reader) -> None:
    _voters(snapshot, reader)
    _chain(snapshot, reader)
    changed = snapshot.reading.changed_at
    moving = changed is not None and datetime.now(UTC) - changed < _SETTLED
    st.html(
        render("claims.html", caption="Figures that must agree", claims=snapshot.claims, moving=moving, reader=reader)
    )
    left, right = st.columns(2, gap="large")
    with left:
        _states(snapshot, reader)
        _verdict("Reconciliation, ballot by ballot", snapshot.register.verdict, "It has not run yet.", reader)
        if snapshot.register.recount:
            _verdict("Recount, against the certified result", snapshot.register.recount, "", reader)
        _validations(snapshot, reader)
    with right:
        _stream(reader)
        _rejected(snapshot, reader)
        _heads(snapshot, reader)
        _quarantines(snapshot, reader)


def _voters(snapshot: Snapshot, reader: Reader) -> None:
    result = snapshot.result
    not_voted = None if result.registered is None else result.registered - result.counted
    figures = [
        ("Registered", reader.number(result.registered), "= voted + not voted"),
        ("Voted", reader.number(result.counted), "ballots counted"),
        ("Not voted", reader.number(not_voted), "or not counted yet"),
        ("Valid", reader.number(result.valid), ""),
        ("Invalid", reader.number(result.invalid), ""),
        ("Rejected records", reader.number(sum(snapshot.reading.rejected.values())), "could not be used; kept apart"),
    ]
    st.html(render("figures.html", figures=[dict(zip(("label", "value", "note"), f, strict=True)) for f in figures]))


def _chain(snapshot: Snapshot, reader: Reader) -> None:
    """Stored = published = counted: the first two as the reconciliation found them, ballot by ballot."""
    register, counted = snapshot.register, snapshot.reading.counted.ballots
    verdict = register.verdict
    stored, published = (verdict.stored, verdict.published) if verdict else (None, None)
    note = f"compared {reader.moment(verdict.given_at)}" if verdict else "compared when the count is over"
    links = [
        {"label": "Stored", "value": reader.number(stored), "note": f"in the database; {note}", "equal": None},
        {"label": "Published", "value": reader.number(published), "note": f"on votes_topic; {note}",
         "equal": Claim("", stored, published).holds},
        {"label": "Counted", "value": reader.number(counted), "note": "in the totals on the topics, now",
         "equal": Claim("", published, counted).holds},
    ]  # fmt: skip
    if register.certified:
        certified = register.certified.ballots
        links.append({"label": "Certified", "value": reader.number(certified), "note": "frozen; what these pages show",
                      "equal": Claim("", counted, certified).holds})  # fmt: skip
    st.html(render("chain.html", links=links))


def _validations(snapshot: Snapshot, reader: Reader) -> None:
    docs = f"{feed().platform.settings.airflow_page}/data-docs"
    st.html(render("validations.html", rows=snapshot.register.validations, docs=docs, reader=reader))


def _rejected(snapshot: Snapshot, reader: Reader) -> None:
    rows = [
        (f"{reason.replace('_', ' ')} ({stage})", reader.number(number))
        for (stage, reason), number in sorted(snapshot.reading.rejected.items(), key=lambda item: -item[1])
    ]
    _list("Rejected records by reason", ("Reason", "Records"), rows, "No record was rejected.")


def _verdict(caption: str, verdict: Verdict | None, empty: str, reader: Reader) -> None:
    rows: list[tuple[str, str]] = []
    if verdict is not None:
        rows = [
            ("Verdict", "everything agrees" if verdict.ok else "does not agree"),
            ("Given", reader.moment(verdict.given_at)),
            ("Registered", reader.number(verdict.registered)),
            ("Stored", reader.number(verdict.stored)),
            ("Published", reader.number(verdict.published)),
            ("Counted", reader.number(verdict.counted)),
            ("Rejected", reader.number(verdict.rejected)),
            *((f"Difference {n}", text) for n, text in enumerate(verdict.differences[:20], 1)),
        ]
    _list(caption, (), rows, empty)


def _stream(reader: Reader) -> None:
    live = feed().count.live
    batch = live.progress
    rows: list[tuple[str, str]] = []
    if batch is not None:
        rows = [
            ("Last batch", reader.moment(live.batch_at)),
            ("Batch number", reader.number(batch.batch)),
            ("Batch duration", f"{reader.number(batch.batch_ms)} ms"),
            ("Ballots waiting on the topic", reader.number(batch.lag)),
            ("Arriving", f"{reader.number(round(batch.input_rate))} a second"),
            ("Counted", f"{reader.number(round(batch.processed_rate))} a second"),
            ("Ballots counted, all elections", reader.number(batch.votes)),
            ("Duplicates dropped since its start", reader.number(batch.duplicates)),
            ("Generation of the tally", reader.number(batch.generation)),
        ]
    if live.unusable:
        rows.append(("Unreadable messages skipped", reader.number(live.unusable)))
    _list("The count's stream", (), rows, "The stream has finished no batch yet.")


def _heads(snapshot: Snapshot, reader: Reader) -> None:
    """The newest heads of log and journal: a kept copy shows whether one of them is rewritten."""
    register = snapshot.register
    _head("Log of published ballots: newest head", "Root", register.head, "No ballot is sealed yet.", reader)
    empty = "No verdict or decision is signed yet."
    _head("Journal of decisions: newest head", "Last hash", register.journal_head, empty, reader)


def _head(caption: str, states: str, head: LogHead | None, empty: str, reader: Reader) -> None:
    rows: list[tuple[str, str]] = []
    if head is not None:
        rows = [
            ("Entries", reader.number(head.size)),
            (states, head.root),
            ("Sealed", reader.moment(head.sealed_at)),
            ("Key", head.verifier_key),
        ]
    _list(caption, (), rows, empty)


def _quarantines(snapshot: Snapshot, reader: Reader) -> None:
    """Forged messages that a person excluded from the tally; empty without any."""
    for decided in snapshot.register.quarantines:
        rows = [
            ("Messages on votes_topic that are not stored ballots", reader.number(decided.messages)),
            ("Excluded from the tally by", f"{decided.decided_by}, {reader.moment(decided.decided_at)}"),
            ("Reason", decided.reason),
        ]
        _list("Quarantine", (), rows, "")


def _states(snapshot: Snapshot, reader: Reader) -> None:
    election = snapshot.register.election
    rows = [(state, reader.moment(getattr(election, field))) for state, field in _STATES.items()]
    decided = election.state if election.state in ("certified", "refused") else "certified or refused"
    rows.append((decided, reader.moment(election.decided_at)))
    marked = [(f"{state} (now)" if state == election.state else state, when) for state, when in rows]
    if decision := snapshot.register.decision:
        marked += [(f"{decision.decision} by", decision.decided_by), ("reason", decision.reason)]
    _list("State of this election, and when it was reached", (), marked, "")


def _list(caption: str, head: tuple[str, ...], rows: list[tuple[str, str]], empty: str) -> None:
    st.html(render("list.html", caption=caption, head=head, rows=rows, empty=empty))
