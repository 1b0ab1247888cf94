"""Whether the figures agree with each other: every claim with both of its sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from election.contracts import topics
from election.contracts.aggregates import AGGREGATES
from election.live.result import Result


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
        *(
            Claim(f"{aggregate.title} add up to the valid ballots", sums[aggregate.topic], valid)
            if aggregate.valid_only
            else Claim(f"{aggregate.title} add up to the ballots counted", sums[aggregate.topic], result.counted)
            for aggregate in AGGREGATES
        ),
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
