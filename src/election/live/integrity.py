"""Whether the figures agree with each other: every claim with both of its sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from election.contracts import topics
from election.contracts.aggregates import AGGREGATES, Of
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
    ranked = sum(contest.valid for contest in result.contests if contest.contest.kind == "ranking")
    wholes: dict[Of, tuple[str, int]] = {
        "all": ("the votes counted", result.votes),
        "valid": ("the valid votes", valid),
        "ranked": ("the valid votes of contests with rankings", ranked),
        "first": ("the ballots counted", result.counted),
    }
    registered = result.register.registered.get("district", {})
    found = [
        Claim(
            "Registered voters by district add up to the electorate",
            sum(registered.values()) or None,
            result.registered,
        ),
        *(
            Claim(
                f"{aggregate.title} add up to {wholes[aggregate.of][0]}", sums[aggregate.topic], wholes[aggregate.of][1]
            )
            for aggregate in AGGREGATES
            if aggregate.of != "ranked" or ranked
        ),
    ]
    verdict = result.register.verdict
    if verdict is not None:
        found += [
            Claim("Ballots stored in the database equal the ballots published", verdict.stored, verdict.published),
            Claim("Ballots published equal the ballots counted", verdict.published, result.votes),
            Claim("Ballots stored in the database equal the ballots counted", verdict.stored, result.votes),
            Claim("Voters registered in the database equal the electorate", verdict.registered, result.registered),
        ]
    return tuple(found)
