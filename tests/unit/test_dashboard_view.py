"""What readers see: names are text whatever they contain, numbers are in the reader's format."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from pyarrow import ipc
from streamlit.testing.v1 import AppTest

from dashboard.feed.memo import memo
from dashboard.pages.contests import PROGRESS as STATES
from dashboard.pages.contests import _rows as contest_rows
from dashboard.view import components
from dashboard.view.links import Links
from dashboard.view.reader import Reader
from dashboard.view.templates import monogram, render
from dashboard.view.wording import ballots_left, kicker, seats_kicker, seats_lead, seats_statement, statement
from election.contracts.public import Party, State, Validation
from election.live.count import Reading
from election.live.register import Candidate, Contest, Counted, Election, Register, told_apart
from election.live.result import ContestResult, PartyResult, result
from election.live.snapshots import Snapshot
from election.outcome import Contender, PartySeats, Race, Seats, Standing, decide
from election.outcome.lead import lead
from election.text import visible

NOW = datetime(2026, 5, 7, 22, 30, tzinfo=UTC)
EMPTY, NOTHING = Register(Election(1, "slug", "Name")), Counted({}, {}, {})
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[x](javascript:alert(1))",
    "**bold** _it_ :red[x] $x^2$",
    "\u202eesrever\u202c",
    "A" * 400,
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
]


class Shown(HTMLParser):
    """The elements and the text that a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_from_the_data_is_shown_as_text(name: str) -> None:
    candidate = Candidate(1, 1, name, "P", name)
    standing = Standing(Contender((candidate,)), 3, 1, 1.0, (3,))
    reader = Reader()
    common = {"election": Election(1, "slug", name), "reader": reader}
    rows = {
        "caption": name,
        "standings": [standing],
        "top": 1,
        "official": False,
        "elected": {1: name},
        "colours": {"P": "#123456"},
        "rises": {"P": 0.1},
        "since": name,
    }
    pages = [
        render("candidates.html", **rows, **common),
        render("heading.html", place=name, **common),
        render("elections.html", elections=[common["election"]], reader=reader, states={"open": ""}, notice=name,
               links=Links()),
        render("donut.html", stops="#123456 0% 100%", label=name, centre="1", under="x",
               parts=[{"name": name, "share": "1", "colour": "#123456"}]),
        render("leader.html", standing=None, tied=[standing], colours={"P": "#123456"}, colour="#123456",
               kicker="Tie", statement="", polled=True, lead=lead([3, 3], 6, 9), margin_share=0.0, change=name,
               changed=name, **common),
        render("against.html", title=name, compared=1, partial=False, gains=1, swing="1", swung=name, turnout="1",
               proviso="", net=[{"name": name, "colour": "#123456", "net": "+1"}], reader=reader),
        render("leading_party.html", seats=Seats((PartySeats("P", 1, 0),), 1, 0, 0), party=Party(name, name),
               votes=PartyResult("P", 3, 1.0, 1, None, None), second=name, colour="#123456", statement=name,
               kicker="", reader=reader),
        render("map_legend.html", parties=[(name, "#123456")], ramp="#123456", seats=Seats((), 2, 1, 1),
               gains=True, waiting=True),
        render("validations.html", rows=[Validation(name, NOW, False, 3, 1, name)], docs="http://host", reader=reader),
        render("ranking.html", caption=name, what="x", measure="x", rows=[
            {"name": name, "party": name, "colour": "#123456", "part": 0.5, "value": "1", "link": ""}]),
        render("list.html", caption=name, head=(), rows=[(name, name)], empty=""),
        render("contest.html", states={"counting": "counting"}, reader=Reader(),
               contest=ContestResult(Contest(1, name, name, name), decide(Race(1, ()), {}, invalid=1), 1)),
    ]  # fmt: skip
    for html in pages:
        shown = Shown(html)
        assert visible(name[:300]) in shown.text
        assert not shown.tags & {"script", "img", "b2", "em"}
        assert not [key for key, _ in shown.attributes if key.startswith("on")]
        assert "javascript:" not in "".join(value or "" for key, value in shown.attributes if key in ("href", "src"))


