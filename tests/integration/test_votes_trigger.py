"""The database refuses every vote that cannot be, whoever stores it, and keeps what stored votes refer to."""

import psycopg
import pytest

from tests.ballot_paper_tables import ballot_papers

INSERT = """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, ranking, cast_at)
            VALUES (%s, %s, %s, %s, %s, %s, now())"""
GOOD = [
    (1, 1, 1, 11, None),
    (1, 2, 3, 32, None),
    (2, 1, 1, None, None),
    (2, 2, 3, None, None),
    (6, 1, 2, 22, None),
    (6, 2, 3, 31, None),
    (11, 1, 4, 42, [42]),
    (12, 1, 4, 43, [43, 41, 42]),
    (13, 1, 4, None, None),
]
NO_VOTER = "no voter has this number"
NOT_ON_PAPER = "this contest is not at this position of the voter's ballot paper"
NO_CANDIDATE = "no candidate of this contest has this number"
BAD_RANKING = "its ranking names a candidate twice, or one who does not stand in this contest"


@pytest.fixture(scope="module")
def no(tables):
    """The election, with good votes in it."""
    number = ballot_papers(tables, "votes-trigger")
    with tables.connect("app") as connection:
        for vote in GOOD:
            connection.execute(INSERT, [number, *vote])
    return number


def stored(platform, no):
    with platform.connect("reader") as connection:
        return connection.execute(
            """SELECT voter_no, position, contest_no, candidate_no, ranking FROM votes WHERE election_no = %s
               ORDER BY voter_no, position""",
            [no],
        ).fetchall()


def test_votes_of_every_ballot_paper_are_stored(tables, no):
    assert stored(tables, no) == GOOD


@pytest.mark.parametrize(
    ("vote", "why"),
    [
        ((16, 1, 1, 11, None), NO_VOTER),
        ((0, 1, 1, 11, None), NO_VOTER),
        ((3, 1, 2, 21, None), NOT_ON_PAPER),  # of another district
        ((3, 1, 3, 31, None), NOT_ON_PAPER),  # at another position
        ((3, 2, 1, 11, None), NOT_ON_PAPER),
        ((3, 3, 3, 31, None), NOT_ON_PAPER),
        ((3, 1, 2, None, None), NOT_ON_PAPER),  # an invalid vote is one in a contest too
        ((15, 1, 5, 51, None), NOT_ON_PAPER),  # no poll is held
        ((3, 1, 77, None, None), NOT_ON_PAPER),
        ((3, 1, 1, 21, None), NO_CANDIDATE),  # of another contest
        ((3, 1, 1, 99, None), NO_CANDIDATE),
        ((14, 1, 4, 41, [41, 42, 41]), BAD_RANKING),
        ((14, 1, 4, 41, [41, 11]), BAD_RANKING),
        ((14, 1, 4, 41, [41, None]), BAD_RANKING),
        ((14, 1, 4, 41, None), "this contest takes rankings, and the vote has none"),
        ((3, 1, 1, 11, [11, 12]), "this contest takes no ranking"),
        ((3, 1, 1, 11, [11]), "this contest takes no ranking"),
    ],
)
def test_a_vote_that_cannot_be_is_refused_with_all_of_its_statement(tables, no, vote, why):
    beside = (4, 1, 1, 12, None)  # a good one
    voter, position, contest, *_ = vote
    said = f"The vote of voter {voter} at position {position} in contest {contest} cannot be stored: {why}."
    for role in ("app", "owner"):
        with tables.connect(role) as connection:
            with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
                connection.execute(INSERT + ", (%s, %s, %s, %s, %s, %s, now())", [no, *beside, no, *vote])
            assert refused.value.diag.message_primary == said
    assert stored(tables, no) == GOOD


