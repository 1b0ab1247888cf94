"""Certification on real Postgres, through SQL, with the logins that the platform itself has: what it takes to certify,
and that nobody changes what is certified.
"""

import threading
import time

import psycopg
import pytest

from election.casting import cast, close_poll, open_poll
from election.certification import certify, decision, newest_verdict, question, refuse
from election.electorate import check_electorate, seed_candidates, seed_voters
from election.errors import BadInput, StageFailed
from election.preparation import Registration, create_tables, register
from election.publication import publish_candidates, publish_voters
from election.storage.deciders import set_deciders
from election.storage.elections import election
from election.storage.runs import election_of_run, note_run
from tests.certifying import certified, counted, verdict, voted

VOTERS = 200
TABLES = (
    "elections",
    "ballot_keys",
    "parties",
    "contests",
    "candidates",
    "locations",
    "voters",
    "votes",
    "registered_counts",
    "certified_contests",
    "certified_results",
    "certifications",
    "verdicts",
)
ROLES = ("owner", "app", "auditor", "reader", "dashboard", "results_feed")
REFUSALS = (psycopg.errors.RaiseException, psycopg.errors.InsufficientPrivilege)


@pytest.fixture(scope="module")
def poll(tables, published):
    """A certified election."""
    made = published("certified", voters=VOTERS)
    cast(tables, made.slug)
    certified(tables, made.slug)
    return made


@pytest.fixture(scope="module")
def other(tables, published):
    """An election beside it whose poll is open."""
    return published("not-certified", voters=VOTERS)


@pytest.fixture
def ready(tables, request):
    """A counted election of the test's own, without a verdict."""
    return voted(tables, f"ready-{abs(hash(request.node.name)) % 10**9}", VOTERS)


def state(platform, poll):
    with platform.connect("reader") as connection:
        return election(connection, poll.slug).state


def sql(platform, role, statement, *values):
    with login(platform, role) as connection:
        return connection.execute(statement, values).fetchall()


def login(platform, role):
    """A connection that may write, if its role may: that readers' sessions begin read-only protects nothing."""
    connection = platform.connect(role)
    connection.read_only = False
    return connection


# What it takes


def test_certification_freezes_the_result_and_says_who_when_and_why(tables, poll):
    made = decision(tables, poll.slug)
    assert made is not None
    assert (made.decision, made.decided_by, made.reason) == (
        "certified",
        "the returning officer",
        "Every gate passed.",
    )
    with tables.connect("dashboard") as connection:
        known = connection.execute(
            "SELECT state, decided_at FROM public_elections WHERE election_no = %s", [poll.election_no]
        ).fetchone()
        assert known == ("certified", made.decided_at)
        (contest,) = connection.execute(
            "SELECT registered, valid, invalid, turnout FROM public_certified_contests WHERE election_no = %s",
            [poll.election_no],
        ).fetchall()
        votes = dict(
            connection.execute(
                "SELECT candidate_no, votes FROM public_certified_results WHERE election_no = %s", [poll.election_no]
            ).fetchall()
        )
        (kept,) = connection.execute(
            "SELECT decision, decided_by, reason FROM public_certifications WHERE election_no = %s", [poll.election_no]
        ).fetchall()
    stored = dict(
        sql(
            tables,
            "reader",
            """SELECT candidate_no, count(v.voter_no) FROM candidates c LEFT JOIN votes v
               USING (election_no, contest_no, candidate_no) WHERE c.election_no = %s GROUP BY 1""",
            poll.election_no,
        )
    )
    assert votes == stored
    assert contest[:2] == (VOTERS, sum(votes.values()))
    assert contest[3] == pytest.approx((contest[1] + contest[2]) / VOTERS)
    assert kept == ("certified", made.decided_by, made.reason)


def test_without_a_verdict_nothing_is_certified(tables, ready):
    with pytest.raises(StageFailed, match=r"no verdict on it\. Reconcile"):
        certify(tables, ready.slug, "someone", "It looks right.", None)
    assert state(tables, ready) == "counted"


