"""Turnout of a group of voters: ballots counted against those registered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from election.contracts.aggregates import AgeGroupTurnout, GenderTurnout, LocationTurnout
from election.contracts.aggregates import HourTurnout as HourTotal
from election.live.register import Dimension, Register
from election.live.result import share


@dataclass(frozen=True)
class GroupTurnout:
    """``registered`` voters and counted ``ballots`` (valid and invalid) of a place, gender or age group.

    ``registered`` is None while the register cannot be read; ``share`` is None then, and without registered voters.
    """

    name: str
    region: str
    country: str
    registered: int | None
    ballots: int

    @property
    def share(self) -> float | None:
        return share(self.ballots, self.registered)


@dataclass(frozen=True)
class HourTurnout:
    """``ballots`` cast in the hour that begins ``at``, and ``so_far`` up to its end, of ``registered`` voters."""

    at: datetime
    ballots: int
    so_far: int
    registered: int | None

    @property
    def share(self) -> float | None:
        return share(self.so_far, self.registered)


def by_location(register: Register, totals: Iterable[LocationTurnout]) -> tuple[GroupTurnout, ...]:
    """Every location of the register or of the count, by name. Those without a ballot are there with zero."""
    totals = list(totals)
    ballots = {total.location: total.votes for total in totals}
    places = {total.location: (total.city, total.region, total.country) for total in totals}
    places |= {place.location: (place.city, place.region, place.country) for place in register.locations.values()}
    registered = register.registered.get("location", {})
    groups = [
        GroupTurnout(*where, _registered(registered, str(number)), ballots.get(number, 0))
        for number, where in places.items()
    ]
    return tuple(sorted(groups, key=lambda group: (group.name, group.region, group.country)))


def by_group(
    register: Register, dimension: Dimension, totals: Iterable[GenderTurnout | AgeGroupTurnout]
) -> tuple[GroupTurnout, ...]:
    """Every gender or age group of the register or of the count, by name."""
    ballots = {str(getattr(total, dimension)): total.votes for total in totals}
    registered = register.registered.get(dimension, {})
    members = sorted(set(ballots) | set(registered))
    return tuple(GroupTurnout(m, "", "", _registered(registered, m), ballots.get(m, 0)) for m in members)


def by_hour(totals: Iterable[HourTotal], registered: int | None) -> tuple[HourTurnout, ...]:
    """Every hour in which a ballot was cast, the first first."""
    so_far, hours = 0, []
    for total in sorted(totals, key=lambda total: total.hour):
        so_far += total.votes
        hours.append(HourTurnout(datetime.fromtimestamp(total.hour / 1000, UTC), total.votes, so_far, registered))
    return tuple(hours)


def _registered(registered: Mapping[str, int], member: str) -> int | None:
    # A member that the complete register does not name has no registered voters.
    return registered.get(member, 0) if registered else None
