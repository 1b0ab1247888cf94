"""The rules by which votes become seats: ``[system]`` of scenario.toml, one class for each system."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from election.outcome.apportionment import Method

WhenNobodyLeads = Literal["vacant", "next"]


@dataclass(frozen=True)
class Rules:
    """Plurality. ``system`` is how votes become seats.

    The other two say what happens if a line that is no person has the most votes: ``vacant`` leaves the seat empty,
    ``next`` gives it to the person with the most votes.
    """

    system: Literal["plurality"] = "plurality"
    none_of_the_above_leads: WhenNobodyLeads = "vacant"
    write_ins_lead: WhenNobodyLeads = "vacant"


@dataclass(frozen=True)
class ListRules:
    """Party lists share out the seats by ``method``.

    ``level``: ``contest`` shares out each contest's own seats, ``nationwide`` the ``seats`` of the whole to parties
    and then each party's to its lists. ``threshold``: percent of the valid votes that a party needs, in the contest or
    in the whole (``threshold_level``). ``minorities`` are parties that need none.
    """

    system: Literal["list"] = "list"
    method: Method = "sainte-lague"
    level: Literal["contest", "nationwide"] = "contest"
    seats: int = 0
    threshold: float = 0
    threshold_level: Literal["contest", "nationwide"] = "nationwide"
    minorities: tuple[str, ...] = ()

    @property
    def share(self) -> Fraction:
        """The threshold as an exact share of the votes: 5 or 2.5 percent as they are written."""
        return Fraction(str(self.threshold)) / 100


@dataclass(frozen=True)
class MixedRules:
    """Germany since 2023: ``seats`` by second votes, taken first by constituency winners as far as they are covered.

    ``constituencies``: so many won let a party pass the ``threshold`` (percent); 0: never. ``independents`` are the
    abbreviations under which candidates without a party stand.
    """

    system: Literal["mixed"] = "mixed"
    method: Method = "sainte-lague"
    seats: int = 630
    threshold: float = 5
    constituencies: int = 3
    minorities: tuple[str, ...] = ()
    independents: tuple[str, ...] = ()

    @property
    def nationwide(self) -> ListRules:
        """The rules by which second votes become seats."""
        return ListRules("list", self.method, "nationwide", self.seats, self.threshold, "nationwide", self.minorities)


@dataclass(frozen=True)
class RankedRules:
    """Rankings: ``stv`` fills a contest's seats by quota, ``irv`` one seat by majority."""

    system: Literal["stv", "irv"] = "stv"


@dataclass(frozen=True)
class WinnerTakeAllRules:
    """All seats (electors) of a contest go to its winner.

    In the contests of ``split`` (their ids) each district gives one to its own winner, the rest go to the contest's.
    """

    system: Literal["winner-take-all"] = "winner-take-all"
    split: tuple[str, ...] = ()


AnyRules = Rules | ListRules | MixedRules | RankedRules | WinnerTakeAllRules
DEFAULT = Rules()
BY_SYSTEM: Mapping[str, type[AnyRules]] = {
    "plurality": Rules,
    "list": ListRules,
    "mixed": MixedRules,
    "stv": RankedRules,
    "irv": RankedRules,
    "winner-take-all": WinnerTakeAllRules,
}


def rules_of(parameters: Mapping[str, Any]) -> AnyRules:
    """The rules with which an election was registered, from its ``parameters``."""
    return made(parameters.get("system") or {})


def made(values: Mapping[str, Any]) -> AnyRules:
    """The rules with these values, by field; lists become tuples. ``system`` says which, by default plurality."""
    form: type[Any] = BY_SYSTEM[values.get("system", "plurality")]
    rules: AnyRules = form(**{name: tuple(one) if isinstance(one, list) else one for name, one in values.items()})
    return rules
