"""A night that is replayed: contests are complete in the order and at the distances of their declarations."""

import time
from datetime import datetime, timedelta

import pytest

from election import nights
from election.errors import BadInput

NEWCASTLE, BLYTH, LAST = (
    datetime.fromisoformat(f"2019-12-{at}") for at in ("12T23:27:00", "12T23:32:00", "13T14:52:00")
)


def due(arrival, registered):
    """When the voters of each rank are due, by the formula of the documentation."""
    return [
        ((rank * arrival.step + arrival.shift) % registered + 1) * arrival.ms // registered
        for rank in range(registered)
    ]


@pytest.mark.parametrize(("text", "expected"), [("10m", 600), ("90s", 90), ("1h30m", 5_400), ("2h", 7_200)])
def test_a_duration_is_read(text, expected):
    assert nights.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "0m", "-5m", "10 m", "1.5h", "ten minutes", "5m1h"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadInput, match="10m"):
        nights.seconds(text)


def test_a_night_ends_with_its_last_declaration_and_begins_a_tenth_before_its_first():
    first, second, last = nights.completions([("a", NEWCASTLE), ("b", BLYTH), ("c", LAST)], seed=1)
    whole = (LAST - NEWCASTLE) * 1.1
    assert last == 1
    assert first == pytest.approx(0.1 / 1.1)
    assert second - first == pytest.approx(timedelta(minutes=5) / whole)


def test_a_contest_without_a_time_gets_one_from_the_seed():
    contests = [("a", NEWCASTLE), ("without", None), ("c", LAST)]
    drawn = [nights.completions(contests, seed)[1] for seed in range(200)]
    assert all(0.1 / 1.1 <= share <= 1 for share in drawn)
    assert len({round(share, 6) for share in drawn}) == 200
    assert nights.completions(contests, 7) == nights.completions(contests, 7)


def test_contests_without_any_time_fill_the_night():
    assert max(nights.completions([(name, None) for name in "abcde"], seed=3)) == 1
    assert nights.completions([("only", None)], seed=3) == [1]
    assert nights.completions([("only", LAST)], seed=3) == [1]


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Europe/Sofia", "America/New_York"])
@pytest.mark.parametrize("night", ["2024-10-27", "2024-03-31"])
def test_the_time_zone_of_the_machine_changes_nothing(zone, night, monkeypatch):
    """At these hours clocks go back or forward; a local time is what is written."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        contests = [(hour, datetime.fromisoformat(f"{night}T{hour}:30")) for hour in ("00", "01", "03")]
        assert nights.completions(contests, 1) == pytest.approx([0.3 / 3.3, 1.3 / 3.3, 1])
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_contest_that_polls_weeks_later_does_not_squeeze_the_night():
    night = [("F1", NEWCASTLE), ("T1", BLYTH), ("Z1", LAST)]
    late = ("N1", LAST + timedelta(days=28))
    assert nights.completions([*night, late], 1, {"N1"}) == [*nights.completions(night, 1), 1]
    assert nights.completions([late], 1, {"N1"}) == [1]


@pytest.mark.parametrize("registered", [1, 2, 3, 10, 1_000, 21_106, 51_925])
def test_a_contests_voters_come_one_after_the_other_and_the_last_when_it_is_complete(registered):
    arrival = nights.arrival("W07000041", registered, 0.5, night_seconds=600, seed=9)
    moments = sorted(due(arrival, registered))
    assert moments == [(place + 1) * 300_000 // registered for place in range(registered)]


def test_neighbours_on_the_roll_do_not_vote_one_after_the_other():
    registered = 51_925
    moments = due(nights.arrival("W07000041", registered, 1, 600, seed=9), registered)
    by_tenth = [
        sum(moments[rank] < 60_000 for rank in range(start, start + 5_000)) for start in range(0, 50_000, 5_000)
    ]
    assert all(count == pytest.approx(500, abs=10) for count in by_tenth)
