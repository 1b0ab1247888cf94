"""What the numbers are at this moment: partial, complete, certified or refused; and whether they are old."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from election.live.count import Live
from election.live.reach import Reach
from election.live.register import Election

Kind = Literal["waiting", "partial", "complete", "certified", "refused"]
Cause = Literal["loading", "kafka", "postgres", "topics", "tables", "versions", "count"]
OLD = timedelta(seconds=10)


@dataclass(frozen=True)
class Source:
    """A source's health: its last answer, and its trouble (empty while it answers) since when. Times are UTC.

    ``asked_at`` is when it was asked first: one that never answers is silent since then, with a trouble or without.
    """

    answered_at: datetime | None
    asked_at: datetime
    trouble: str = ""
    trouble_since: datetime | None = None
    missing: tuple[str, ...] = ()
    missing_since: datetime | None = None
    loading: bool = False

    @classmethod
    def of(cls, reach: Reach, *, loading: bool = False) -> "Source":
        """``loading``: the topics are still being read from their beginning."""
        return cls(
            reach.answered_at,
            reach.asked_at,
            reach.trouble,
            reach.trouble_since,
            reach.missing,
            reach.missing_since,
            loading,
        )


@dataclass(frozen=True)
class Stream:
    """The tally's report: when it last reported, when its last batch ended, how many ballots waited then.

    ``ballots_at`` is when ballots last arrived on the topic that it reads; ``unusable`` messages have no known form.
    """

    told_at: datetime | None = None
    batch_at: datetime | None = None
    lag: int = 0
    ballots_at: datetime | None = None
    unusable: int = 0
    unusable_since: datetime | None = None

    @classmethod
    def of(cls, live: Live) -> "Stream":
        told = live.progress
        return cls(
            datetime.fromtimestamp(told.at / 1000, UTC) if told else None,
            live.batch_at,
            told.lag if told else 0,
            live.ballots_at,
            live.unusable,
            live.unusable_since,
        )

    def stands_still(self, now: datetime) -> bool:
        """Ballots wait, and no batch has ended for longer than numbers may be old."""
        if self.batch_at is not None and now - self.batch_at <= OLD:
            return False
        told = self.told_at or datetime.min.replace(tzinfo=UTC)
        silent = now - told > OLD and self.ballots_at is not None and self.ballots_at > told
        return silent or self.lag > 0


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
        never = source.answered_at is None and bool(source.trouble)
        if never or now - (source.answered_at or source.asked_at) > OLD:  # one that hangs tells of no trouble
            since = source.trouble_since or source.answered_at
            found.append(Trouble(cause, since, source.trouble or "It gives no answer at all."))  # type: ignore[arg-type]
    if kafka.loading and not kafka.trouble:
        found.append(Trouble("loading", None))
    if kafka.missing:
        found.append(Trouble("topics", kafka.missing_since, ", ".join(kafka.missing)))
    if postgres.missing:
        found.append(Trouble("tables", postgres.missing_since))
    if stream.unusable:
        found.append(Trouble("versions", stream.unusable_since, str(stream.unusable)))
    if election.state in ("open", "closed") and stream.stands_still(now):
        found.append(Trouble("count", stream.batch_at))
    return found