def test_a_piece_is_made_once_for_readers_of_the_same_format_and_anew_for_the_next_snapshot() -> None:
    made: list[str] = []

    @memo
    def piece(snapshot: Snapshot, words: str, reader: Reader) -> str:
        made.append(words)
        return f"{snapshot.serial} {words} {reader.number(1000)}"

    first, second = snapshot(1), snapshot(2)
    assert [piece(first, "a", Reader("en-GB")), piece(first, "a", Reader("en-GB"))] == ["1 a 1,000"] * 2
    assert [piece(first, "b", Reader("en-GB")), piece(first, "a", Reader("de-DE"))] == ["1 b 1,000", "1 a 1.000"]
    assert piece(second, "a", Reader("en-GB")) == "2 a 1,000"
    assert made == ["a", "b", "a", "a"]
    for number in range(2_000):
        piece(first, str(number), Reader())
    assert len(first.pieces) < 1_000, "what readers ask for does not fill the memory"


def test_readers_of_many_formats_at_once_all_get_their_piece() -> None:
    @memo
    def piece(snapshot: Snapshot, number: int, reader: Reader) -> int:
        return number

    one, numbers, often = snapshot(1), list(range(700)), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as sessions:
            drawn = list(sessions.map(lambda _: [piece(one, number, Reader()) for number in numbers], range(60)))
    finally:
        sys.setswitchinterval(often)
    assert all(pieces == numbers for pieces in drawn)


def snapshot(serial: int, register: Register = EMPTY, counted: Counted = NOTHING) -> Snapshot:
    return Snapshot(serial, register, Reading(0, counted, {}, {}, None), result(register, counted), NOW)


def test_a_time_has_its_year_where_it_is_not_the_polls() -> None:
    moment = datetime(2025, 1, 2, 23, 30)  # noqa: DTZ001 - a local time has no zone
    assert Reader().local(moment, date(2024, 12, 31)) == "2 Jan 2025, 23:30"
    assert Reader().local(moment, date(2025, 1, 2)) == "2 Jan, 23:30"


def test_a_contest_that_polls_later_is_named_beside_the_night_and_on_its_own_page() -> None:
    late = Contest(1, "N1", "Elm <ward>", polling_day=date(2024, 12, 3))
    assert "Elm &lt;ward&gt;</bdi> (3 December 2024)" in render("apart.html", contests=[late], reader=Reader())
    shown = ContestResult(late, decide(Race(1, ()), {}), 0)
    page = render("contest.html", contest=shown, states=STATES, polling_day=date(2024, 11, 5), reader=Reader())
    assert "polled later, on 3 December 2024" in page


def test_two_contests_of_one_name_are_told_apart() -> None:
    names = {"A1": "King's ward", "A2": "King\u2019s Ward", "A3": "Other ward"}
    contests = told_apart(Contest(number, id, name) for number, (id, name) in enumerate(names.items(), 1))
    assert [contest.label for contest in contests] == ["King's ward (A1)", "King\u2019s Ward (A2)", "Other ward"]
    shown = snapshot(1, Register(Election(1, "slug", "Name"), contests=contests))
    table = Shown(contest_rows(shown, "", "Name", 1, "", Reader(), Links()))
    assert "King's ward (A1)" in table.text and "(A3)" not in table.text


def test_a_replay_without_an_official_figure_shows_a_dash() -> None:
    register = Register(
        Election(1, "slug", "Name", kind="replay"),
        contests=(Contest(1, "C1", "One"),),
        candidates=(Candidate(1, 1, "Ann Lee", "A", "Party A"), Candidate(2, 1, "Bo Dee", "B", "Party B", official=9)),
    )
    shown = snapshot(1, register, Counted({1: 3, 2: 4}, {1: 7}, {}))
    candidates = components.candidates(shown, shown.result.contests[0], Reader())
    assert (candidates.count(">–<"), candidates.count(">+5<")) == (2, 1)
    assert components.parties(shown, None, Reader()).count(">–<") == 4


def test_where_the_official_columns_have_no_room_the_figures_stand_under_the_votes() -> None:
    def of(kind: Any) -> str:
        register = Register(
            Election(1, "slug", "Name", kind=kind),
            contests=(Contest(1, "C1", "One"),),
            candidates=(Candidate(1, 1, "Ann Lee", "A", "Party A", official=9),),
        )
        shown = snapshot(1, register, Counted({1: 3}, {1: 3}, {}))
        return components.candidates(shown, shown.result.contests[0], Reader()) + components.parties(shown, 1, Reader())

    assert of("replay").count('3<small class="en-narrow">official 9</small>') == 2
    assert "en-narrow" not in of("simulated")


