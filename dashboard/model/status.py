"""What the numbers are at this moment: partial, complete, certified or refused; and whether they are old."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from dashboard.model.register import Election

Kind = Literal["waiting", "partial", "complete", "certified", "refused"]
Cause = Literal["loading", "kafka", "postgres", "topics", "tables", "count"]
OLD = timedelta(seconds=10)


@dataclass(frozen=True)
class Source:
    """A source's health: its last answer, and its trouble (empty while it answers) since when. Times are UTC."""

    answered_at: datetime | None
    trouble: str = ""
    trouble_since: datetime | None = None
    missing: tuple[str, ...] = ()
    loading: bool = False


@dataclass(frozen=True)
class Stream:
    """The stream's last batch, and when ballots last arrived on the topic that it reads."""

    batch_at: datetime | None
    ballots_at: datetime | None


@dataclass(frozen=True)
class Trouble:
    """Why numbers may be old or missing: ``cause`` since ``since`` (None: from the start), in the source's words."""

    cause: Cause
    since: datetime | None
    detail: str = ""


def kind(election: Election, counted: int) -> Kind:
    """What the count is: ``complete`` means all ballots counted, not yet certified."""
    match election.state:
        case "certified":
            return "certified"
        case "refused":
            return "refused"
        case "counted":
            return "complete"
    return "partial" if counted else "waiting"


def troubles(election: Election, kafka: Source, postgres: Source, stream: Stream, now: datetime) -> list[Trouble]:
    """Everything that makes what is shown older than ten seconds, or incomplete."""
    found = []
    for cause, source in (("kafka", kafka), ("postgres", postgres)):
        silent = source.answered_at is None or now - source.answered_at > OLD
        if source.trouble and silent:
            found.append(Trouble(cause, source.trouble_since, source.trouble))  # type: ignore[arg-type]
    if kafka.loading and not kafka.trouble:
        found.append(Trouble("loading", None))
    if kafka.missing:
        found.append(Trouble("topics", kafka.answered_at, ", ".join(kafka.missing)))
    if postgres.missing:
        found.append(Trouble("tables", postgres.answered_at))
    still = stream.batch_at or datetime.min.replace(tzinfo=UTC)
    running = election.state in ("open", "closed")
    if running and stream.ballots_at is not None and stream.ballots_at > still and now - still > OLD:
        found.append(Trouble("count", stream.batch_at))
    return found