@pytest.mark.parametrize(
    ("vote", "error"),
    [
        ((1, 1, 1, 12, None), psycopg.errors.UniqueViolation),
        ((1, 2, 3, 32, None), psycopg.errors.UniqueViolation),
        ((14, 1, 4, 42, [41, 42]), psycopg.errors.CheckViolation),  # the candidate is the first preference
        ((14, 1, 4, None, [41, 42]), psycopg.errors.CheckViolation),
        ((14, 1, 4, 41, []), psycopg.errors.CheckViolation),
        ((14, 1, 4, 41, [[41, 42]]), psycopg.errors.CheckViolation),
        ((14, 1, 4, 41, "[0:1]={42,41}"), psycopg.errors.CheckViolation),
        ((14, 1, 4, None, "{NULL}"), psycopg.errors.CheckViolation),
        ((3, None, 1, 11, None), psycopg.errors.NotNullViolation),
    ],
)
def test_a_second_vote_and_a_malformed_one_are_refused(tables, no, vote, error):
    with tables.connect("app") as connection, pytest.raises(error):
        connection.execute(INSERT, [no, *vote])
    assert stored(tables, no) == GOOD


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("candidate_no = 21 WHERE voter_no = 1 AND position = 1", NO_CANDIDATE),
        ("contest_no = 2, candidate_no = NULL WHERE voter_no = 1 AND position = 1", NOT_ON_PAPER),
        ("voter_no = 99 WHERE voter_no = 1 AND position = 1", NO_VOTER),
        ("ranking = '{43,43}' WHERE voter_no = 12", BAD_RANKING),
    ],
)
def test_a_stored_vote_cannot_become_one_that_cannot_be(tables, no, change, why):
    with tables.connect("owner") as connection, pytest.raises(psycopg.errors.ForeignKeyViolation, match=why):
        connection.execute(f"UPDATE votes SET {change} AND election_no = {no}")
    assert stored(tables, no) == GOOD


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("DELETE FROM voters WHERE voter_no = 1", "voters"),
        ("DELETE FROM voters WHERE voter_no = 5", "voters"),  # without a vote: the register stays while votes are there
        ("UPDATE voters SET district_no = 2 WHERE voter_no = 1", "voters"),
        ("UPDATE voters SET voter_no = 99 WHERE voter_no = 1", "voters"),
        ("DELETE FROM papers WHERE district_no = 1 AND position = 2", "papers"),
        ("UPDATE papers SET position = 3 WHERE district_no = 1 AND position = 2", "papers"),
        ("UPDATE papers SET contest_no = 5 WHERE district_no = 1 AND position = 1", "papers"),
        ("DELETE FROM candidates WHERE candidate_no = 11", "candidates"),
        ("UPDATE candidates SET contest_no = 2 WHERE candidate_no = 11", "candidates"),
        ("UPDATE candidates SET candidate_no = 13 WHERE candidate_no = 11", "candidates"),
        ("DELETE FROM districts WHERE district_no = 1", "(papers|voters)"),
        ("DELETE FROM contests WHERE contest_no = 1", "(candidates|papers)"),
    ],
)
def test_what_stored_votes_refer_to_stays_where_it_is(tables, no, change, table):
    said = f"Rows of {table} cannot be moved or deleted: votes of their election are stored"
    with tables.connect("owner") as connection, pytest.raises(psycopg.errors.ForeignKeyViolation, match=said):
        connection.execute(f"{change} AND election_no = {no}")
    assert stored(tables, no) == GOOD


def test_other_columns_of_voters_and_candidates_may_change(tables, no):
    with tables.connect("owner") as connection:
        connection.execute("UPDATE voters SET street = '2 High Street' WHERE election_no = %s", [no])
        connection.execute("UPDATE candidates SET photo = 'x' WHERE election_no = %s AND candidate_no = 11", [no])
        connection.execute("UPDATE papers SET position = position WHERE election_no = %s", [no])


def test_an_election_without_votes_can_be_taken_apart_and_one_with_votes_removed_as_a_whole(tables):
    no = ballot_papers(tables, "votes-trigger-removed")
    with tables.connect("owner") as connection:
        connection.execute("DELETE FROM candidates WHERE election_no = %s AND candidate_no = 51", [no])
        connection.execute("UPDATE papers SET contest_no = 5 WHERE election_no = %s AND district_no = 3", [no])
        connection.execute(INSERT, [no, 1, 1, 1, 11, None])
        connection.commit()
        assert connection.execute("SELECT remove_election('votes-trigger-removed', 'me')").fetchone() == (no,)
    assert stored(tables, no) == []


def test_the_trigger_looks_voters_up_by_their_key_also_without_statistics(tables):
    """A plan that reads all voters for a batch would make every batch as slow as the electorate is large."""
    no = ballot_papers(tables, "votes-trigger-plan")
    with tables.connect("owner") as connection:
        connection.execute(
            """INSERT INTO voters SELECT %s, number, 1, 1, 'female', '1980-01-01', 'Dr', 'A', 'B', 'a@example.org',
                                         '07700 900000', '1 High Street', 'XX1 1AA', 'GB'
               FROM generate_series(1001, 31000) AS number""",
            [no],
        )
        connection.commit()
        for size in (1, 500, 500):
            (first,) = connection.execute(
                "SELECT greatest(max(voter_no), 1000) + 1 FROM votes WHERE election_no = %s", [no]
            ).fetchone()
            before = _voters_read(connection)
            connection.execute(
                """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, cast_at)
                   SELECT %s, number, 1, 1, 11, now() FROM generate_series(%s::bigint, %s) AS number""",
                [no, first, first + size - 1],
            )
            assert _voters_read(connection) - before == size


def _voters_read(connection):
    """Rows of voters that this transaction has read."""
    (rows,) = connection.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'voters'"
    ).fetchone()
    return rows
