"""Every topic: its name, form, partitions and configuration. Aggregates declare their own topics."""

import inspect
from dataclasses import dataclass, field

import msgspec

from election.contracts import aggregates, messages

VOTERS = "voters_topic"
CANDIDATES = "candidates_topic"
BALLOTS = "ballots_topic"
VOTES = "votes_topic"
REJECTED = "rejected_topic"
VOTES_PER_CANDIDATE = aggregates.VOTES_PER_CANDIDATE.topic
BALLOTS_PER_CONTEST = aggregates.BALLOTS_PER_CONTEST.topic
VOTES_PER_PARTY = aggregates.VOTES_PER_PARTY.topic
VOTES_PER_RANKING = aggregates.VOTES_PER_RANKING.topic
TURNOUT_BY_LOCATION = aggregates.TURNOUT_BY_LOCATION.topic
TURNOUT_BY_GENDER = aggregates.TURNOUT_BY_GENDER.topic
TURNOUT_BY_AGE_GROUP = aggregates.TURNOUT_BY_AGE_GROUP.topic
VOTES_PER_MINUTE = aggregates.VOTES_PER_MINUTE.topic
TALLY_PROGRESS = "tally_progress_topic"
LOG_HEADS = "log_heads_topic"

_KEEP = {"retention.ms": "-1", "retention.bytes": "-1"}  # a rebuild counts from the beginning
# Kafka compacts only closed segments. Small ones keep what a new reader has to read near one record a key.
_COMPACT = {
    "cleanup.policy": "compact",
    "retention.ms": "-1",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(16 * 1_048_576),
}
# The size limit must apply to uncompressed records of a feed: a megabyte of zeros compresses to a few kilobytes. A
# record that does not fit into rejected_topic would stop every worker that reads it.
_FEED = _KEEP | {"compression.type": "uncompressed"}
MAX_MESSAGE_BYTES = 1_048_576
# Casting's records have a few hundred bytes. A larger one is rejected without being parsed.
MAX_RECORD_BYTES = 65_536
# A rejected record is sent whole, in base64, so its topic allows larger messages than its sources.
MAX_REJECTED_BYTES = 2 * MAX_MESSAGE_BYTES


@dataclass(frozen=True)
class Topic:
    """A topic of the platform. ``partitions`` names the setting or gives the number."""

    name: str
    form: type[msgspec.Struct]
    partitions: int | str = 1
    config: dict[str, str] = field(default_factory=dict)
    description: str = ""
    """Of the message and its key; by default the docstring of the form."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "description", self.description or inspect.getdoc(self.form))


AGGREGATES: dict[str, type[aggregates.Total]] = {
    aggregate.topic: aggregate.message for aggregate in aggregates.AGGREGATES
}

TOPICS: tuple[Topic, ...] = (
    Topic(VOTERS, messages.VoterRecord, "voters_partitions", _KEEP),
    Topic(CANDIDATES, messages.CandidateRecord, 1, _COMPACT),
    Topic(BALLOTS, messages.ExternalBallot, "voters_partitions", _FEED),
    Topic(VOTES, messages.VoteMessage, "votes_partitions", _KEEP),
    Topic(REJECTED, messages.RejectedRecord, 1, _COMPACT | {"max.message.bytes": str(MAX_REJECTED_BYTES)}),
    *(Topic(a.topic, a.message, 1, _COMPACT, a.description) for a in aggregates.AGGREGATES),
    Topic(TALLY_PROGRESS, messages.TallyProgress, 1, _COMPACT),
    Topic(LOG_HEADS, messages.LogHead, 1, _COMPACT),
)
