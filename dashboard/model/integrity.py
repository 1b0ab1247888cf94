"""Whether the figures agree with each other: every claim with both of its sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.model.result import Result
from election.contracts import topics


@dataclass(frozen=True)
class Claim:
    """Two figures that must be equal; None on a side that is not known yet."""

    text: str
    left: int | None
    right: int | None

    @property
    def holds(self) -> bool | None:
        return None if self.left is None or self.right is None else self.left == self.right


def claims(result: Result, by_topic: Mapping[str, list[Any]]) -> tuple[Claim, ...]:
    """What must agree at every moment between two batches, and with the database once it was reconciled.

    Topics arrive one after the other, so that a claim may be out for a moment while ballots are counted.
    """
    sums = {topic: sum(total.votes for total in totals) for topic, totals in by_topic.items()}
    valid = sum(t.votes for t in by_topic[topics.BALLOTS_PER_CONTEST] if t.validity == "valid")
    registered = result.register.registered.get("contest", {})
    found = [
        Claim(
            "Registered voters by contest add up to the electorate", sum(registered.values()) or None, result.registered
        ),
        Claim(
            "Valid and invalid ballots add up to the ballots counted", result.counted, sums[topics.BALLOTS_PER_CONTEST]
        ),
        Claim("Candidates' votes add up to the valid ballots", sums[topics.VOTES_PER_CANDIDATE], valid),
        Claim("Parties' votes add up to the valid ballots", sums[topics.VOTES_PER_PARTY], valid),
        Claim("Votes by minute add up to the valid ballots", sums[topics.VOTES_PER_MINUTE], valid),
        Claim("Ballots by location add up to the ballots counted", sums[topics.TURNOUT_BY_LOCATION], result.counted),
        Claim("Ballots by gender add up to the ballots counted", sums[topics.TURNOUT_BY_GENDER], result.counted),
        Claim("Ballots by age group add up to the ballots counted", sums[topics.TURNOUT_BY_AGE_GROUP], result.counted),
    ]
    verdict = result.register.verdict
    if verdict is not None:
        found += [
            Claim("Ballots stored in the database equal the ballots published", verdict.stored, verdict.published),
            Claim("Ballots published equal the ballots counted", verdict.published, result.counted),
            Claim("Ballots stored in the database equal the ballots counted", verdict.stored, result.counted),
            Claim("Voters registered in the database equal the electorate", verdict.registered, result.registered),
        ]
    return tuple(found)