def test_two_of_one_name_and_a_party_called_others_stay_apart_in_the_charts() -> None:
    test = AppTest.from_function(night_of_namesakes, default_timeout=30).run()
    assert not test.exception
    charts = test.get("vega_lite_chart")
    assert len(charts) == 2
    for chart in charts:
        spec = json.loads(chart.proto.spec)
        domain = spec.get("layer", [spec])[0]["encoding"]["color"]["scale"]["domain"]
        rows = ipc.open_stream(chart.proto.data.data).read_all().to_pylist()
        assert domain[:6] == ["A", "B", "C", "D", "E", "F"]
        assert len({(row["at"], row["series"]) for row in rows}) == len(rows) == len(domain)
        assert {row["series"]: row["name"] for row in rows if row["series"] in "ABC"} == {
            **dict.fromkeys("AB", "Sam Hill"), "C": "Others", **({"": "Others"} if len(domain) == 7 else {})
        }  # fmt: skip


def test_the_charts_of_a_single_minute_are_ten_minutes_wide_around_it() -> None:
    for chart in AppTest.from_function(night_of_namesakes, default_timeout=30).run().get("vega_lite_chart"):
        spec = json.loads(chart.proto.spec)
        x = spec.get("layer", [spec])[0]["encoding"]["x"]
        domain = [tuple(end.values()) for end in x["scale"]["domain"]]
        assert domain == [(1969, 12, 31, 23, 55, True), (1970, 1, 1, 0, 5, True)]
        assert x["axis"]["tickMinStep"] == 60_000


def night_of_namesakes() -> None:
    """Runs as a page: parties A to G with 7, 6, … votes; A and B have one name, C is called Others."""
    from datetime import UTC, datetime

    from dashboard.view import charts
    from dashboard.view.reader import Reader
    from election.contracts import topics
    from election.contracts.aggregates import MinuteTotal
    from election.contracts.public import Party
    from election.live.count import Reading
    from election.live.register import Counted, Election, Register
    from election.live.result import result
    from election.live.snapshots import Snapshot

    names = {"A": "Sam Hill", "B": "Sam Hill", "C": "Others", "D": "D", "E": "E", "F": "F", "G": "G"}
    totals = [
        MinuteTotal(schema_version=1, generation=1, election=1, votes=7 - n, minute=0, position=1, series="party",
                    member=member, label=name)
        for n, (member, name) in enumerate(names.items())
    ]  # fmt: skip
    register = Register(Election(1, "slug", "Name"), parties={m: Party(m, name) for m, name in names.items()})
    counted = Counted({}, {}, {})
    reading = Reading(0, counted, {topics.VOTES_PER_MINUTE: totals}, {}, None)
    shown = Snapshot(1, register, reading, result(register, counted), datetime.now(UTC))
    charts.votes_per_minute(shown, shown.night, charts.names(shown, shown.night), Reader())
    charts.shares(shown, shown.night, charts.names(shown, shown.night), Reader())


def test_links_hand_on_how_the_page_is_looked_at_and_nothing_else() -> None:
    assert Links().to("contests", election="a&b", contest="C 1") == "contests?election=a%26b&contest=C+1"
    assert Links(True, "5").to("./", election="x") == "./?election=x&refresh=5&embed=true"
    assert Links(False, "3&x=<script>").to("./", election="x") == "./?election=x"
    assert (Links(True, "off").carried, Links(True, "7").carried) == ({"refresh": "off"}, {})


@pytest.mark.parametrize("links", [Links(), Links(True, "10")])
def test_every_anchor_to_an_election_or_a_contest_hands_it_on(links: Links) -> None:
    register = Register(
        Election(1, "slug", "Name"),
        contests=(Contest(1, "C1", "One"), Contest(2, "C2", "Two")),
        candidates=(Candidate(1, 1, "Ann Lee", "A", "Party A"), Candidate(2, 2, "Bo Dee", "B", "Party B")),
    )
    shown = snapshot(1, register, Counted({1: 3, 2: 4}, {1: 3, 2: 4}, {}))
    for html in (
        components.closest(shown, Reader(), links),
        components.ranked_contests(shown, Reader(), links),
        contest_rows(shown, "", "Name", 1, "", Reader(), links),
    ):
        found = [value for key, value in Shown(html).attributes if key == "href"]
        assert {*found} == {links.to("contests", election="slug", contest=contest) for contest in ("C1", "C2")}
    html = render("elections.html", elections=[register.election], reader=Reader(), states={"open": ""}, notice="",
                  links=links)  # fmt: skip
    assert ("href", links.to("./", election="slug")) in Shown(html).attributes