def test_with_a_verdict_that_is_not_ok_nothing_is_certified_even_after_one_that_was(tables, ready):
    verdict(tables, ready.slug)
    number = verdict(tables, ready.slug, ok=False)
    with pytest.raises(StageFailed, match="is not ok"):
        certify(tables, ready.slug, "someone", "The one before was ok.", number)
    assert state(tables, ready) == "counted"


def test_a_verdict_about_other_ballots_than_are_stored_certifies_nothing(tables, ready):
    number = verdict(tables, ready.slug, stored=1)
    with pytest.raises(StageFailed, match="is about 1 stored and 1 counted ballots"):
        certify(tables, ready.slug, "someone", "One ballot is enough.", number)
    assert sql(tables, "reader", "SELECT FROM certified_results WHERE election_no = %s", ready.election_no) == []


def test_a_ballot_stored_after_the_verdict_needs_a_new_one(tables, ready):
    number = verdict(tables, ready.slug)
    with tables.connect("app") as connection:
        added = connection.execute(
            """INSERT INTO votes SELECT election_no, voter_no, district_no, NULL, now(), 1 FROM voters w
               WHERE election_no = %s AND NOT EXISTS (SELECT FROM votes v WHERE (v.election_no, v.voter_no)
                   = (w.election_no, w.voter_no)) LIMIT 1""",
            [ready.election_no],
        ).rowcount
    assert added == 1
    with pytest.raises(StageFailed, match="cannot be certified"):
        certify(tables, ready.slug, "someone", "Too early.", number)
    number = verdict(tables, ready.slug)
    assert certify(tables, ready.slug, "someone", "Reconciled again.", number).decision == "certified"


def test_a_clock_that_runs_fast_or_was_set_back_holds_up_no_certification(tables, ready):
    """A worker's clock was a day ahead as it cast; the database's was set back after the count."""
    with tables.connect("app") as connection:
        connection.execute(
            """INSERT INTO votes SELECT election_no, voter_no, district_no, NULL, now() + interval '1 day', 1
               FROM voters w
               WHERE election_no = %s AND NOT EXISTS (SELECT FROM votes v WHERE (v.election_no, v.voter_no)
                   = (w.election_no, w.voter_no)) LIMIT 1""",
            [ready.election_no],
        )
        connection.execute("UPDATE elections SET counted_at = now() + interval '1 hour' WHERE slug = %s", [ready.slug])
    number = verdict(tables, ready.slug)
    assert certify(tables, ready.slug, "someone", "All boxes are in.", number).decision == "certified"


def test_a_verdict_given_before_the_count_was_over_certifies_nothing(tables):
    poll = register(tables, Registration("single-race", "verdict-too-early", voters=20))
    number = verdict(tables, poll.slug)
    counted(tables, poll.slug)
    with pytest.raises(StageFailed, match="was given before the count was over"):
        certify(tables, poll.slug, "someone", "All boxes are in.", number)


def test_an_election_that_is_not_counted_cannot_be_decided_upon(tables, other):
    number = verdict(tables, other.slug)
    for decide in (certify, refuse):
        with pytest.raises(StageFailed, match=r"is open: only a counted election can be decided upon\. Run the count"):
            decide(tables, other.slug, "someone", "Too early.", number)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_decision_without_a_reason_is_none(tables, ready, reason):
    number = verdict(tables, ready.slug)
    for decide, name in ((certify, "certify"), (refuse, "refuse")):
        with pytest.raises(BadInput, match="needs a reason"):
            decide(tables, ready.slug, "someone", reason, number)
        with pytest.raises(psycopg.errors.RaiseException, match="neither may be empty"):
            sql(tables, "app", f"SELECT {name}(%s, 'someone', %s, %s)", ready.slug, reason, number)
        with pytest.raises(psycopg.errors.RaiseException, match="neither may be empty"):
            sql(tables, "app", f"SELECT {name}(%s, NULL, 'why', %s)", ready.slug, number)
    assert decision(tables, ready.slug) is None


