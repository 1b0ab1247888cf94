"""Pages of the other electoral systems: Germany 2025, Aberdeen 2017 and small ones, from official figures."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.real import ABERDEEN, GERMANY, real, scenario
from dashboard.view import components, systems, wording
from dashboard.view.reader import Reader
from election.live.count import Reading
from election.live.register import Candidate, Contest, Counted, Election, Register
from election.live.result import result
from election.live.snapshots import Snapshot
from election.outcome import Count

READER = Reader()


def snapshot(name: str, state: Any = "counted", part: int = 1) -> Snapshot:
    """The scenario with its official votes counted, or the ``part``-th of them."""
    made = scenario(name)
    races, count = real(name)
    position = {contest_id: at for one in made.districts for at, contest_id in enumerate(one.contests, 1)}
    contests = tuple(
        Contest(
            number, own.contest_id, own.name, own.region, own.country, own.electorate, own.valid_votes,
            own.invalid_votes, kind=own.kind, seats=own.seats, position=position[own.contest_id],
        )
        for number, own in enumerate(made.contests, 1)
    )  # fmt: skip
    lines = [line for race in races for contender in race.contenders for line in contender.lines]
    register = Register(
        Election(1, name, made.title, state=state, kind="replay"),
        parties={party.abbreviation: party for party in made.parties},
        contests=contests,
        candidates=tuple(
            Candidate(one.number, one.contest, one.name, one.party, one.party_name, one.official, kind=one.kind)
            for one in lines
        ),
        rules=made.system,
    )
    counted = counted_of(count, races, part)
    return Snapshot(1, register, Reading(0, counted, {}, {}, None), result(register, counted), datetime.now(UTC))


def counted_of(count: Count, races: Any, part: int) -> Counted:
    votes = {line: own // part for line, own in count.votes.items()}
    rankings = {
        contest: {ranking: ballots // part for ranking, ballots in own.items() if ballots // part}
        for contest, own in count.rankings.items()
    }
    valid = {race.number: sum(race.votes(votes).values()) for race in races}
    return Counted(votes, valid, dict(count.invalid), rankings)


def test_germany_shows_seats_by_party_and_what_the_threshold_did() -> None:
    shown = snapshot(GERMANY)
    assert shown.seats.by_party == {
        "CDU": 164, "AfD": 152, "SPD": 120, "GRÜNE": 85, "Die Linke": 64, "CSU": 44, "SSW": 1,
    }  # fmt: skip
    assert (shown.seats.total, shown.seats.majority, shown.seats.open) == (630, 316, 0)
    assert (shown.result.counted, shown.result.registered) == (49_928_653, 60_510_631)
    table = systems.thresholds(shown, READER)
    assert "9,529 votes short: 5.00\u2009%" in table or "9,529 votes short: 5.00%" in table
    assert "not needed by a national minority" in table
    assert "Possible" not in table, "the count is over"
    assert "630 seats" in components.seat_bar(shown, READER, half_circle=True)
    assert "Valid second votes" in components.figures(shown, READER)


def test_a_winner_of_a_constituency_without_a_seat_is_told_so() -> None:
    shown = snapshot(GERMANY)
    flensburg = shown.result.by_id["001"]
    assert wording.contest_statement(flensburg, READER).startswith(
        "Won the constituency, and gets no seat: the seats of"
    )
    assert list(wording.seated(flensburg.outcome).values()) == ["won, without a seat"]
    schleswig = shown.result.by_id["L1"]
    assert wording.contest_statement(schleswig, READER).startswith("Seats: ")
    assert "won, without a seat" in components.candidates(shown, flensburg, READER)


def test_while_the_german_count_goes_on_seats_can_still_move() -> None:
    shown = snapshot(GERMANY, "open", part=2)
    assert shown.seats.open > 0
    assert "Possible" in systems.thresholds(shown, READER)
    assert wording.contest_statement(shown.result.by_id["L1"], READER).startswith("If the count ended now: Seats: ")


@pytest.mark.parametrize(("state", "said"), [("counted", "Stages of the count"), ("open", "provisional until")])
def test_aberdeen_shows_the_stages_of_each_ward(state: Any, said: str) -> None:
    shown = snapshot(ABERDEEN, state)
    assert shown.seats.by_party == ({"SNP": 19, "Con": 11, "Lab": 9, "LD": 4, "Ind": 2} if state == "counted" else {})
    ward = shown.result.contests[0]
    drawn = systems.stages(shown, ward if state == "counted" else _open(ward), READER)
    assert said in drawn
    assert "the quota is 1,322 votes" in drawn
    assert drawn.count("data:image/svg+xml") == 1
    assert "Not transferable" in drawn
    mayor = replace(ward, outcome=replace(ward.outcome, race=replace(ward.outcome.race, seats=1)))
    assert "1 seat; a majority is" in systems.stages(shown, mayor, READER)
    if state == "counted":
        assert wording.contest_statement(ward, READER).startswith("Elected: Avril MacKenzie, Neil MacGregor")


def _open(ward: Any) -> Any:
    """Replays count as over once every official ballot is counted."""
    return replace(ward, outcome=replace(ward.outcome, over=False))


def test_a_page_of_plurality_has_neither_stages_nor_thresholds() -> None:
    shown = snapshot("uk-general-election-2019")
    assert systems.thresholds(shown, READER) == ""
    assert systems.stages(shown, shown.result.contests[0], READER) == ""
    assert shown.seats.by_party["Con"] == 365