@pytest.mark.parametrize(
    ("state", "caption"), [("open", "The closest contests so far"), ("counted", "The closest contests")]
)
def test_the_closest_contests_are_so_far_until_every_count_is_over(state: State, caption: str) -> None:
    register = Register(
        Election(1, "slug", "Name", state=state),
        contests=(Contest(1, "C1", "One"),),
        candidates=(Candidate(1, 1, "Ann Lee", "A", "Party A"),),
    )
    shown = snapshot(100 + len(state), register, Counted({1: 3}, {1: 3}, {}))
    assert f"<caption>{caption}</caption>" in components.closest(shown, Reader(), Links())


def test_the_refresh_that_a_reader_chooses_is_in_the_links_at_once_and_the_urls_own_goes_before() -> None:
    def page() -> None:
        import streamlit as st

        from dashboard.pages import frame

        st.text(frame.links().to("./", election="x"))
        st.text(str(frame._refresh()))

    test = AppTest.from_function(page, default_timeout=30)
    shown: list[list[str]] = []
    test.run()
    shown.append([text.value for text in test.text])
    test.selectbox[0].set_value("10").run()
    shown.append([text.value for text in test.text])
    test.query_params["refresh"] = "30"  # the way back in the browser
    test.context["is_embedded"] = True
    test.run()
    shown.append([text.value for text in test.text])
    assert shown == [
        ["./?election=x", "2.0"],
        ["./?election=x&refresh=10", "10.0"],
        ["./?election=x&refresh=30&embed=true", "30.0"],
    ]


def test_a_right_to_left_name_does_not_turn_the_rest_around() -> None:
    html = render("heading.html", election=Election(1, "slug", "\u202eabc"), place="", reader=Reader())
    assert '<bdi class="en-name">\\u202eabc</bdi>' in html


@pytest.mark.parametrize(
    ("language", "number", "share"),
    [("en-GB", "1,234,567", "12.3%"), ("de-DE", "1.234.567", "12,3\u00a0%"),
     ("fr", "1\u202f234\u202f567", "12,3\u00a0%"), ("en-IN", "12,34,567", "12.3%"), ("tr", "1.234.567", "%12,3"),
     ("de-CH", "1’234’567", "12.3%"), ("xx-nonsense", "1,234,567", "12.3%"), ("", "1,234,567", "12.3%")],
)  # fmt: skip
def test_numbers_are_in_the_readers_format(language: str, number: str, share: str) -> None:
    reader = Reader(language)
    assert reader.share(0.1234).replace("\u202f", "\u00a0") == share
    assert reader.number(1234567).replace("\u00a0", "\u202f") == number
    assert reader.signed(-1234567).replace("\u00a0", "\u202f") == f"−{number}"


def test_charts_write_numbers_as_the_rest_of_the_page() -> None:
    assert [Reader(language).d3["percent"] for language in ("en-GB", "de-DE", "tr")] == ["%", "\u00a0%", "%"]
    assert [Reader(language).d3["grouping"][:3] for language in ("en-GB", "en-IN")] == [[3, 3, 3], [3, 2, 2]]  # type: ignore[index]


def test_decimals_are_as_many_as_asked_for() -> None:
    assert [Reader().share(0.5), Reader("de").share(0.00123, 2)] == ["50.0%", "0,12\u00a0%"]
    assert [Reader().decimal(2), Reader().decimal(2.25)] == ["2", "2.2"]


def test_what_is_not_known_is_a_dash() -> None:
    reader = Reader()
    assert {reader.number(None), reader.share(None), reader.points(None), reader.time(None), reader.moment(None)} == {
        "–"
    }


def test_times_are_in_the_readers_zone() -> None:
    moment = datetime(2026, 7, 1, 22, 0, tzinfo=UTC)
    assert Reader("en", "Europe/Berlin").time(moment) == "00:00:00"
    assert Reader("en", "no/where").time(moment) == "22:00:00"


def test_signs() -> None:
    assert [Reader().signed(n) for n in (5, -5, 0)] == ["+5", "−5", "±0"]
    assert [Reader("sv").points(value) for value in (0.0538, -0.0538, 0)] == ["+5,4", "−5,4", "+0,0"]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Virginia Crosbie", "VC"),
        ("Aled ap Dafydd", "AD"),
        ("Cher", "C"),
        ("Élodie Öz", "ÉÖ"),
        ("<x> (y)", ""),
        ("", ""),
    ],
)
def test_monograms(name: str, letters: str) -> None:
    assert monogram(name) == letters


