"""The election before on screen: gains, holds, swing and turnout in words; and seats as a half circle."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

import pytest

from dashboard.pages.contests import _rows as contest_rows
from dashboard.view import changed, components
from dashboard.view.hemicycle import hemicycle
from dashboard.view.links import Links
from dashboard.view.reader import Reader
from election.contracts.public import Party
from election.live.contests import map_states, search
from election.live.count import Reading
from election.live.register import Candidate, Contest, Counted, Election, Register
from election.live.registers import _earlier
from election.live.result import Result, result
from election.live.snapshots import Snapshot
from election.outcome.change import Figures, Swing
from election.scenarios import Earlier

PARTIES = {"A": "Alpha", "B": "Beta", "C": "Gamma"}
# Each contest's votes for A and B then, and its ballots and voters; C had a seat and does not stand any more.
THEN = {"C1": (20, 40), "C2": (50, 10), "C3": (10, 50), "C4": (30, 20)}
EARLIER = Earlier(
    "then",
    "Election <then>",
    (
        *(Figures(c, "A" if a > b else "B", {"A": a, "B": b}, a + b, 100) for c, (a, b) in THEN.items()),
        Figures("C5", "C", {"C": 60}, 60, 100),
    ),
    PARTIES,
)
# C1 is a gain, C2 a hold; C3 is still counted, C6 is new, in C5 a party takes the seat of one that does not stand.
NOW = {"C1": (36, 24), "C2": (45, 15), "C3": (40, 5), "C6": (9, 8), "C5": (40, 20)}


def register(earlier: Earlier | None = EARLIER, state: str = "open") -> Register:
    candidates = tuple(
        Candidate(10 * n + place, n, f"{party} of {contest}", party, PARTIES[party], None)
        for n, contest in enumerate(NOW, 1)
        for place, party in enumerate("AB")
    )
    contests = tuple(
        Contest(n, c, c, "North", registered=100, official_valid=90 if c == "C3" else sum(NOW[c]), official_invalid=0)
        for n, c in enumerate(NOW, 1)
    )
    names = {short: Party(short, PARTIES[short], "#0087dc") for short in "AB"}
    election = Election(1, "slug", "Now", kind="replay", state=state)  # type: ignore[arg-type]
    return Register(election, parties=names, contests=contests, candidates=candidates, earlier=earlier)


def counted(known: Register) -> Result:
    votes = {10 * n + place: NOW[c][place] for n, c in enumerate(NOW, 1) for place in (0, 1)}
    return result(known, Counted(votes, {n: sum(NOW[c]) for n, c in enumerate(NOW, 1)}, {}))


def snapshot(known: Register) -> Snapshot:
    reading = Reading(0, Counted({}, {}, {}), {}, {}, None)
    return Snapshot(1, known, reading, counted(known), datetime(2026, 5, 7, tzinfo=UTC))


def text(html: str) -> str:
    """What is read of it, with one space wherever there are any."""
    return " ".join(re.sub("<[^>]*>", " ", html).replace("&lt;", "<").replace("&gt;", ">").split())


def test_only_a_complete_contest_is_gained_or_held() -> None:
    shown = counted(register())
    assert {c.contest.id: changed.in_short(c) for c in shown.contests} == {
        "C1": "A gain from B",
        "C2": "A hold",
        "C3": "B defending",  # A leads there, and nothing is decided
        "C6": "",
        "C5": "A gain from C",
    }
    change = shown.change
    assert change is not None
    assert (change.net, change.unmatched) == ({"A": 2, "B": -1, "C": -1}, ("C6",))
    # Of C1, C2 and C5: from 70 of 180 votes to 121 of 180; 180 ballots of 300 voters in both.
    assert (change.shares["A"], change.turnout) == (Fraction(121 - 70, 180), Fraction(0))
    assert changed.in_full(shown.by_id["C5"], shown.register) == "Alpha gain from Gamma"
    assert changed.in_full(shown.by_id["C3"], shown.register) == "Beta defending"


def test_once_the_count_is_over_every_contest_counts() -> None:
    shown = counted(register(state="counted"))
    assert shown.change is not None and len(shown.change.contests) == 4
    assert changed.in_short(shown.by_id["C3"]) == "A gain from B"


def test_a_tie_is_neither_gained_nor_held() -> None:
    known = register(state="counted")
    tied = result(known, Counted({10: 5, 11: 5}, {1: 10}, {})).contests[0]
    assert changed.in_short(tied) == changed.in_full(tied, known) == ""
    empty = snapshot(replace(register(), contests=register().contests[:0]))
    silent = result(register(), Counted({}, {}, {})).contests[0]
    assert "Beta defending" in components.leader(replace(empty, register=register()), silent, Reader())
    assert tied.change is not None and tied.change.turnout == Fraction(1, 10) - Fraction(6, 10)


def test_swing_and_turnout_are_told_in_words() -> None:
    shown, reader = counted(register()), Reader()
    # C1: A from a third to 60 percent of the votes, B from two thirds to 40.
    assert shown.by_id["C1"].change is not None
    assert shown.by_id["C1"].change.swing == Swing("B", "A", Fraction(4, 15))
    assert changed.swing_in_short(shown.by_id["C1"], reader) == "swing 26.7 points B to A"
    told = changed.swing_and_turnout(shown.by_id["C1"], shown.register, reader)
    assert told == "Swing of 26.7 points from Beta to Alpha. Turnout unchanged on Election <then>."
    assert [changed.up_or_down(part, reader) for part in (0.021, -0.0006, -0.0004)] == [
        "up 2.1 points", "down 0.1 points", "unchanged",
    ]  # fmt: skip
    assert changed.swing_in_short(shown.by_id["C3"], reader) == ""
    assert changed.swing_and_turnout(shown.by_id["C3"], shown.register, reader) == ""


def test_the_result_page_says_what_changed_hands() -> None:
    page = text(components.against(snapshot(register()), Reader()))
    assert page.startswith("Compared with Election <then> Seats changing hands 2 of 3 complete Swing")
    assert "Alpha +2 Beta −1 Gamma −1" in page
    assert "So far: 4 of 5 contests are complete, and only these count." in page
    assert "1 new contest is left out" in page
    table = text(components.parties(snapshot(register()), None, Reader()))
    assert "changes against Election <then>" in table
    assert "Alpha 4 +2" in table and "+28.3" in table  # four seats are won, also the one of the new contest
    assert "Beta 0 −1" in table
    before_any = replace(register(), contests=register().contests[2:3])
    assert "appear with the first contest" in components.against(snapshot(before_any), Reader())


@pytest.mark.parametrize(
    ("state", "words"), [("counted", "Provisional until the result is certified."), ("certified", ""),
                         ("refused", "The result was not certified.")]
)  # fmt: skip
def test_what_is_compared_is_provisional_until_it_is_certified(state: str, words: str) -> None:
    known = replace(register(state=state), contests=register().contests[:2])
    assert changed.proviso(counted(known), Reader()) == words


def test_the_contest_and_the_table_say_gain_and_hold() -> None:
    shown = snapshot(register())
    leader = text(components.leader(shown, shown.result.by_id["C1"], Reader()))
    assert "Alpha gain from Beta" in leader and "Swing of 26.7 points" in leader
    assert "+0.0 points" in components.contest_figures(shown.result.by_id["C1"], Reader())
    candidates = text(components.candidates(shown, shown.result.by_id["C1"], Reader()))
    assert "below each share its party's change since Election <then> , in percentage points" in candidates
    assert "60.0% +26.7" in candidates and "40.0% −26.7" in candidates
    assert "since" not in components.candidates(shown, shown.result.by_id["C3"], Reader())
    both = snapshot(replace(register(), candidates=tuple(replace(c, party="A") for c in register().candidates)))
    candidates = text(components.candidates(both, both.result.by_id["C1"], Reader()))
    assert "60.0%" in candidates and "66.7" not in candidates, "the share of a party with two candidates is neither's"
    table = text(contest_rows(shown, "", "Name", 1, "", Reader(), Links()))
    assert "Gain or hold" in table and "A hold" in table
    assert "A gain from B swing 26.7 points B to A" in table
    ordered = [c.contest.id for c in search(shown.result.contests, "", "Gains first")]
    assert ordered == ["C1", "C5", "C2", "C3", "C6"]
    assert [c.contest.id for c in search(shown.result.contests, "", "Largest swing")][:2] == ["C1", "C2"]
    assert search(shown.result.contests, "", "Turnout up most")[-1].change is None


def test_the_map_gets_who_had_the_seat_once_it_is_decided() -> None:
    states = json.loads(map_states(counted(register()).contests))
    assert {contest: state[4:] for contest, state in states.items()} == {
        "C1": ["B"], "C2": ["A"], "C3": [], "C6": [], "C5": ["C"],
    }  # fmt: skip


def test_without_an_election_before_nothing_is_compared() -> None:
    shown = snapshot(register(earlier=None))
    assert components.against(shown, Reader()) == ""
    pages = [
        components.parties(shown, None, Reader()),
        components.leader(shown, shown.result.by_id["C1"], Reader()),
        components.contest_figures(shown.result.by_id["C1"], Reader()),
        contest_rows(shown, "", "Name", 1, "", Reader(), Links()),
        map_states(shown.result.contests),
    ]
    for word in ("Change", "gain", "Gain", "hold", "defending", "wing"):
        assert word not in text("".join(pages)), word
    assert [len(state) for state in json.loads(pages[-1]).values()] == [4] * 5


def test_a_predecessor_that_cannot_be_read_hides_no_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "now"
    home.mkdir()
    (home / "scenario.toml").write_text(
        'name = "Now"\npolling_day = 2020-05-07\nlicence = "Free."\npredecessor = "gone"\n'
    )
    assert _earlier(tmp_path, "now", 1) is None
    assert "No comparison with the election before" in caplog.text and "there is no such scenario" in caplog.text
    assert _earlier(tmp_path, "never", 1) is None


def dots(image: str) -> list[tuple[str, list[tuple[int, int]]]]:
    """Colour and places of each group of seats; a ring's hole is black."""
    svg = unquote(image.removeprefix("data:image/svg+xml,"))
    return [
        (colour, [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h0", path)])
        for colour, path in re.findall(r"stroke='(#\w+)'[^>]*? d='([^']*)'", svg)
    ]


@pytest.mark.parametrize("total", [5, 18, 40, 59, 129, 650, 1000])
def test_a_half_circle_has_a_dot_for_every_seat(total: int) -> None:
    won, led = total // 2, total // 5
    drawn = dots(hemicycle((("#111111", won, 0), ("#222222", 0, led)), total, total // 2 + 1).image)
    groups = dict(drawn)
    assert (len(groups["#111111"]), len(groups["#222222"])) == (won, led)
    assert groups["#000"] == groups["#222222"], "a seat that is only led is a ring"
    every = groups["#111111"] + groups["#222222"] + groups["#9aa0a6"]
    assert len(set(every)) == len(every) == total, "no dot covers another"
    left = [x for x, _ in groups["#111111"]]
    assert sum(left) / won < sum(x for x, _ in groups["#9aa0a6"]) / (total - won - led)


def test_the_majority_line_parts_the_seats_that_are_one_from_the_others() -> None:
    assert hemicycle((), 650, 326).angle == pytest.approx(0, abs=0.5)
    assert hemicycle((), 5, 3).angle == 22.5, "between the third of five seats and the fourth"


def test_the_half_circle_says_in_words_what_it_shows() -> None:
    shown = snapshot(register())
    drawn = components.seat_bar(shown, Reader(), half_circle=True)
    assert 'alt="Half circle of 5 seats: Alpha 4 won and 1 leading; a majority is 3"' in drawn
    assert "data:image" not in components.seat_bar(shown, Reader())
    few = replace(register(), contests=register().contests[:4])
    assert "data:image" not in components.seat_bar(snapshot(few), Reader(), half_circle=True)
