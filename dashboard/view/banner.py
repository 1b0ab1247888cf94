"""The banner's words: what the numbers are, and why they may be old."""

from datetime import datetime

from dashboard.view.reader import Reader
from dashboard.view.templates import render
from election.live.count import Live
from election.live.reach import Reach
from election.live.snapshots import Snapshot
from election.live.status import Source, Stream, Trouble, kind, troubles

_HEADLINES = {
    "waiting": "No ballot counted yet.",
    "partial": "Partial result.",
    "complete": "Complete, not yet certified.",
    "certified": "Certified result.",
    "refused": "Refused: this result was not certified.",
}


def banner(
    snapshot: Snapshot,
    live: Live,
    kafka: Reach,
    postgres: Reach,
    now: datetime,
    reader: Reader,
    *,
    caught_up: bool = True,
) -> str:
    """The banner's HTML: the count's state, then whatever is wrong."""
    election, result = snapshot.register.election, snapshot.result
    found = kind(election, result.counted)
    sources = Source.of(kafka, loading=not caught_up), Source.of(postgres)
    return render(
        "banner.html",
        kind=found,
        headline=_HEADLINES[found],
        detail=_detail(snapshot, found, reader),
        warnings=[
            {"headline": headline, "detail": detail}
            for headline, detail in (
                _trouble(trouble, reader) for trouble in troubles(election, *sources, Stream.of(live), now)
            )
        ],
    )


def _detail(snapshot: Snapshot, found: str, reader: Reader) -> str:
    election, result = snapshot.register.election, snapshot.result
    counted = f"{reader.number(result.counted)} ballots counted"
    match found:
        case "waiting":
            return {"registered": "Voting has not begun.", "open": "Voting is open."}.get(election.state, "")
        case "partial" if election.state == "closed":
            return f"Voting is over; counting continues: {counted} so far."
        case "partial":
            return f"Counting continues: {counted} of {reader.number(result.registered)} registered voters so far."
        case "complete":
            return f"All {counted}, at {reader.moment(election.counted_at)}."
        case "certified":
            return f"{counted}; decided{_decided(snapshot, reader)}"
        case _:
            return f"The figures are as counted: {counted}; decided{_decided(snapshot, reader)}"


def _decided(snapshot: Snapshot, reader: Reader) -> str:
    """When, and the reason that the person or the run with ``auto_certify`` gave."""
    at, decision = snapshot.register.election.decided_at, snapshot.register.decision
    return (f" on {reader.moment(at)}" if at else "") + (f": “{decision.reason[:200]}”" if decision else ".")


def _trouble(trouble: Trouble, reader: Reader) -> tuple[str, str]:
    since = reader.moment(trouble.since) if trouble.since else "the start"
    old, missing = "These numbers are old.", "Something is missing."
    return {
        "loading": (
            "Reading the count.",
            "The topics are being read from their beginning; totals are not complete yet.",
        ),
        "kafka": (old, f"Kafka has not answered since {since}; they are as of then. ({trouble.detail})"),
        "postgres": (
            "Names and state may be old.",
            f"Postgres has not answered since {since}; the register and the state are as of then. ({trouble.detail})",
        ),
        "topics": (
            missing,
            f"Since {since} Kafka does not have {trouble.detail}; `election prepare` creates the topics.",
        ),
        "tables": (missing, f"Since {since} Postgres has no election tables; the first run creates them."),
        "versions": (
            missing,
            f"Since {since} there are messages in a format that these pages do not know ({trouble.detail}); "
            "they are left out. A newer dashboard may know them.",
        ),
        "count": (old, f"Ballots arrive, but the tally has finished no batch since {since}."),
    }[trouble.cause]