def test_whether_a_lead_can_be_overturned_is_said_with_its_figures() -> None:
    reader = Reader()
    assert statement(lead([60, 30], 90, 110), None, reader) == (
        "This lead of 30 cannot be overturned: 20 registered voters have no ballot counted, fewer than the margin."
    )
    assert statement(lead([60, 40], 100, 200, 110), 0.55, reader) == (
        "This lead of 20 will probably hold: about 10 ballots are still expected at a turnout of 55.0%, fewer than the "
        "margin. It is not certain: 100 registered voters have no ballot counted."
    )
    assert "hold: no more ballot is expected at a turnout of 45.0%" in statement(
        lead([60, 40], 100, 200, 90), 0.45, reader
    )
    assert statement(lead([60, 59], 119, 200, 190), 0.95, reader) == (
        "This lead of 1 can still be overturned: about 71 ballots are still expected at a turnout of 95.0%, and "
        "81 registered voters have no ballot counted."
    )
    assert "1 registered voter has no ballot" in statement(lead([3, 2], 5, 6), None, reader)


def test_a_single_candidate_is_said_to_be_the_only_one() -> None:
    assert statement(lead([1], 1, 100), None, Reader()).startswith("There is only one candidate")


def test_a_count_that_ends_without_a_valid_vote_says_so() -> None:
    assert statement(lead([0, 0], 0, 100), None, Reader()).startswith("Nothing is decided: 100 registered voters")
    assert statement(lead([0, 0], 3, 100, over=True), None, Reader()) == "No valid vote was cast."
    empty = ContestResult(Contest(1, "C1", "One", registered=100), decide(Race(1, ()), {}, invalid=3, over=True), 3)
    assert kicker(empty) == "No valid vote"


def words_on_seats(seats: Seats) -> tuple[str, str, str]:
    names = {"A": "Party A", "B": "Party B"}
    return seats_kicker(seats), seats_statement(seats, names, Reader()), seats_lead(seats, names, Reader())


def test_while_contests_are_open_the_lead_in_seats_is_not_final() -> None:
    assert words_on_seats(Seats((PartySeats("A", 1, 0),), 3, 1, 1)) == (
        "Ahead in most seats",
        "A majority is 2 of 3 seats. No party has won it yet; 2 seats are open.",
        "This lead of 1 seat can still be overturned.",
    )
    assert "1 seat is open" in words_on_seats(Seats((PartySeats("A", 1, 0),), 2, 1, 0))[1]
    assert words_on_seats(Seats((), 2, 0, 2))[::2] == ("No votes yet", "No contest has reported a vote yet.")


def test_once_every_contest_is_complete_the_words_on_seats_are_final() -> None:
    first = (PartySeats("A", 2, 0), PartySeats("B", 1, 0))
    assert words_on_seats(Seats(first, 6, 0, 0, ended_tied=2, ended_silent=1)) == (
        "Most seats",
        "A majority is 4 of 6 seats. No party has it. "
        "3 seats stay vacant: 2 contests ended in a tie and 1 contest had no valid vote.",
        "Party A has the most seats, 1 seat ahead of the next.",
    )
    assert words_on_seats(Seats(first[:1], 3, 0, 0, ended_tied=1))[:2] == (
        "Has won a majority",
        "A majority is 2 of 3 seats. Party A has won it. 1 seat stays vacant: 1 contest ended in a tie.",
    )
    level = Seats((PartySeats("A", 1, 0), PartySeats("B", 1, 0)), 2, 0, 0)
    assert words_on_seats(level)[::2] == ("Level in seats", "No party has more seats than all others.")
    assert words_on_seats(Seats((), 1, 0, 0, ended_silent=1))[::2] == ("No seat is filled", "No contest has a winner.")


def test_the_ballots_expected_in_all_contests_are_named_while_they_are_counted() -> None:
    def of(state: Any, turnout: float | None) -> str:
        contests = (Contest(1, "C1", "One", registered=1000), Contest(2, "C2", "Two", registered=2000))
        candidates = (Candidate(1, 1, "Ann", "A", "A"), Candidate(2, 2, "Bo", "B", "B"))
        register = Register(Election(1, "slug", "Name", state=state), contests=contests, candidates=candidates,
                            expected_turnout=turnout)  # fmt: skip
        shown = snapshot(1, register, Counted({1: 100}, {1: 100}, {}))
        words = ballots_left(shown.result, Reader())
        assert words in components.leading_party(shown, Reader()) and words in components.seat_bar(shown, Reader())
        return words

    assert of("open", 0.6) == "About 1,700 ballots are still expected at a turnout of 60.0%, in all contests."
    assert (of("open", None), of("counted", 0.6)) == ("", "")
