"""Turnout of a group of voters: ballots counted against those registered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboard.model.register import Dimension, Register
from dashboard.model.result import share
from election.contracts.messages import AgeGroupTurnout, GenderTurnout, LocationTurnout


@dataclass(frozen=True)
class GroupTurnout:
    """``registered`` voters and counted ``ballots`` (valid and invalid) of a place, gender or age group.

    ``registered`` is None while the register cannot be read; ``share`` is None then, and where nobody is registered.
    """

    name: str
    region: str
    country: str
    registered: int | None
    ballots: int

    @property
    def share(self) -> float | None:
        return share(self.ballots, self.registered)


def by_location(register: Register, totals: Iterable[LocationTurnout]) -> tuple[GroupTurnout, ...]:
    """Every location of the register or of the count, by name. Those without a ballot are there with zero."""
    totals = list(totals)
    ballots = {total.location: total.votes for total in totals}
    places = {total.location: (total.city, total.region, total.country) for total in totals}
    places |= {place.number: (place.city, place.region, place.country) for place in register.locations.values()}
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


def _registered(registered: Mapping[str, int], member: str) -> int | None:
    # A member the complete register does not name has nobody registered.
    return registered.get(member, 0) if registered else None
