"""Who wins a contest by the most votes: its seats, and which parties can still have its one seat.

Source: see ``plurality``. Constituencies of a mixed system and contests of an electoral college are won the same way.
"""

from collections.abc import Iterable, Mapping

from election.outcome.contenders import Contender
from election.outcome.race import Elected, Race
from election.outcome.rules import DEFAULT, Rules
from election.outcome.ties import Draw


def elect(
    race: Race, votes: Mapping[int, int], draw: Draw, rules: Rules = DEFAULT, *, step: str = "seat"
) -> tuple[Elected, ...]:
    """Who has the contest's seats by ``votes`` (by line), most votes first; equal ones for the last seat by lot.

    A line that is no person keeps a seat vacant, and alone or with others the last one, unless the rules pass over it.
    """
    if race.unopposed:
        return tuple(Elected(contender, 0, "unopposed") for contender in race.contenders)
    voted = [claim for claim in _claims(race, votes, rules) if claim[0]]
    if len(voted) <= race.seats:
        return _persons(voted)
    last = voted[race.seats - 1][0]
    above = [claim for claim in voted if claim[0] > last]
    level = [claim for claim in voted if claim[0] == last]
    free = race.seats - len(above)
    if len(level) == free:
        return _persons(above + level)
    if not all(contender.is_person for _, contender in level):
        return _persons(above)
    drawn = draw.settle(race.number, step, [contender.number for _, contender in level], free)
    return _persons(above) + tuple(
        Elected(contender, own, "lot") for own, contender in level if contender.number in drawn
    )


def reach(race: Race, votes: Mapping[int, int], left: int | None, rules: Rules = DEFAULT) -> tuple[set[str], set[str]]:
    """The party that has the one seat of ``race`` whatever ``left`` ballots say, if any, and all that can have it."""
    if race.unopposed:
        parties = {contender.party for contender in race.contenders}
        return parties, parties
    claims = _claims(race, votes, rules)
    most = claims[0][0] if claims else 0
    can = [(own, contender) for own, contender in claims if left is None or 0 < own + left >= most]
    parties = {contender.party for _, contender in can if contender.is_person}
    sure = left is not None and most > 0 and len(can) == 1
    return parties if sure else set(), parties


def _claims(race: Race, votes: Mapping[int, int], rules: Rules) -> list[tuple[int, Contender]]:
    """Votes and contender of everyone who can win a seat or keep it vacant, most first."""
    found = [
        (sum([votes.get(number, 0) for number in numbers]), contender)
        for _, contender, numbers in race.paper
        if not race.has_no_persons or contends(contender, rules)
    ]
    return sorted(found, key=lambda claim: -claim[0])


def _persons(claims: Iterable[tuple[int, Contender]]) -> tuple[Elected, ...]:
    return tuple(Elected(contender, own, "votes") for own, contender in claims if contender.is_person)


def contends(contender: Contender, rules: Rules) -> bool:
    match contender.kind:
        case "none-of-the-above":
            return rules.none_of_the_above_leads == "vacant"
        case "write-in":
            return rules.write_ins_lead == "vacant"
    return True
