"""The certified figures by district: what is frozen, that nobody changes it, and that a recount compares it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from election.casting import cast, close_poll
from election.certification import certify
from election.errors import StageFailed
from election.live.registers import RegisterReader
from election.platform import Connection, Platform
from election.reconciliation import recount
from election.results.figures import certified as certified_figures
from election.settings import Role
from election.storage.elections import Election
from election.storage.races import district_ids, stored_count
from tests.certifying import certified, counted, verdict

VOTERS = 9_000  # the same votes each time; with fewer there is a tie, which waits for a lot
SCENARIOS = ("mixed-parliament", "single-race", "stv-wards", "electoral-college")
ROLES = ("owner", "app", "auditor", "reader", "dashboard", "results_feed")
REFUSALS = (psycopg.errors.RaiseException, psycopg.errors.InsufficientPrivilege)
# Certified votes by district, of all contests and of those that voters of several districts choose in.
FROZEN = """SELECT district_no, position, contest_no, candidate_no, votes FROM public_certified_district_results
            WHERE election_no = %s"""
DIVIDED = "SELECT DISTINCT contest_no FROM certified_district_results WHERE election_no = %s"


@pytest.fixture(scope="module", params=SCENARIOS)
def made(tables, published, request) -> Election:
    """A certified election of the scenario."""
    return polled(tables, published, request.param)


@pytest.fixture(scope="module")
def mixed(tables, published) -> Election:
    """A certified election with two votes on each ballot paper: in the district, and for the lists of its region."""
    return polled(tables, published, "mixed-parliament", "-changed")


def polled(tables: Platform, published, scenario: str, suffix: str = "") -> Election:
    poll = published(f"districts-{scenario}{suffix}", scenario, voters=VOTERS)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    certified(tables, poll.slug)
    return poll


def rows(platform: Platform, query: str, poll: Election, role: Role = "dashboard"):
    with platform.connect(role) as connection:
        return connection.execute(query, [poll.election_no]).fetchall()


def certified_votes(platform: Platform, poll: Election) -> dict[tuple[int | None, ...], int]:
    return {tuple(key): votes for *key, votes in rows(platform, FROZEN, poll)}


def test_every_total_of_every_district_is_frozen(tables, made):
    frozen = certified_votes(tables, made)
    lines = rows(
        tables,
        """SELECT district_no, position, contest_no, candidate_no
           FROM papers JOIN (SELECT election_no, contest_no, candidate_no FROM candidates
                             UNION ALL SELECT election_no, contest_no, NULL FROM contests) AS lines
           USING (election_no, contest_no) WHERE election_no = %s""",
        made,
        "reader",
    )
    stored = rows(
        tables,
        """SELECT district_no, position, contest_no, candidate_no, count(*)
           FROM votes JOIN voters USING (election_no, voter_no) WHERE election_no = %s GROUP BY 1, 2, 3, 4""",
        made,
        "reader",
    )
    assert len(stored) > 3
    assert frozen == dict.fromkeys(lines, 0) | {tuple(key): votes for *key, votes in stored}


def test_each_figure_is_kept_once(tables, made):
    several = {"mixed-parliament": 2, "electoral-college": 3}.get(made.scenario, 0)
    assert len(rows(tables, DIVIDED, made, "reader")) == several
    sums: Counter[tuple[int | None, ...]] = Counter()
    for (_, _, contest, candidate), votes in certified_votes(tables, made).items():
        sums[contest, candidate] += votes
    of_candidates = "SELECT contest_no, candidate_no, votes FROM public_certified_results WHERE election_no = %s"
    of_contests = "SELECT contest_no, NULL, invalid FROM public_certified_contests WHERE election_no = %s"
    whole = [*rows(tables, of_candidates, made), *rows(tables, of_contests, made)]
    assert sums == {(contest, candidate): votes for contest, candidate, votes in whole}


def test_who_is_registered_and_who_voted_is_there_for_each_district(tables, made):
    found = rows(
        tables,
        "SELECT district_no, registered, voted, turnout FROM public_certified_districts WHERE election_no = %s",
        made,
    )
    known = rows(
        tables,
        """SELECT district_no, count(*), count(*) FILTER (WHERE EXISTS (
               SELECT FROM votes v WHERE (v.election_no, v.voter_no) = (w.election_no, w.voter_no)))
           FROM voters w WHERE election_no = %s GROUP BY 1""",
        made,
        "reader",
    )
    assert sorted(found) == [(*own, pytest.approx(own[2] / own[1])) for own in sorted(known)]
    assert all(0 < voted < registered for _, registered, voted in known)


def test_the_view_has_no_district_of_an_election_that_is_not_certified(tables, published):
    poll = published("districts-open", voters=50)
    assert rows(tables, "SELECT FROM public_certified_districts WHERE election_no = %s", poll) == []
    assert certified_votes(tables, poll) == {}


def test_the_figures_of_results_and_pages_are_the_frozen_ones(tables, made):
    with tables.connect("reader") as connection:
        figures = certified_figures(connection, made.election_no)
        stored = stored_count(connection, made.election_no, over=True)
        names = district_ids(connection, made.election_no)
    assert {c: voted(own) for c, own in figures.count.districts.items()} == {
        c: voted(own) for c, own in stored.districts.items()
    }
    reader = RegisterReader(lambda: tables.connect("dashboard"), tables.settings.scenarios)
    reader.start()
    try:
        register = reader.register(made.slug, wait=30)
    finally:
        reader.stop()
    assert register is not None and register.certified is not None
    assert {
        contest: {names[number]: own for number, own in districts.items()}
        for contest, districts in register.certified.districts.items()
    } == figures.count.districts


def voted(districts):
    """Without those who got no vote."""
    return {name: {line: votes for line, votes in own.items() if votes} for name, own in districts.items()}


def everything(platform: Platform, poll: Election):
    return sorted(
        rows(platform, "SELECT t::text FROM certified_district_results t WHERE election_no = %s", poll, "owner")
    )


CHANGES = {
    "update": "UPDATE certified_district_results SET votes = votes + 1 WHERE election_no = %(no)s",
    "delete": "DELETE FROM certified_district_results WHERE election_no = %(no)s",
    "insert": "INSERT INTO certified_district_results VALUES (%(no)s, 99, 1, 1, 1)",
    "truncate": "TRUNCATE certified_district_results",
    "freeze again": "SELECT freeze_districts(%(no)s)",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("change", CHANGES)
def test_no_login_changes_them(tables, mixed, role, change):
    before = everything(tables, mixed)
    assert before
    connection = tables.connect(role)
    connection.read_only = False
    refusals = (*REFUSALS, psycopg.errors.UniqueViolation) if change == "freeze again" else REFUSALS
    with connection, pytest.raises(refusals):
        connection.execute(CHANGES[change], {"no": mixed.election_no})
    assert everything(tables, mixed) == before


# A recount


@contextmanager
def tampered(platform: Platform, table: str) -> Iterator[Connection]:
    with platform.connect("owner") as connection:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield connection
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_a_recount_agrees_with_every_district(tables, made):
    assert recount(tables, made.slug).differences == ()


def test_a_recount_names_the_districts_whose_certified_votes_were_swapped(tables, published):
    """The certified totals of the contest stay as they are."""
    poll = polled(tables, published, "mixed-parliament", "-frozen")
    contest, candidate, first, second = swappable(tables, poll)
    with tampered(tables, "certified_district_results") as connection:
        for district, change in ((first, 1), (second, -1)):
            connection.execute(
                """UPDATE certified_district_results SET votes = votes + %s
                   WHERE (election_no, contest_no, district_no, candidate_no) = (%s, %s, %s, %s)""",
                [change, poll.election_no, contest, district, candidate],
            )
    found = recount(tables, poll.slug).differences
    names = dict(rows(tables, "SELECT district_no, name FROM public_districts WHERE election_no = %s", poll))
    assert {(d.what, d.key.split(", ")[-1], int(d.found or 0) - int(d.expected or 0)) for d in found} == {
        (what, f"district {names[district]}", change)
        for what in ("stored ballots for", "ballots on votes_topic for")
        for district, change in ((first, -1), (second, 1))
    }
    assert len(found) == 4


def test_a_recount_names_the_districts_whose_stored_votes_were_swapped(tables, published):
    """Two voters of two districts swap their second votes, so the totals of the contest stay as they are."""
    poll = polled(tables, published, "mixed-parliament", "-stored")
    contest, candidate, first, second = swappable(tables, poll)
    with tampered(tables, "votes") as connection:
        other = candidate + 1
        for district, was, becomes in ((first, candidate, other), (second, other, candidate)):
            changed = connection.execute(
                """UPDATE votes SET candidate_no = %(becomes)s
                   WHERE election_no = %(no)s AND position = 2 AND voter_no = (
                       SELECT min(voter_no) FROM votes JOIN voters USING (election_no, voter_no)
                       WHERE election_no = %(no)s AND contest_no = %(contest)s AND district_no = %(district)s
                         AND candidate_no = %(was)s)""",
                {"no": poll.election_no, "contest": contest, "district": district, "was": was, "becomes": becomes},
            ).rowcount
            assert changed == 1
    found = recount(tables, poll.slug).differences
    assert Counter(d.what for d in found) == {"altered ballot on votes_topic": 2, "stored ballots for": 4}
    assert all(", district " in d.key for d in found if d.what == "stored ballots for")


def swappable(platform: Platform, poll: Election) -> tuple[int, int, int, int]:
    """A contest of two districts or more, the first of its candidates, and two of its districts."""
    contest, candidate, first, second = rows(
        platform,
        """SELECT contest_no, min(candidate_no), min(district_no), max(district_no) FROM certified_district_results
           WHERE election_no = %s GROUP BY 1 ORDER BY 1""",
        poll,
        "reader",
    )[0]
    return contest, candidate, first, second


# What the verdict says


def test_electors_of_a_district_with_other_votes_than_are_stored_certify_nothing(tables, published):
    poll = published("districts-other-votes", "electoral-college", voters=VOTERS)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    counted(tables, poll.slug)
    number = verdict(tables, poll.slug)
    with tables.connect("auditor") as connection:
        (outcome,) = connection.execute("SELECT outcome FROM verdicts WHERE verdict_no = %s", [number]).fetchone()
        of_district = [e for contest in outcome["contests"] for e in contest["elected"] if e["district"]]
        of_district[0]["votes"] += 1
        (number,) = connection.execute(
            """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences, outcome)
               SELECT election_no, ok, registered, stored, counted, rejected, differences, %s FROM verdicts
               WHERE verdict_no = %s RETURNING verdict_no""",
            [json.dumps(outcome), number],
        ).fetchone()
    assert len(of_district) == 5
    with pytest.raises(StageFailed, match="is about other votes than the stored ones"):
        certify(tables, poll.slug, "someone", "It looks right.", number)
    assert rows(tables, DIVIDED, poll, "reader") == []
    number = verdict(tables, poll.slug)
    assert certify(tables, poll.slug, "someone", "Reconciled again.", number).decision == "certified"