def test_a_refused_election_keeps_its_reason_and_can_still_be_certified(tables, ready):
    bad, officer = verdict(tables, ready.slug, ok=False), "the returning officer"
    assert refuse(tables, ready.slug, officer, "Two boxes are missing.", bad).decision == "refused"
    assert state(tables, ready) == "refused"
    number = verdict(tables, ready.slug)
    certify(tables, ready.slug, officer, "The boxes were found.", number)
    rows = sql(
        tables,
        "reader",
        "SELECT decision, reason FROM certifications WHERE election_no = %s ORDER BY certification_no",
        ready.election_no,
    )
    assert rows == [("refused", "Two boxes are missing."), ("certified", "The boxes were found.")]
    with pytest.raises(StageFailed, match="is certified already"):
        refuse(tables, ready.slug, officer, "On second thoughts.", number)


def test_certifying_again_keeps_the_decision_there_is(tables, poll):
    before = decision(tables, poll.slug)
    assert before is not None
    assert certify(tables, poll.slug, before.decided_by, before.reason, before.verdict_no) == before
    for by, reason in (("someone", before.reason), (before.decided_by, "Once more.")):
        with pytest.raises(StageFailed, match=r"was certified by the returning officer .*\. Nothing was decided now\."):
            certify(tables, poll.slug, by, reason, before.verdict_no)
    assert decision(tables, poll.slug) == before


def test_only_who_may_decide_decides(tables, ready):
    number = verdict(tables, ready.slug)
    for decide in (certify, refuse):
        with pytest.raises(
            StageFailed, match=r"^operator may not decide\. These may: admin, me, someone, the returning"
        ):
            decide(tables, ready.slug, "operator", "I say so.", number)
    assert (decision(tables, ready.slug), state(tables, ready)) == (None, "counted")


