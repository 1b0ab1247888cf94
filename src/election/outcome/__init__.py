"""Who is elected. Pure functions from candidates, totals and the scenario's rules to winners, seats and what is open.

Every reader of a result takes the winner from here: results, certification, reconciliation, dashboard and bench.
Nothing is decided by spelling or by position: docs/decisions/0040-outcome.md, 0041-systems.md. ``decide_election``
decides a whole election under any system, ``decide`` one contest of one seat by plurality.
"""

from election.outcome.contenders import Contender, Kind, Line, contenders
from election.outcome.deciding import decide_election
from election.outcome.election import ContestOutcome, Count, ElectionOutcome, Range, Threshold
from election.outcome.lead import Lead
from election.outcome.plurality import decide
from election.outcome.race import Elected, How, Outcome, Race, Standing
from election.outcome.record import record, recorded, stages_by_name
from election.outcome.rules import AnyRules, ListRules, MixedRules, RankedRules, Rules, WinnerTakeAllRules, rules_of
from election.outcome.seats import PartySeats, Seats, seats
from election.outcome.stages import Stage
from election.outcome.ties import Lots, Tie
from election.outcome.whole import Lot, Whole, decide_whole, one_seat_each

__all__ = [
    "AnyRules",
    "Contender",
    "ContestOutcome",
    "Count",
    "Elected",
    "ElectionOutcome",
    "How",
    "Kind",
    "Lead",
    "Line",
    "ListRules",
    "Lot",
    "Lots",
    "MixedRules",
    "Outcome",
    "PartySeats",
    "Race",
    "Range",
    "RankedRules",
    "Rules",
    "Seats",
    "Stage",
    "Standing",
    "Threshold",
    "Tie",
    "Whole",
    "WinnerTakeAllRules",
    "contenders",
    "decide",
    "decide_election",
    "decide_whole",
    "one_seat_each",
    "record",
    "recorded",
    "rules_of",
    "seats",
    "stages_by_name",
]
