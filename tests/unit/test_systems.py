"""Whole elections under each system: official results, ties and lots by hand, and what holds for any votes."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from votelib.evaluate.sequential import TransferableVoteSelector

from bench.real import ABERDEEN, GERMANY, real, rows, scenario
from election.errors import BadInput
from election.outcome import (
    AnyRules,
    Count,
    ElectionOutcome,
    Line,
    ListRules,
    MixedRules,
    Race,
    RankedRules,
    Rules,
    Tie,
    WinnerTakeAllRules,
    contenders,
    decide,
    decide_election,
)
from election.outcome.race import RaceKind


def race(
    number: int,
    parties: str,
    *,
    seats: int = 1,
    kind: RaceKind = "candidates",
    region: str = "",
    registered: int = 1_000,
) -> Race:
    """A contest with a line for each letter of ``parties``: line 101 is the first of contest 1."""
    lines = [Line(100 * number + n, number, f"{p} {number}", p, p) for n, p in enumerate(parties, 1)]
    return Race(number, contenders(lines), registered, False, seats, kind, region, f"C{number}")


def counted(races: Sequence[Race], *votes: Sequence[int], over: bool = True, **more: object) -> Count:
    """``votes`` by contest and line."""
    by_line = {
        contender.number: own
        for one, given in zip(races, votes, strict=True)
        for contender, own in zip(one.contenders, given, strict=True)
    }
    return replace(Count(by_line, over=over), **more)  # type: ignore[arg-type]


def names(outcome: ElectionOutcome) -> list[list[str]]:
    return [[one.contender.name for one in contest.elected] for contest in outcome.contests]


# Germany 2025

MIXED = scenario(GERMANY).system


def test_germany_2025_has_the_official_630_seats_by_party_and_state() -> None:
    outcome = decide_election(*real(GERMANY), MIXED)
    assert outcome.seats == {
        "CDU": 164, "AfD": 152, "SPD": 120, "GRÜNE": 85, "Die Linke": 64, "CSU": 44, "SSW": 1,
    }  # fmt: skip
    assert (outcome.total, outcome.unfilled, outcome.ties, outcome.winner) == (630, 0, (), None)
    by_state = {
        (row["region"], row["party_abbreviation"]): int(row["seats"])
        for row in rows(GERMANY, "seats_by_land.csv")
        if int(row["seats"])
    }
    assert outcome.regions == by_state


def test_germany_2025_leaves_the_23_official_winners_without_a_seat() -> None:
    outcome = decide_election(*real(GERMANY), MIXED)
    found = {c.race.number: (c.unseated or c.elected)[0].contender.party for c in outcome.contests[:299]}
    unseated = {c.race.number for c in outcome.contests if c.unseated}
    official = list(rows(GERMANY, "contests.csv"))
    assert found == {int(row["contest_id"]): row["first_vote_winner"] for row in official}
    assert unseated == {int(row["contest_id"]) for row in official if row["winner_seated"] == "no"}
    assert Counter(found[number] for number in unseated) == {"CDU": 15, "AfD": 4, "CSU": 3, "SPD": 1}


def test_bsw_missed_the_threshold_by_9529_votes_and_ssw_needs_none() -> None:
    found = decide_election(*real(GERMANY), MIXED).thresholds
    assert (found["BSW"].short, found["BSW"].way) == (9_529, None)
    assert (found["SSW"].way, found["CDU"].way) == ("minority", "votes")


def test_while_the_german_count_goes_on_the_ranges_hold_the_final_seats() -> None:
    races, count = real(GERMANY)
    halved = replace(count, over=False, votes={line: own // 2 for line, own in count.votes.items()})
    ranges = decide_election(races, halved, MIXED).ranges
    assert {party: (own.least, own.most) for party, own in decide_election(races, count, MIXED).ranges.items()} == {
        party: (own, own) for party, own in decide_election(races, count, MIXED).seats.items()
    }
    for party, seats in decide_election(races, count, MIXED).seats.items():
        assert ranges[party].least <= seats <= ranges[party].most
    assert ranges["BSW"].least == 0 < ranges["BSW"].most, "it can still pass"
    nearly = replace(count, over=False, invalid=dict.fromkeys(range(1, 1100), 10**9))
    assert decide_election(races, nearly, MIXED).ranges["CDU"].least == 164, "no ballot can come any more"


# Mixed, by hand


def small_mixed(**rules: object) -> tuple[list[Race], MixedRules]:
    """Two constituencies and the lists of one state, 4 seats."""
    races = [
        race(1, "AB", region="N"),
        race(2, "AB", region="N"),
        race(3, "ABC", kind="lists", region="N"),
    ]
    return races, replace(MixedRules(seats=4, threshold=5, constituencies=0), **rules)  # type: ignore[arg-type]


def test_a_partys_winners_take_its_seats_first_and_the_list_the_rest() -> None:
    races, rules = small_mixed()
    outcome = decide_election(races, counted(races, [60, 40], [40, 60], [300, 90, 10]), rules)
    assert outcome.seats == {"A": 3, "B": 1}
    assert names(outcome) == [["A 1"], ["B 2"], ["A 3"]]
    assert outcome.contests[2].elected[0].seats == 2, "of three, one is a constituency's"
    assert outcome.thresholds["C"].short == 10


def test_without_a_share_of_the_second_votes_a_winner_gets_no_seat() -> None:
    races, rules = small_mixed()
    outcome = decide_election(races, counted(races, [40, 60], [45, 55], [360, 50, 10]), rules)
    assert outcome.seats == {"A": 4}
    # A quotient of 360 / 7 is 51.4: B's 50 get nothing.
    assert [[one.contender.name for one in contest.unseated] for contest in outcome.contests[:2]] == [["B 1"], ["B 2"]]


def test_the_lowest_share_of_first_votes_is_not_covered_and_equal_shares_need_a_lot() -> None:
    races, rules = small_mixed()
    outcome = decide_election(races, counted(races, [40, 60], [450, 550], [300, 90, 10]), rules)
    assert (names(outcome)[:2], outcome.seats) == ([["B 1"], []], {"A": 3, "B": 1})
    tied = counted(races, [40, 60], [400, 600], [300, 90, 10])
    outcome = decide_election(races, tied, rules)
    tie = Tie(None, "cover by list 302", (1, 2), 1)
    assert (outcome.ties, outcome.unfilled) == ((tie,), 1)
    drawn = decide_election(races, replace(tied, lots={tie: (2,)}), rules)
    assert (names(drawn)[:2], drawn.unfilled, drawn.settled) == ([[], ["B 2"]], 0, (tie,))


def test_enough_constituencies_let_a_party_pass_the_threshold() -> None:
    races, rules = small_mixed(threshold=30, constituencies=2)
    votes = counted(races, [40, 60], [41, 59], [300, 100, 0])
    outcome = decide_election(races, votes, rules)
    assert (outcome.thresholds["B"].way, outcome.seats) == ("constituencies", {"A": 3, "B": 1})
    outcome = decide_election(races, votes, replace(rules, constituencies=3))
    assert (outcome.thresholds["B"].way, outcome.seats) == (None, {"A": 4})


def test_a_winner_without_a_party_is_seated_and_the_lists_share_out_the_rest() -> None:
    races, rules = small_mixed(independents=("I",))
    races[0] = race(1, "AI", region="N")
    outcome = decide_election(races, counted(races, [40, 60], [60, 40], [250, 150, 0]), rules)
    assert (outcome.seats, outcome.ties) == ({"A": 2, "B": 1, "I": 1}, ())


def test_a_constituency_outside_every_state_is_refused() -> None:
    races, rules = small_mixed()
    races[0] = replace(races[0], region="South")
    with pytest.raises(BadInput, match=r"'South'.*Give each constituency the region"):
        decide_election(races, counted(races, [1, 2], [1, 2], [1, 2, 3]), rules)


# Lists


@pytest.mark.parametrize(
    ("votes", "seats"),
    [
        ([9_500, 500], {"A": 19, "B": 1}),  # exactly 5 percent passes
        ([9_501, 499], {"A": 20}),
    ],
)
def test_a_party_at_the_threshold_takes_part(votes: list[int], seats: dict[str, int]) -> None:
    races = [race(1, "AB", seats=20, kind="lists")]
    outcome = decide_election(races, counted(races, votes), ListRules(threshold=5, method="largest-remainder"))
    assert (outcome.seats, outcome.ties) == (seats, ())


def test_a_party_at_the_threshold_is_not_sure_of_a_seat_while_ballots_can_come() -> None:
    races = [race(1, "AB", seats=40, kind="lists", registered=1_100)]
    count = counted(races, [950, 50], over=False)
    assert decide_election(races, count, ListRules(threshold=5)).ranges["B"].least == 0
    assert decide_election(races, count, ListRules(threshold=4.5)).ranges["B"].least > 0, "50 are 4.5 percent of 1,100"


def test_the_threshold_counts_in_the_contest_or_in_the_whole() -> None:
    races = [race(1, "AB", seats=4, kind="lists"), race(2, "AB", seats=4, kind="lists")]
    count = counted(races, [60, 40], [97, 3])
    whole = decide_election(races, count, ListRules(threshold=25, threshold_level="nationwide"))
    assert whole.seats == {"A": 8}
    each = decide_election(races, count, ListRules(threshold=25, threshold_level="contest"))
    assert each.seats == {"A": 6, "B": 2}
    exempt = decide_election(races, count, ListRules(threshold=25, minorities=("B",)))
    assert exempt.seats == {"A": 6, "B": 2}


def test_nationwide_seats_go_to_parties_first_and_then_to_their_lists() -> None:
    races = [race(1, "AB", kind="lists", region="N"), race(2, "AB", kind="lists", region="S")]
    count = counted(races, [30, 30], [30, 10])
    outcome = decide_election(races, count, ListRules(level="nationwide", seats=5, method="dhondt"))
    # A has 60 and B 40: 3 and 2. A's lists are level for the third seat, B's get 2 and 0.
    tie = Tie(None, "lists of A", (101, 201), 1)
    assert (outcome.regions, outcome.ties) == ({("N", "A"): 1, ("S", "A"): 1, ("N", "B"): 2}, (tie,))
    drawn = decide_election(races, replace(count, lots={tie: (201,)}), outcome.rules)
    assert (drawn.regions["S", "A"], drawn.unfilled) == (2, 0)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=10),
    st.sampled_from(["dhondt", "sainte-lague", "largest-remainder"]),
    st.sampled_from(["contest", "nationwide"]),
    st.sampled_from([0, 5, 20]),
)
def test_seats_of_lists_stay_in_their_ranges(
    votes: list[list[int]], arriving: list[tuple[int, int]], method: str, level: str, threshold: float
) -> None:
    registered = [sum(own) + sum(place % len(votes) == n for place, _ in arriving) for n, own in enumerate(votes)]
    races = [
        race(number, "ABC", seats=4, kind="lists", registered=registered[number - 1])
        for number in range(1, len(votes) + 1)
    ]
    rules = ListRules(method=method, level=level, seats=9, threshold=threshold)  # type: ignore[arg-type]
    before = decide_election(races, counted(races, *votes, over=False), rules)
    later = [list(own) for own in votes]
    for place, party in arriving:
        later[place % len(votes)][party] += 1
    after = decide_election(races, counted(races, *later), rules)
    assert sum(after.seats.values()) <= after.total
    hanging: Counter[str] = Counter()  # seats of a party whose lists are level for them
    for tie in after.ties:
        if tie.step.startswith("lists of"):
            hanging[tie.step[-1]] += tie.chosen
    for letter in "ABC":
        least, most = (before.ranges[letter].least, before.ranges[letter].most) if letter in before.ranges else (0, 0)
        assert least <= after.seats.get(letter, 0) + hanging[letter] <= most


# Rankings


def test_aberdeen_2017_meets_all_774_figures_of_stages_and_elects_the_official_45() -> None:
    races, count = real(ABERDEEN)
    outcome = decide_election(races, count, RankedRules())
    wards = {one.contest_id: one for one in races}
    official = {}
    for row in rows(ABERDEEN, "counts.csv"):
        ward = wards[row["contest_id"]]
        candidate = ward.contenders[int(row["candidate_no"]) - 1].number
        official[ward.number, int(row["count"]), candidate] = row["votes"]
    found = {
        (contest.race.number, stage.number, candidate): str(votes)
        for contest in outcome.contests
        for stage in contest.stages
        for candidate, votes in stage.votes.items()
    }
    assert len(official) == 774
    assert found == official
    elected = {
        (contest.race.number, candidate): stage.number
        for contest in outcome.contests
        for stage in contest.stages
        for candidate in stage.elected
    }
    assert elected == {
        (
            wards[row["contest_id"]].number,
            wards[row["contest_id"]].contenders[int(row["candidate_no"]) - 1].number,
        ): int(row["elected_at_count"])
        for row in rows(ABERDEEN, "candidates.csv")
        if row["elected"] == "yes"
    }
    assert len(elected) == 45
    assert outcome.seats == {"SNP": 19, "Con": 11, "Lab": 9, "LD": 4, "Ind": 2}
    assert (outcome.ties, outcome.unfilled) == ((), 0)
    for row, contest in zip(rows(ABERDEEN, "contests.csv"), outcome.contests, strict=True):
        assert (contest.quota, len(contest.stages)) == (int(row["quota"]), int(row["counts"]))


def test_what_the_stages_lose_is_not_transferable() -> None:
    races, count = real(ABERDEEN)
    for contest in decide_election(races, count, RankedRules()).contests:
        cast = sum(count.rankings[contest.race.number].values())
        for stage in contest.stages:
            assert sum(stage.votes.values()) + stage.not_transferable == cast


def ranked(one: Race, rankings: dict[str, int], rules: RankedRules, **more: object) -> ElectionOutcome:
    """``rankings`` by the letters of parties."""
    number = {contender.party: contender.number for contender in one.contenders}
    cast = {tuple(number[party] for party in ranking): ballots for ranking, ballots in rankings.items()}
    return decide_election([one], replace(Count(rankings={one.number: cast}, over=True), **more), rules)  # type: ignore[arg-type]


def test_equal_votes_at_every_stage_await_a_lot() -> None:
    one = race(1, "ABCD", kind="ranking")
    rankings = {"A": 40, "B": 30, "CA": 10, "DB": 10}  # a quota of 46
    tie = Tie(1, "stage 2: exclusion", (103, 104), 1)
    open_ = ranked(one, rankings, RankedRules())
    assert (names(open_), open_.ties, open_.unfilled, len(open_.contests[0].stages)) == ([[]], (tie,), 1, 1)
    drawn = ranked(one, rankings, RankedRules(), lots={tie: (103,)})
    assert (names(drawn), drawn.ties, drawn.settled) == ([["A 1"]], (), (tie,))
    with pytest.raises(BadInput, match=r"stage 2: exclusion of contest 1 names 101. Draw 1 of 103, 104"):
        ranked(one, rankings, RankedRules(), lots={tie: (101,)})


def test_equal_votes_are_told_apart_by_the_latest_earlier_stage() -> None:
    one = race(1, "ABCD", kind="ranking")
    # D's two papers make C level with B, who had more at stage 1.
    outcome = ranked(one, {"A": 40, "B": 20, "CA": 18, "DC": 2}, RankedRules())
    assert [stage.excluded for stage in outcome.contests[0].stages] == [(), (104,), (103,)]
    assert (names(outcome), outcome.ties) == ([["A 1"]], ())


def test_equal_surpluses_await_a_lot() -> None:
    one = race(1, "ABCD", seats=3, kind="ranking")
    rankings = {"AC": 40, "BD": 40, "C": 9, "D": 8}  # a quota of 25
    tie = Tie(1, "stage 2: surplus", (101, 102), 1)
    assert ranked(one, rankings, RankedRules()).ties == (tie,)
    first_a = ranked(one, rankings, RankedRules(), lots={tie: (101,)})
    assert [str(first_a.contests[0].stages[1].votes[n]) for n in (101, 103)] == ["25.00000", "24.00000"]
    # Both surpluses are transferred, C has 24 and D 23: the lowest is excluded, and C fills the last seat.
    assert names(first_a) == [["A 1", "B 1", "C 1"]]


def test_values_are_cut_to_five_decimals() -> None:
    one = race(1, "ABC", seats=2, kind="ranking")
    outcome = ranked(one, {"AB": 10, "A": 1, "B": 1, "C": 3}, RankedRules())  # a quota of 6, a surplus of 5 of 11
    second = outcome.contests[0].stages[1]
    assert (str(second.votes[102]), str(second.not_transferable)) == ("5.54540", "0.45460")


def test_a_contest_without_ballots_elects_nobody_and_has_no_tie() -> None:
    outcome = ranked(race(1, "AB", kind="ranking"), {}, RankedRules())
    assert (names(outcome), outcome.ties, outcome.unfilled) == ([[]], (), 1)


@pytest.mark.parametrize("ranking", [(), (101, 101), (101, 999)])
def test_a_ranking_that_is_empty_repeats_or_names_a_stranger_is_refused(ranking: tuple[int, ...]) -> None:
    count = Count(rankings={1: {ranking: 1}}, over=True)
    with pytest.raises(BadInput, match=r"Contest 1: the ranking .* cannot be counted. Name at least one"):
        decide_election([race(1, "AB", kind="ranking")], count, RankedRules())


def test_instant_runoff_fills_one_seat() -> None:
    with pytest.raises(BadInput, match=r"has 2 seats. `irv` fills one; choose `stv`"):
        ranked(race(1, "AB", seats=2, kind="ranking"), {"A": 1}, RankedRules("irv"))


def test_instant_runoff_stops_at_a_majority_of_the_votes_that_still_count() -> None:
    one = race(1, "ABC", kind="ranking")
    outcome = ranked(one, {"A": 45, "B": 35, "C": 20}, RankedRules("irv"))
    assert (names(outcome), len(outcome.contests[0].stages)) == ([["A 1"]], 2), "45 of 80; 51 were the quota"


RANKINGS = st.dictionaries(
    st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=5, unique=True).map("".join),
    st.integers(1, 50),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(RANKINGS)
def test_instant_runoff_elects_as_stv_with_one_seat(rankings: dict[str, int]) -> None:
    one = race(1, "ABCDE", kind="ranking")
    irv, stv = ranked(one, rankings, RankedRules("irv")), ranked(one, rankings, RankedRules())
    assert irv.ties or stv.ties or names(irv) == names(stv)


@settings(deadline=None)
@given(st.dictionaries(st.permutations("ABCDE").map("".join), st.integers(1, 1_000), min_size=3, max_size=12))
def test_instant_runoff_elects_as_a_library(rankings: dict[str, int]) -> None:
    """Full rankings, because the library does not end when all that is left are ballots without a preference."""
    standing = "".join(sorted({ranking[0] for ranking in rankings}))
    cast: Counter[str] = Counter()
    for ranking, ballots in rankings.items():
        cast["".join(letter for letter in ranking if letter in standing)] += ballots
    outcome = ranked(race(1, standing, kind="ranking"), cast, RankedRules("irv"))
    if outcome.ties or _met_equal_votes(outcome):
        return  # the library refuses a tie
    theirs = TransferableVoteSelector(quota_function="droop").evaluate(
        {tuple(ranking): ballots for ranking, ballots in cast.items()}, 1
    )
    assert names(outcome) == [[f"{winner} 1" for winner in theirs]]


def _met_equal_votes(outcome: ElectionOutcome) -> bool:
    stages = outcome.contests[0].stages
    return any(
        sorted(stage.votes.values()).count(stage.votes[after.moved]) > 1
        for stage, after in pairwise(stages)
        if after.moved is not None
    )


@settings(deadline=None)
@given(RANKINGS, st.integers(1, 3), st.randoms())
def test_no_order_of_arrival_decides_between_candidates(
    rankings: dict[str, int], seats: int, mixing: random.Random
) -> None:
    one = race(1, "ABCDE", seats=seats, kind="ranking")
    mixed = list(rankings.items())
    mixing.shuffle(mixed)
    outcome, again = ranked(one, rankings, RankedRules()), ranked(one, dict(mixed), RankedRules())
    assert (outcome.contests[0].stages, outcome.ties) == (again.contests[0].stages, again.ties)
    assert outcome.ties or len(outcome.contests[0].elected) == seats


# Winner-take-all


def test_two_states_split_by_district_give_their_districts_one_elector_each() -> None:
    """As Maine (4) and Nebraska (5) do in the United States: 19 electors of three states, 10 are a majority."""
    races = [race(1, "RD", seats=10), race(2, "RD", seats=4), race(3, "RD", seats=5)]
    districts = {
        2: {"ME-1": {201: 40, 202: 60}, "ME-2": {201: 55, 202: 45}},
        3: {"NE-1": {301: 60, 302: 40}, "NE-2": {301: 45, 302: 55}, "NE-3": {301: 70, 302: 30}},
    }
    count = counted(races, [399, 401], [95, 105], [175, 125], districts=districts)
    rules = WinnerTakeAllRules(split=("C2", "C3"))
    outcome = decide_election(races, count, rules)
    assert [[(e.district, e.contender.party, e.seats) for e in c.elected] for c in outcome.contests] == [
        [("", "D", 10)],
        [("", "D", 2), ("ME-1", "D", 1), ("ME-2", "R", 1)],
        [("", "R", 2), ("NE-1", "R", 1), ("NE-2", "D", 1), ("NE-3", "R", 1)],
    ]
    assert (outcome.seats, outcome.majority, outcome.winner) == ({"D": 14, "R": 5}, 10, "D")
    assert decide_election(races, count, WinnerTakeAllRules()).seats == {"D": 14, "R": 5}
    running = decide_election(races, replace(count, over=False), rules)
    assert (running.winner, running.ranges["D"].most, running.ranges["R"].most) == (None, 19, 19)
    with pytest.raises(BadInput, match="Contest C2 divides 4 seats among 0 districts"):
        decide_election(races, replace(count, districts={}), rules)


def test_a_tie_in_a_district_awaits_its_own_lot() -> None:
    races = [race(1, "RD", seats=3)]
    count = counted(races, [60, 60], districts={1: {"North": {101: 30, 102: 30}}})
    rules = WinnerTakeAllRules(split=("C1",))
    state, north = Tie(1, "seat", (101, 102), 1), Tie(1, "seat of North", (101, 102), 1)
    assert decide_election(races, count, rules).ties == (state, north)
    drawn = decide_election(races, replace(count, lots={state: (101,), north: (102,)}), rules)
    assert (drawn.seats, drawn.ties) == ({"R": 2, "D": 1}, ())


# Plurality


SEATS_2019 = {
    "Con": 365, "Lab": 202, "SNP": 48, "LD": 11, "DUP": 8, "SF": 7, "PC": 4, "SDLP": 2, "APNI": 1, "Green": 1, "Spk": 1,
}  # fmt: skip
SEATS_2017 = {
    "Con": 317, "Lab": 262, "SNP": 35, "LD": 12, "DUP": 10, "SF": 7, "PC": 4, "Green": 1, "Ind": 1, "Spk": 1,
}  # fmt: skip


@pytest.mark.parametrize(("year", "seats", "majority"), [(2019, SEATS_2019, "Con"), (2017, SEATS_2017, None)])
def test_every_winner_and_seat_of_the_uk(year: int, seats: dict[str, int], majority: str | None) -> None:
    name = f"uk-general-election-{year}"
    contests = scenario(name).contests
    races, count = real(name)
    outcome = decide_election(races, count, Rules())
    assert (outcome.seats, outcome.ties, outcome.unfilled) == (seats, (), 0)
    assert outcome.winner == majority
    for contest, own in zip(contests, outcome.contests, strict=True):
        most = max(candidate.votes or 0 for candidate in contest.candidates)
        assert [(one.contender.name, one.votes) for one in own.elected] == [
            (candidate.name, candidate.votes) for candidate in contest.candidates if candidate.votes == most
        ]
    running = decide_election(races, replace(count, over=False), Rules())
    for party, number in seats.items():
        assert running.ranges[party].least <= number <= running.ranges[party].most


def test_a_lead_as_large_as_the_ballots_to_come_can_still_end_in_a_tie() -> None:
    for registered, least, most in [(20, 0, 1), (19, 1, 0)]:
        one = race(1, "AB", registered=registered)
        ranges = decide_election([one], counted([one], [10, 8], over=False), Rules()).ranges
        assert (ranges["A"].least, ranges["B"].most if "B" in ranges else 0) == (least, most)


def test_several_seats_go_to_those_with_the_most_votes() -> None:
    one = race(1, "ABCD", seats=2)
    outcome = decide_election([one], counted([one], [10, 30, 20, 20]), Rules())
    tie = Tie(1, "seat", (103, 104), 1)
    assert (names(outcome), outcome.ties, outcome.unfilled) == ([["B 1"]], (tie,), 1)
    drawn = decide_election([one], counted([one], [10, 30, 20, 20], lots={tie: (104,)}), Rules())
    assert (names(drawn), drawn.contests[0].elected[1].how) == ([["B 1", "D 1"]], "lot")


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.booleans())
def test_a_contest_of_one_seat_is_decided_as_everywhere_else(votes: list[int], next_: bool) -> None:
    kinds = ["person", "none-of-the-above", "person", "write-in", "person"]
    lines = [Line(n, 1, f"{n}", f"P{n}", "", None, None, kinds[n - 1]) for n in range(1, len(votes) + 1)]  # type: ignore[arg-type]
    one, by_line = Race(1, contenders(lines), 100), dict(enumerate(votes, 1))
    rules = Rules(none_of_the_above_leads="next", write_ins_lead="next") if next_ else Rules()
    there, here = decide(one, by_line, rules, over=True), decide_election([one], Count(by_line, over=True), rules)
    assert here.contests[0].elected == there.elected
    assert [tie.between for tie in here.ties] == ([tuple(s.contender.number for s in there.tie)] if there.tie else [])


# Any system


ANY: list[tuple[AnyRules, RaceKind]] = [
    (Rules(), "candidates"),
    (ListRules(), "lists"),
    (ListRules(level="nationwide", seats=5, method="dhondt"), "lists"),
    (WinnerTakeAllRules(), "candidates"),
]


@pytest.mark.parametrize(("rules", "kind"), ANY)
@settings(deadline=None)
@given(votes=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=2, max_size=4), mixing=st.randoms())
def test_neither_the_order_of_contests_nor_of_lines_decides(
    rules: AnyRules, kind: RaceKind, votes: list[list[int]], mixing: random.Random
) -> None:
    races = [race(n, "ABC", seats=2 if kind == "lists" else 1, kind=kind) for n in range(1, len(votes) + 1)]
    count = counted(races, *votes)
    mixed = [replace(one, contenders=tuple(mixing.sample(one.contenders, 3))) for one in races]
    mixing.shuffle(mixed)
    outcome, again = decide_election(races, count, rules), decide_election(mixed, count, rules)
    assert (outcome.seats, set(outcome.ties)) == (again.seats, set(again.ties))
    who: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for found in (outcome, again):
        for contest in found.contests:
            who[contest.race.number].add(tuple(sorted((e.contender.number, e.seats) for e in contest.elected)))  # type: ignore[arg-type]
    assert all(len(same) == 1 for same in who.values())


def test_no_system_needs_a_vote() -> None:
    for rules, kind in ANY:
        outcome = decide_election([race(1, "AB", seats=1, kind=kind)], Count(), rules)
        assert (outcome.seats, outcome.ties) == ({}, ())