def test_only_the_owner_says_who_may_decide_and_the_stages_may_read_it(tables):
    for role in ("app", "auditor", "reader", "dashboard", "results_feed"):
        for statement in ("INSERT INTO deciders VALUES ('operator')", "UPDATE deciders SET name = 'operator'",
                          "DELETE FROM deciders"):  # fmt: skip
            with login(tables, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    for role in ("app", "auditor", "reader"):
        assert ("admin",) in sql(tables, role, "SELECT name FROM deciders")


def test_who_is_removed_from_the_setting_may_no_longer_decide(tables, ready):
    number, before = verdict(tables, ready.slug), sql(tables, "reader", "SELECT name FROM deciders")
    try:
        with tables.connect("owner") as connection:
            set_deciders(connection, ["admin", "operator"])
        with pytest.raises(StageFailed, match="someone may not decide"):
            certify(tables, ready.slug, "someone", "I did so before.", number)
        assert certify(tables, ready.slug, "operator", "I am named now.", number).decided_by == "operator"
    finally:
        with tables.connect("owner") as connection:
            set_deciders(connection, [name for (name,) in before])


def test_a_decision_is_about_the_verdict_that_was_shown_and_no_other(tables, ready):
    shown = verdict(tables, ready.slug)
    newest = verdict(tables, ready.slug)
    for decide, number in ((certify, shown), (refuse, shown), (certify, None), (refuse, None), (certify, newest + 999)):
        with pytest.raises(
            StageFailed, match=f"newest verdict on {ready.slug} is number {newest}; the decision is about"
        ):
            decide(tables, ready.slug, "someone", "I have read it.", number)
    assert decision(tables, ready.slug) is None
    made = certify(tables, ready.slug, "someone", "I have read it.", newest)
    assert made.verdict_no == newest
    assert made == decision(tables, ready.slug)


def test_another_elections_verdict_decides_nothing(tables, ready, poll):
    number = verdict(tables, ready.slug)
    other = newest_verdict(tables, poll.slug)
    with pytest.raises(StageFailed, match=f"is number {number}; the decision is about number {other}"):
        certify(tables, ready.slug, "someone", "I have read it.", other)


def test_a_run_keeps_its_election(tables, ready, other):
    with tables.connect("app") as connection:
        for _ in range(2):
            note_run(connection, "election_run", ready.slug, ready.slug)
        with pytest.raises(BadInput, match=f"is about the election {ready.slug}, not {other.slug}"):
            note_run(connection, "election_run", ready.slug, other.slug)
    for role in ROLES:
        with login(tables, role) as connection:
            for statement in (
                "UPDATE runs SET election_no = %s",
                "UPDATE runs SET run_id = run_id || '!' WHERE %s > 0",
            ):
                assert refused(connection, statement, [other.election_no]), (role, statement)
    with tables.connect("reader") as connection:
        noted = election_of_run(connection, "election_run", ready.slug)
    assert noted is not None and noted.slug == ready.slug


def test_no_login_makes_an_election_certified_by_itself(tables, ready):
    verdict(tables, ready.slug)
    for role in set(ROLES) - {"owner"}:
        for become in ("certified", "refused"):
            with pytest.raises(REFUSALS):
                sql(tables, role, "UPDATE elections SET state = %s WHERE slug = %s RETURNING 1", become, ready.slug)
        with pytest.raises(REFUSALS):
            sql(tables, role, "UPDATE elections SET decided_at = now() WHERE slug = %s RETURNING 1", ready.slug)
        if role != "app":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                sql(tables, role, "SELECT certify(%s, 'me', 'why', 1)", ready.slug)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql(tables, role, "SELECT decided(%s, 'certified', 'me', 'why', 1)", ready.election_no)
    assert state(tables, ready) == "counted"


def test_only_the_auditor_gives_verdicts(tables, ready):
    for role in ("app", "reader", "dashboard", "results_feed"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sql(
                tables,
                role,
                """INSERT INTO verdicts (election_no, ok, registered, stored, counted, rejected, differences)
                   VALUES (%s, true, 0, 0, 0, 0, '[]') RETURNING 1""",
                ready.election_no,
            )


@pytest.mark.parametrize(
    ("before", "after"), [("registered", "counted"), ("open", "registered"), ("counted", "open"), ("counted", "closed")]
)
def test_an_election_goes_its_way_and_leaves_out_no_step(tables, before, after):
    slug = f"way-{before}-{after}"
    register(tables, Registration("single-race", slug, voters=10))
    with tables.connect("app") as connection:
        for step in ("open", "closed", "counted")[: ("registered", "open", "closed", "counted").index(before)]:
            connection.execute("UPDATE elections SET state = %s WHERE slug = %s", [step, slug])
    for role in ("app", "owner"):
        with pytest.raises(psycopg.errors.RaiseException, match=f"is {before} and cannot become {after}"):
            sql(tables, role, "UPDATE elections SET state = %s WHERE slug = %s RETURNING 1", after, slug)


def test_an_election_cannot_be_born_certified(tables):
    copied = """INSERT INTO elections (slug, scenario, name, polling_day, kind, source, seed, series, votes_from, state)
                VALUES ('born-certified', 'x', 'X', '2026-05-07', 'simulated', 'offline', 1, 'party', '{}', 'certified')
                RETURNING 1"""
    for role in ("app", "owner"):
        with pytest.raises(psycopg.errors.RaiseException, match="cannot begin as certified"):
            sql(tables, role, copied)


# What nobody can do any more


def change(table):
    """Statements that would each change something of the election whose number they are given."""
    column = {
        "elections": "name = name || '!'",
        "ballot_keys": "key = sha256(key)",
        "parties": "name = name || '!'",
        "contests": "registered = registered + 1",
        "candidates": "given_name = given_name || '!'",
        "locations": "city = city || '!'",
        "voters": "given_name = given_name || '!'",
        "votes": "candidate_no = NULL",
        "registered_counts": "registered = registered + 1",
        "certified_contests": "valid = valid + 1",
        "certified_results": "votes = votes + 1",
        "certifications": "reason = 'Another reason.'",
        "verdicts": "ok = NOT ok",
    }[table]
    return f"UPDATE {table} SET {column} WHERE election_no = %s", f"DELETE FROM {table} WHERE election_no = %s"


def everything(platform, poll):
    """All rows of the election, by table."""
    with platform.connect("owner") as connection:
        return {
            table: connection.execute(
                f"SELECT {table}::text FROM {table} WHERE election_no = %s ORDER BY 1", [poll.election_no]
            ).fetchall()
            for table in TABLES
        }


def refused(connection, statement, *values):
    """Whether the database refuses the statement for what it is, not for a mistake in it."""
    try:
        with connection.transaction():
            connection.execute(statement, *values)
    except REFUSALS:
        return True
    return False


@pytest.mark.parametrize("role", ROLES)
def test_no_login_changes_takes_away_or_empties_what_is_certified(tables, poll, role):
    before = everything(tables, poll)
    assert all(before.values()), "there is something to change in each table"
    with login(tables, role) as connection:
        for table in TABLES:
            for statement in change(table):
                assert refused(connection, statement, [poll.election_no]), statement
            assert refused(connection, f"TRUNCATE {table} CASCADE"), table
    assert everything(tables, poll) == before


ADDED = {
    "ballot_keys": """INSERT INTO ballot_keys VALUES (%(no)s, sha256('x'))
                      ON CONFLICT (election_no) DO UPDATE SET key = sha256('x')""",
    "parties": "INSERT INTO parties VALUES (%(no)s, 'XYZ', 'New')",
    "districts": "INSERT INTO districts VALUES (%(no)s, 99, 'N', 'New', 'R', 'C', 1, 1)",
    "contests": """INSERT INTO contests (election_no, contest_no, contest_id, name, region, country, registered)
                   VALUES (%(no)s, 99, 'N', 'New', 'R', 'C', 1)""",
    "official_results": "INSERT INTO official_results VALUES (%(no)s, 1, 1, 99, 1)",
    "official_rankings": "INSERT INTO official_rankings VALUES (%(no)s, 1, 1, '{1}', 1)",
    "candidates": """INSERT INTO candidates SELECT election_no, contest_no, 99, given_name, 'New', gender, party,
                     party_abbreviation, NULL, NULL FROM candidates WHERE election_no = %(no)s LIMIT 1""",
    "locations": "INSERT INTO locations VALUES (%(no)s, 99, 'C', 'R', 'New')",
    "voters": """INSERT INTO voters SELECT election_no, 999, district_no, location_no, gender, date_of_birth, title,
                 given_name, family_name, email, phone, street, postcode, nationality
                 FROM voters WHERE election_no = %(no)s LIMIT 1""",
    "votes": """INSERT INTO votes SELECT election_no, voter_no, district_no, NULL, now(), 1 FROM voters w
                WHERE election_no = %(no)s AND NOT EXISTS (SELECT FROM votes v WHERE (v.election_no, v.voter_no)
                    = (w.election_no, w.voter_no)) LIMIT 1""",
    "registered_counts": "INSERT INTO registered_counts VALUES (%(no)s, 'gender', 'new', 1)",
    "certified_contests": "INSERT INTO certified_contests VALUES (%(no)s, 99, 'N', 'New', 1, 1, 0)",
    "certified_results": "INSERT INTO certified_results VALUES (%(no)s, 1, 99, 'New', 'XYZ', 1000000)",
    "certified_district_results": "INSERT INTO certified_district_results VALUES (%(no)s, 1, 1, 99, 1)",
    "certifications": """INSERT INTO certifications (election_no, decision, decided_by, reason)
                         VALUES (%(no)s, 'refused', 'me', 'Too late.')""",
}


@pytest.mark.parametrize("role", ROLES)
def test_no_login_adds_to_what_is_certified(tables, poll, role):
    with login(tables, role) as connection:
        for table, statement in ADDED.items():
            assert refused(connection, statement, {"no": poll.election_no}) or (role, table) == (
                "owner",
                "certifications",
            ), table
        connection.rollback()


def test_rows_cannot_move_into_or_out_of_a_certified_election(tables, poll, other):
    for source, target in ((poll, other), (other, poll)):
        with pytest.raises(psycopg.errors.RaiseException, match="is certified"), tables.connect("owner") as connection:
            connection.execute(
                "UPDATE registered_counts SET election_no = %s, member = member || '!' WHERE election_no = %s",
                [target.election_no, source.election_no],
            )


def test_a_copy_into_a_certified_election_is_refused_whole(tables, poll):
    with (
        pytest.raises(psycopg.errors.RaiseException, match="rows in locations can no longer change"),
        tables.connect("app") as connection,
        connection.cursor().copy("COPY locations FROM STDIN") as copy,
    ):
        copy.write(f"{poll.election_no}\t98\tC\tR\tNew\n")


def test_a_transaction_begun_before_the_certification_adds_no_vote_after_it(tables, ready):
    number = verdict(tables, ready.slug)
    with tables.connect("app") as early:
        early.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        early.execute("SELECT count(*) FROM votes")
        certify(tables, ready.slug, "someone", "Counted.", number)
        with pytest.raises((psycopg.errors.SerializationFailure, *REFUSALS)):
            early.execute(ADDED["votes"], {"no": ready.election_no})


def test_certification_waits_for_a_ballot_that_is_being_stored_and_then_needs_a_new_verdict(tables, ready):
    number = verdict(tables, ready.slug)
    refused = []

    def decide():
        try:
            certify(tables, ready.slug, "someone", "Counted.", number)
        except StageFailed as error:
            refused.append(str(error))

    with tables.connect("app") as voting:
        voting.execute(ADDED["votes"], {"no": ready.election_no})
        deciding = threading.Thread(target=decide)
        deciding.start()
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        deadline = time.monotonic() + 30
        while not sql(tables, "owner", waits, ready.election_no):
            assert deciding.is_alive() and time.monotonic() < deadline
    deciding.join(30)
    assert len(refused) == 1 and "cannot be certified" in refused[0]
    assert state(tables, ready) == "counted"


def test_a_decision_with_an_old_snapshot_is_none(tables, ready):
    verdict(tables, ready.slug)
    with tables.connect("app") as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(psycopg.errors.RaiseException, match="READ COMMITTED"):
            old.execute("SELECT certify(%s, 'me', 'why', 1)", [ready.slug])


# What goes on as before


def test_the_stages_run_again_on_a_certified_election_and_change_nothing(tables, poll):
    before = everything(tables, poll)
    create_tables(tables)
    register(tables, Registration("single-race", poll.slug, voters=VOTERS))
    seed_candidates(tables, poll.slug)
    seed_voters(tables, poll.slug)
    check_electorate(tables, poll.slug)
    publish_candidates(tables, poll.slug)
    publish_voters(tables, poll.slug)
    open_poll(tables, poll.slug)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    assert everything(tables, poll) == before


def test_where_a_certified_elections_ballots_begin_on_a_topic_made_anew_can_be_noted(tables, poll):
    with tables.connect("app") as connection:
        connection.execute("UPDATE elections SET votes_from = votes_from WHERE slug = %s", [poll.slug])


def test_other_elections_are_not_held_up(tables, poll, other):
    cast(tables, other.slug)
    assert close_poll(tables, other.slug)


def test_the_question_tells_the_figures_and_who_leads(tables, ready):
    assert "there is no verdict yet" in question(tables, ready.slug, newest_verdict(tables, ready.slug))
    number = verdict(tables, ready.slug)
    assert newest_verdict(tables, ready.slug) == number
    text = question(tables, ready.slug, number)
    assert f"Verdict {number} of" in text
    assert f"{VOTERS} registered" in text and "everything agrees" in text
    ahead = sql(
        tables,
        "reader",
        """SELECT given_name || ' ' || family_name, count(*) FROM votes
           JOIN candidates USING (election_no, contest_no, candidate_no) WHERE election_no = %s
           GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1""",
        ready.election_no,
    )
    assert f"{ahead[0][1]:,} |" in text and ahead[0][0] in text
