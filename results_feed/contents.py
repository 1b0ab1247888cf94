"""The contents of each resource, from the snapshot that the dashboard shows too."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from election.live.register import Election
from election.live.snapshots import Snapshot
from election.outcome import Elected, Outcome, Rules, Stage, Standing
from results_feed import rows
from results_feed.rows import ContestRow, ElectionRow, Figures, OutcomeRow, PartyRow, Person, TotalRow


@dataclass(frozen=True)
class Content:
    """The ``head`` are fields of ``page`` that belong to no row. Rows come by their key, in a fixed order."""

    page: type[rows.Page[Any]]
    head: Mapping[str, Any]
    rows: Mapping[object, Any]


def elections(known: Iterable[Election]) -> Content:
    """All elections, in the order of their registration."""
    ordered = sorted(known, key=lambda election: election.number)
    return Content(rows.ElectionsPage, {}, {election.number: _election(election) for election in ordered})


def summary(snapshot: Snapshot) -> Content:
    result, row = snapshot.result, _election(snapshot.register.election)
    figures = Figures(
        result.registered,
        result.counted,
        result.valid,
        result.invalid,
        result.turnout,
        len(result.contests),
        result.reported,
        result.complete,
    )
    parties: dict[object, PartyRow] = {
        party.party: PartyRow(
            party.party, snapshot.register.party(party.party).name, party.candidates, party.votes, party.share
        )
        for party in sorted(result.parties, key=lambda party: party.party)
    }
    head = {"name": row.name, "kind": row.kind, "polling_day": row.polling_day, "state_since": row.state_since}
    return Content(rows.SummaryPage, {**_head(snapshot), **head, "figures": figures}, parties)


def contests(snapshot: Snapshot) -> Content:
    return Content(
        rows.ContestsPage,
        _head(snapshot),
        {
            one.contest.number: ContestRow(
                one.contest.id,
                one.contest.name,
                one.contest.region,
                one.contest.country,
                one.contest.kind,
                one.contest.position,
                one.outcome.race.seats,
                one.contest.unopposed,
                one.contest.registered,
                one.counted,
                one.valid,
                one.invalid,
                one.turnout,
                one.progress,
            )
            for one in snapshot.result.contests
        },
    )


def totals(snapshot: Snapshot) -> Content:
    """Every line of every ballot paper; those without a vote are there with zero."""
    ids = {contest.number: contest.id for contest in snapshot.register.contests}
    counted = snapshot.register.certified or snapshot.reading.counted
    return Content(
        rows.TotalsPage,
        _head(snapshot),
        {
            line.number: TotalRow(
                line.number,
                ids[line.contest],
                line.name,
                line.candidate_id,
                line.kind,
                line.party,
                counted.votes.get(line.number, 0),
            )
            for line in sorted(snapshot.register.candidates, key=lambda line: line.number)
        },
    )


def outcome(snapshot: Snapshot) -> Content:
    found = snapshot.seats
    seats = rows.SeatsNow(
        found.total,
        found.majority,
        found.winner,
        found.open,
        found.unfilled,
        tuple(rows.PartySeats(party.party, party.won, party.leading) for party in found.parties),
    )
    return Content(
        rows.OutcomePage,
        {
            **_head(snapshot),
            "system": snapshot.register.rules.system,
            "seats": seats,
            "thresholds": _thresholds(snapshot),
        },
        {
            one.contest.number: OutcomeRow(
                one.contest.id,
                one.lead.verdict,
                one.lead.overturnable,
                one.lead.margin,
                one.lead.most_left,
                tuple(map(_person, one.leaders)),
                tuple(map(_elected, one.outcome.elected)),
                tuple(map(_person, one.outcome.tie)),
                *_of_systems(one.outcome),
            )
            for one in snapshot.result.contests
        },
    )


OF_SNAPSHOTS: Mapping[str, Callable[[Snapshot], Content]] = {
    "summary": summary,
    "contests": contests,
    "totals": totals,
    "outcome": outcome,
}


def heads(snapshot: Snapshot, signed: Iterable[rows.HeadRow]) -> Content:
    """Every head of the election's log, the oldest first."""
    return Content(rows.HeadsPage, _head(snapshot), {head.size: head for head in signed})


def _head(snapshot: Snapshot) -> dict[str, Any]:
    election = snapshot.register.election
    return {"election": election.slug, "state": election.state}


def _election(election: Election) -> ElectionRow:
    return ElectionRow(
        election.slug, election.name, election.kind, election.polling_day, election.state, election.state_since
    )


def _person(standing: Standing) -> Person:
    return Person(standing.contender.number, standing.contender.name, standing.contender.party, standing.votes)


def _elected(elected: Elected) -> rows.ElectedPerson:
    one = elected.contender
    return rows.ElectedPerson(
        one.number, one.name, one.party, elected.votes, elected.how, elected.seats, elected.district
    )


def _of_systems(outcome: Outcome) -> tuple[tuple[rows.ElectedPerson, ...], int | None, tuple[rows.StageRow, ...]]:
    """Winners without a seat, quota and stages: what plurality does not have."""
    given = outcome.given
    if given is None:
        return (), None, ()
    unseated = tuple(map(_elected, given.unseated)) if outcome.over else ()
    return unseated, given.quota, tuple(map(_stage, given.stages))


def _stage(stage: Stage) -> rows.StageRow:
    return rows.StageRow(
        stage.number,
        tuple(rows.StageVotes(line, f"{votes:.5f}") for line, votes in stage.votes.items()),
        stage.moved,
        stage.elected,
        stage.excluded,
        f"{stage.not_transferable:.5f}",
    )


def _thresholds(snapshot: Snapshot) -> tuple[rows.ThresholdRow, ...]:
    whole = snapshot.result.whole
    if isinstance(whole.rules, Rules):
        return ()
    known = sorted(whole.decided.thresholds.values(), key=lambda one: one.party)
    return tuple(rows.ThresholdRow(one.party, one.votes, one.needed, one.of, one.way) for one in known)
