"""Every topic: its name, form, partitions and configuration. The one place for topic names."""

from dataclasses import dataclass, field

import msgspec

from election.contracts import messages

VOTERS = "voters_topic"
CANDIDATES = "candidates_topic"
BALLOTS = "ballots_topic"
VOTES = "votes_topic"
REJECTED = "rejected_topic"
VOTES_PER_CANDIDATE = "aggregated_votes_per_candidate"
BALLOTS_PER_CONTEST = "aggregated_ballots_per_contest"
VOTES_PER_PARTY = "aggregated_votes_per_party"
TURNOUT_BY_LOCATION = "aggregated_turnout_by_location"
TURNOUT_BY_GENDER = "aggregated_turnout_by_gender"
TURNOUT_BY_AGE_GROUP = "aggregated_turnout_by_age_group"
VOTES_PER_MINUTE = "aggregated_votes_per_minute"
TALLY_PROGRESS = "tally_progress_topic"

_KEEP = {"retention.ms": "-1", "retention.bytes": "-1"}  # a rebuild counts from the beginning
# Only closed segments are compacted: small ones keep what a reader begins with near one record a key.
_COMPACT = {
    "cleanup.policy": "compact",
    "retention.ms": "-1",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(16 * 1_048_576),
}
# A feed's records are weighed as they are: a megabyte of zeros takes a few kilobytes on the way, and what does not fit
# into rejected_topic would stop every worker that meets it.
_FEED = _KEEP | {"compression.type": "uncompressed"}
MAX_MESSAGE_BYTES = 1_048_576
# Casting's records have a few hundred bytes; a larger one is refused unread.
MAX_RECORD_BYTES = 65_536
# A rejected record travels whole in base64, so its topic takes larger messages than its sources.
MAX_REJECTED_BYTES = 2 * MAX_MESSAGE_BYTES


@dataclass(frozen=True)
class Topic:
    """A topic of the platform. ``partitions`` names the setting or gives the number."""

    name: str
    form: type[msgspec.Struct]
    partitions: int | str = 1
    config: dict[str, str] = field(default_factory=dict)


AGGREGATES: dict[str, type[messages.Aggregate]] = {
    VOTES_PER_CANDIDATE: messages.CandidateTotal,
    BALLOTS_PER_CONTEST: messages.ContestTotal,
    VOTES_PER_PARTY: messages.PartyTotal,
    TURNOUT_BY_LOCATION: messages.LocationTurnout,
    TURNOUT_BY_GENDER: messages.GenderTurnout,
    TURNOUT_BY_AGE_GROUP: messages.AgeGroupTurnout,
    VOTES_PER_MINUTE: messages.MinuteTotal,
}

TOPICS: tuple[Topic, ...] = (
    Topic(VOTERS, messages.VoterRecord, "voters_partitions", _KEEP),
    Topic(CANDIDATES, messages.CandidateRecord, 1, _COMPACT),
    Topic(BALLOTS, messages.ExternalBallot, "voters_partitions", _FEED),
    Topic(VOTES, messages.VoteMessage, "votes_partitions", _KEEP),
    Topic(REJECTED, messages.RejectedRecord, 1, _COMPACT | {"max.message.bytes": str(MAX_REJECTED_BYTES)}),
    *(Topic(name, form, 1, _COMPACT) for name, form in AGGREGATES.items()),
    Topic(TALLY_PROGRESS, messages.TallyProgress, 1, _COMPACT),
)
