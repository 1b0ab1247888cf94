"""An audit from the box to the signature, on real Postgres and Kafka: what it confirms and finds, who may see what."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from election.audit import Faults, assess, box, commit, draw_round, entering, lay_down, progress, sign_off, type_digits
from election.audit.box import manifest
from election.audit.report import recomputed, report
from election.casting import cast, close_poll
from election.certification import question
from election.cli import app
from election.errors import BadInput, StageFailed
from election.evidence import seal
from election.evidence.comparing import check_records
from election.evidence.journal import journal
from election.orchestration.audit import take_rounds
from election.preparation import create_tables
from election.storage.audits import summary
from election.storage.elections import Election
from tests.certifying import PEOPLE, counted, verdict
from tests.integration.test_evidence_journal import tamper

SIGNER = PEOPLE[0]
FLIPPED = 300
DENIED = psycopg.errors.InsufficientPrivilege
REFUSED = psycopg.errors.RaiseException
ROLES = ("owner", "app", "auditor", "box", "reader", "dashboard")


@pytest.fixture(scope="session")
def audited(tables, published):
    """Makes a counted and sealed election whose papers were laid down before the count."""
    create_tables(tables)  # again, as every run does: it grants readers what is there by then

    def make(slug: str, faults: Faults | None = None, voters: int = 2_000) -> Election:
        poll = published(slug, voters=voters)
        cast(tables, slug)
        close_poll(tables, slug)
        laid = lay_down(tables, slug, "the keeper of the boxes", faults)
        assert laid["papers"] == one(tables, "reader", "SELECT count(*) FROM votes WHERE election_no = %s", poll)
        counted(tables, slug)
        seal(tables, slug)
        return poll

    return make


@pytest.fixture(scope="session")
def confirmed(tables, audited) -> Election:
    """An election without faults whose audit is over, and not signed."""
    poll = audited("audit-clean")
    begin(tables, poll.slug)
    draw_round(tables, poll.slug)
    entering.simulate(tables, poll.slug)
    assess(tables, poll.slug)
    return poll


def one(platform, role: str, query: str, poll: Election) -> Any:
    with platform.connect(role) as connection:
        (value,) = connection.execute(query, [poll.election_no]).fetchone()
    return value


def contest(platform, slug: str) -> Any:
    """How far the election's one contest is in its newest audit."""
    (found,) = progress(platform, slug).contests
    return found


def described_by(file: Path) -> Any:
    """The JSON beside a report."""
    return json.loads(file.with_suffix(".json").read_text("utf-8"))


def begin(platform, slug: str, **options: Any) -> None:
    commit(platform, slug, "the desk", **options)
    assert type_digits(platform, slug, "3141592653", "Ada") == 10
    assert type_digits(platform, slug, "5897932384", "Ben") == 20


def go_on(platform, slug: str, misread: float = 0.0) -> None:
    """Rounds until no contest needs one, with simulated auditors."""
    while draw_round(platform, slug):
        entering.simulate(platform, slug, misread)
        assess(platform, slug)


def test_a_count_that_is_right_is_confirmed_by_a_sample(tables, confirmed):
    now, found = progress(tables, confirmed.slug), contest(tables, confirmed.slug)
    assert found.finding == "confirmed" and now.over and now.wrong == []
    assert found.risk.risk < now.audit.risk_limit and found.risk.one_over == found.risk.two_over == 0
    assert 0 < found.risk.drawn < found.one.contest.ballots
    with tables.connect("reader") as connection:
        assert "1 contest confirmed by sample" in str(summary(connection, confirmed.election_no))


def test_the_papers_are_what_was_voted_although_their_writer_reads_no_vote(tables, confirmed):
    with tables.connect("reader") as connection:
        votes = dict(connection.execute(
            "SELECT coalesce(candidate_no, 0), count(*) FROM votes WHERE election_no = %s GROUP BY 1",
            [confirmed.election_no],
        ).fetchall())  # fmt: skip
    with tables.connect("owner") as connection:
        says = b"".join(row[0] for row in connection.execute(
            "SELECT says FROM box.papers WHERE election_no = %s", [confirmed.election_no]
        ))  # fmt: skip
    papers = [int.from_bytes(says[at : at + 4], "big") for at in range(0, len(says), 4)]
    assert {number: papers.count(number) for number in set(papers)} == votes
    for query in ("SELECT FROM votes", "SELECT FROM log_rounds", "SELECT FROM verdicts", "SELECT email FROM voters"):
        with tables.connect("box") as connection, pytest.raises(DENIED):
            connection.execute(query)


def test_the_certifier_reads_the_risk_beside_the_verdict(tables, confirmed):
    number = verdict(tables, confirmed.slug)
    asked = question(tables, confirmed.slug, number)
    assert "Audit, as a rehearsal: risk limit 5" in asked and "confirmed by sample" in asked
    assert "By the papers" not in asked


def test_the_commands_show_the_audit_to_people_and_to_programs(tables, confirmed):
    def said(*arguments: str) -> str:
        answer = CliRunner().invoke(app, ["audit", *arguments])
        assert answer.exit_code == 0, answer.output
        return answer.output

    status = json.loads(said("status", confirmed.slug, "--json"))
    assert (status["next"], status["contests"][0]["finding"], len(status["seed"])) == ("sign-off", "confirmed", 20)
    assert f"election audit sign-off {confirmed.slug}" in said("status", confirmed.slug)
    assert said("manifest", confirmed.slug).startswith("box,contest,location,papers\n1,1,")
    assert said("papers", confirmed.slug) == "box,position,paper\n", "all are read"
    written = Path(said("report", confirmed.slug).strip())
    assert "Every draw follows" in said("check", str(written.with_suffix(".json")))


def test_a_run_takes_all_rounds_without_people(tables, audited):
    poll = audited("audit-run", Faults(flipped=FLIPPED))
    begin(tables, poll.slug)
    take_rounds(tables, poll.slug, misread=0.02)
    now = progress(tables, poll.slug)
    assert now.over and now.wrong and now.follows == "sign-off"
    asked = question(tables, poll.slug, verdict(tables, poll.slug))
    assert "**By the papers, all counted by hand, the outcome is another one in 1 contest.**" in asked


def test_a_wrong_outcome_is_found_by_ever_larger_samples_and_a_hand_count(tables, audited):
    # So many that no sample can miss them: the order of papers in a box is another one in each run of the tests.
    poll = audited("audit-flipped", Faults(flipped=FLIPPED))
    begin(tables, poll.slug)
    go_on(tables, poll.slug)
    now = progress(tables, poll.slug)
    assert [one.finding for one in now.contests] == ["hand count"] and now.follows == "hand-count"
    with pytest.raises(StageFailed, match="not over"):
        sign_off(tables, poll.slug, SIGNER, "Nothing was found.")
    with pytest.raises(StageFailed, match="Two persons"):
        entering.count_by_hand(tables, poll.slug, 1, "Ada", " ada ")
    entering.count_by_hand(tables, poll.slug, 1, "Ada", "Ben")
    now = progress(tables, poll.slug)
    assert now.over and now.wrong == [contest(tables, poll.slug).one.name]
    assert not one(tables, "auditor", "SELECT count(planted_faults(audit_no)) FROM audits WHERE election_no = %s", poll)
    signed = sign_off(tables, poll.slug, SIGNER, "The count is wrong: 'Ada' and 'Ben' counted all papers.")
    assert signed.signed_by == SIGNER
    faults = one(tables, "auditor", "SELECT planted_faults(audit_no) FROM audits WHERE election_no = %s", poll)
    assert faults["flipped"] == FLIPPED
    with pytest.raises(StageFailed, match="is signed"):
        type_digits(tables, poll.slug, "1", "Carl")


def test_faults_that_change_no_outcome_are_found_and_the_outcome_is_confirmed_by_hand(tables, audited):
    poll = audited("audit-lost", Faults(lost=200, swapped=1))
    begin(tables, poll.slug)
    go_on(tables, poll.slug, misread=0.01)
    found = contest(tables, poll.slug)
    assert found.risk.two_over > 0 and found.finding == "hand count"
    entering.count_by_hand(tables, poll.slug, 1, "Ada", "Ben")
    found = contest(tables, poll.slug)
    assert found.by_hand[-1] == 200 and found.finding == "confirmed by hand count"


def test_polling_looks_at_papers_alone(tables, audited):
    poll = audited("audit-polling", voters=20_000)
    begin(tables, poll.slug, method="polling", limit=0.1)
    go_on(tables, poll.slug)
    found, described = contest(tables, poll.slug), described_by(report(tables, poll.slug))
    assert found.risk.drawn > 0 and found.finding in ("confirmed", "hand count")
    assert recomputed(described) == []


def test_no_role_but_the_keeper_reads_a_paper_and_he_only_what_was_drawn(tables, confirmed):
    for role in ("app", "auditor", "box", "reader", "dashboard"):
        with tables.connect(role) as connection, pytest.raises(DENIED):
            connection.execute("SELECT * FROM box.papers")
    audit = progress(tables, confirmed.slug).audit
    with tables.connect("auditor") as connection:
        drawn = connection.execute(
            "SELECT box_no, position FROM audit_draws WHERE audit_no = %s", [audit.audit_no]
        ).fetchall()
        listed, _ = manifest(connection, confirmed.election_no)
    unseen = next(
        (one["box"], place)
        for one in listed for place in range(1, one["papers"] + 1) if (one["box"], place) not in drawn
    )  # fmt: skip
    assert entering.take_out(tables, confirmed.slug, *drawn[0])
    with pytest.raises(StageFailed, match="was not drawn"):
        entering.take_out(tables, confirmed.slug, *unseen)
    for role in ("app", "auditor", "reader", "dashboard"):
        with tables.connect(role) as connection, pytest.raises(DENIED):
            connection.execute("SELECT take_out(%s, %s, %s)", [audit.audit_no, *drawn[0]])


def test_the_second_entry_is_blind_and_one_person_cannot_make_two(tables, audited):
    poll = audited("audit-blind")
    begin(tables, poll.slug)
    draw_round(tables, poll.slug)
    first = entering.papers(tables, poll.slug)[0]
    says = entering.take_out(tables, poll.slug, first.box, first.position)
    paper = says.rpartition("(")[2].rstrip(")")
    entering.enter(tables, poll.slug, [(first.box, first.position, paper)], "Ada")
    for role in ("auditor", "box", "app", "reader", "dashboard"):
        with tables.connect(role) as connection, pytest.raises(DENIED):
            connection.execute("SELECT reading FROM audit_entries")
    readings = "SELECT count(*) FROM audit_readings JOIN audits USING (audit_no) WHERE election_no = %s"
    assert one(tables, "auditor", readings, poll) == 0, "the desk sees no single entry"
    number = progress(tables, poll.slug).audit.audit_no
    quoting = "('x' || entered_by || box_no || '/' || position || '=' || reading)::int = 0"  # an error quotes the entry
    for role in ("auditor", "reader"):
        with tables.connect(role) as connection:
            assert (
                connection.execute(f"SELECT FROM audit_readings WHERE audit_no = {number} AND {quoting}").rowcount == 0
            )
    with tables.connect("box") as connection, pytest.raises(DENIED):
        connection.execute("SELECT FROM audit_readings")
    with pytest.raises(StageFailed, match="already"):
        entering.enter(tables, poll.slug, [(first.box, first.position, "invalid")], "ADA ")
    assert (first.box, first.position) not in [(p.box, p.position) for p in entering.papers(tables, poll.slug, "ada")]
    with pytest.raises(StageFailed, match="not read by two persons"):
        assess(tables, poll.slug)
    other = "invalid" if says != "invalid" else "missing"
    entering.enter(tables, poll.slug, [(first.box, first.position, other)], "Ben")
    assert one(tables, "auditor", readings, poll) == 2
    assert (first.box, first.position) in [(p.box, p.position) for p in entering.papers(tables, poll.slug, "Carl")], (
        "two who disagree need a third"
    )
    with pytest.raises(BadInput, match="names no candidate"):
        entering.enter(tables, poll.slug, [(first.box, first.position, "Guy Fawkes")], "Carl")


def test_a_report_can_be_computed_again_and_a_changed_one_is_found(tables, confirmed):
    file = report(tables, confirmed.slug)
    described = described_by(file)
    assert recomputed(described) == []
    assert "confirmed by the sample" in file.read_text("utf-8")
    (found,) = described["contests"]
    drawn = found["draws"][0]
    paper, drawn[4] = drawn[4], None
    assert any("the risk of round 1" in said for said in recomputed(described))
    assert any("entries" in said for said in recomputed(described))
    drawn[4] = paper
    assert recomputed(described | {"seed": described["seed"][::-1]}) == [
        f"{found['name']}: the seed draws other papers"
    ]


def test_the_desk_confirms_nothing_that_no_sample_shows(tables, audited):
    poll = audited("audit-forged")

    def refused(statement: str, said: str) -> None:
        with tables.connect("auditor") as connection, pytest.raises(REFUSED, match=said):
            connection.execute(statement, {"audit": progress(tables, poll.slug).audit.audit_no})

    def risk(round_no: int, drawn: int, risk: float = 0.01, follows: str = "confirmed") -> str:
        return f"""INSERT INTO audit_risks (audit_no, round_no, contest_no, drawn, one_over, two_over, one_under,
                   two_under, risk, follows)
                   VALUES (%(audit)s, {round_no}, 1, {drawn}, 0, 0, 0, 0, {risk}, '{follows}')"""

    def another_draw(round_no: int) -> str:
        return f"INSERT INTO audit_draws VALUES (%(audit)s, 1, 100000, {round_no}, 1, 1, '0')"

    commit(tables, poll.slug, "the desk")
    refused(risk(0, 0), "no sample")
    refused(risk(1, 0), "Round 1")
    type_digits(tables, poll.slug, "3141592653", "Ada")
    type_digits(tables, poll.slug, "5897932384", "Ben")
    drawn = draw_round(tables, poll.slug)
    refused(risk(1, drawn), "not read by two persons")
    entering.simulate(tables, poll.slug)
    refused(risk(1, drawn - 1), f"has {drawn} draws")
    refused(risk(0, drawn), "no sample")
    refused(risk(2, drawn), "Round 2")
    refused(risk(1, drawn, 0.05), "risk limit")
    assert [found.follows for found in assess(tables, poll.slug)] == ["confirmed"]
    refused(another_draw(1), "assessed")
    with tables.connect("auditor") as connection:
        ((paper, place),) = connection.execute(
            """SELECT box_no, position FROM audit_papers JOIN audits USING (audit_no) WHERE election_no = %s LIMIT 1""",
            [poll.election_no],
        )
    with pytest.raises(StageFailed, match="two persons have read"):
        entering.enter(tables, poll.slug, [(paper, place, "invalid")], "Carl")


def test_after_a_hand_count_is_asked_for_no_sample_confirms(tables, audited):
    poll = audited("audit-no-more-draws", Faults(flipped=FLIPPED))
    begin(tables, poll.slug)
    go_on(tables, poll.slug)
    found = contest(tables, poll.slug)
    assert found.finding == "hand count"
    audit, next_round = progress(tables, poll.slug).audit.audit_no, found.risk.round_no + 1
    with tables.connect("auditor") as connection:
        connection.execute("INSERT INTO audit_rounds (audit_no, round_no) VALUES (%s, %s)", [audit, next_round])
        with pytest.raises(REFUSED, match="hand count"):
            connection.execute("INSERT INTO audit_draws VALUES (%s, 1, 100000, %s, 1, 1, '0')", [audit, next_round])


def test_an_audit_is_ended_before_another_one_begins_and_the_next_one_names_it(tables, audited):
    poll = audited("audit-repeated", Faults(flipped=FLIPPED))
    commit(tables, poll.slug, "the desk")
    with pytest.raises(StageFailed, match="is not signed yet"):
        commit(tables, poll.slug, "the desk")
    type_digits(tables, poll.slug, "3141592653", "Ada")
    type_digits(tables, poll.slug, "5897932384", "Ben")
    go_on(tables, poll.slug)
    entering.count_by_hand(tables, poll.slug, 1, "Ada", "Ben")
    sign_off(tables, poll.slug, SIGNER, "The count is wrong.")
    commit(tables, poll.slug, "the desk")
    with tables.connect("reader") as connection:
        assert "1 audit before it" in str(summary(connection, poll.election_no))
    file = report(tables, poll.slug)
    (before,) = described_by(file)["before"]
    assert before["reason"] == "The count is wrong." and "The count is wrong" in file.read_text("utf-8")


def test_a_sheet_is_entered_whole_or_not_at_all(tables, audited, tmp_path):
    poll = audited("audit-sheet", voters=500)
    begin(tables, poll.slug)
    draw_round(tables, poll.slug)
    wanted = entering.papers(tables, poll.slug)
    lines = entering.sheet(wanted).splitlines()
    assert lines[0] == "box,position,paper" and len(lines) == len(wanted) + 1
    filled = [f"{p.box},{p.position},{entering.take_out(tables, poll.slug, p.box, p.position)}" for p in wanted]
    says = [line.replace(" (", '"(').partition('"(')[0] for line in filled]
    file = tmp_path / "sheet.csv"
    quoted = [",".join((*line.split(",", 2)[:2], f'"{line.split(",", 2)[2]}"')) for line in says]
    file.write_text("\n".join([lines[0], *quoted, "999,1,invalid"]), "utf-8")
    with pytest.raises(BadInput, match="no box 999"):
        entering.enter(tables, poll.slug, entering.read_sheet(file), "Ada")
    assert len(entering.papers(tables, poll.slug, "Ada")) == len(wanted)
    file.write_text("\n".join([lines[0], *quoted]), "utf-8")
    for person in ("Ada", "Ben"):
        assert entering.enter(tables, poll.slug, entering.read_sheet(file), person) == len(wanted)
    assert [risk.follows for risk in assess(tables, poll.slug)] == ["confirmed"]


def test_no_person_makes_the_seed_alone_and_nothing_is_drawn_before_it(tables, audited):
    poll = audited("audit-seed", voters=500)
    commit(tables, poll.slug, "the desk")
    with pytest.raises(StageFailed, match="not complete"):
        draw_round(tables, poll.slug)
    assert type_digits(tables, poll.slug, "0123456789", "Ada") == 10
    for digits, by, said in (
        ("1", " ADA", "ten digits"), ("12345678901", "Ben", "too many"), ("12a", "Ben", "0 to 9"), ("", "Ben", "0 to 9")
    ):  # fmt: skip
        with pytest.raises(StageFailed, match=said):
            type_digits(tables, poll.slug, digits, by)
    with pytest.raises(StageFailed, match="not complete"):
        draw_round(tables, poll.slug)


def test_a_box_is_laid_down_before_the_count_is_over_and_once(tables, published, audited):
    poll = published("audit-late", voters=100)
    cast(tables, poll.slug)
    close_poll(tables, poll.slug)
    counted(tables, poll.slug)
    seal(tables, poll.slug)
    with pytest.raises(StageFailed, match="before the count is over"):
        lay_down(tables, poll.slug, "the keeper")
    with pytest.raises(StageFailed, match="No box was laid down"):
        commit(tables, poll.slug, "the desk")
    again = audited("audit-again", voters=100)
    before = one(tables, "reader", "SELECT count(*) FROM boxes WHERE election_no = %s", again)
    assert lay_down(tables, again.slug, "another", Faults(lost=1))["boxes"] == before


def test_two_who_lay_the_papers_down_at_once_lay_them_down_once(tables, published, monkeypatch):
    poll, together, fill = published("audit-at-once", voters=200), Barrier(2, timeout=60), box._fill
    cast(tables, poll.slug)
    monkeypatch.setattr(box, "_fill", lambda *given: (together.wait(), fill(*given)))
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(lambda by: lay_down(tables, poll.slug, by), ("Ada", "Ben"))
    assert first == second
    assert first["papers"] == one(tables, "reader", "SELECT count(*) FROM votes WHERE election_no = %s", poll)


def test_ballots_from_outside_have_no_box(tables, published):
    poll = published("audit-outside", voters=50, ballots="external")
    with pytest.raises(StageFailed, match="come from outside"):
        lay_down(tables, poll.slug, "the keeper")


@pytest.mark.parametrize("scenario", ["mixed-parliament", "stv-wards", "electoral-college", "list-council"])
def test_elections_with_lists_rankings_or_contests_over_districts_have_no_box(tables, published, scenario):
    poll = published(f"no-box-{scenario}", scenario, voters=100)
    with pytest.raises(StageFailed, match="cannot be audited on paper"):
        lay_down(tables, poll.slug, "me")


def test_faults_that_there_is_no_room_for_leave_no_box(tables, published):
    poll = published("audit-too-much", voters=100)
    with pytest.raises(BadInput, match="papers for the winner"):
        lay_down(tables, poll.slug, "the keeper", Faults(flipped=101))
    assert one(tables, "reader", "SELECT count(*) FROM boxes WHERE election_no = %s", poll) == 0


@pytest.mark.parametrize(
    "table",
    ["boxes", "box.papers", "box.closed", "audits", "audit_digits", "audit_rounds", "audit_draws", "audit_entries",
     "audit_risks"],
)  # fmt: skip
def test_nothing_of_an_audit_is_changed(tables, confirmed, table):
    column = "election_no" if table.startswith("box") or table == "audits" else "audit_no"
    for role in ROLES:
        for statement in (
            f"UPDATE {table} SET {column} = {column}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with tables.connect(role) as connection:
                connection.read_only = False
                with pytest.raises((REFUSED, DENIED)):
                    connection.execute(statement)


def test_what_an_audit_found_is_in_the_journal(tables, audited):
    poll = audited("audit-journal", Faults(flipped=FLIPPED))
    begin(tables, poll.slug)
    go_on(tables, poll.slug)
    entering.count_by_hand(tables, poll.slug, 1, "Ada", "Ben")
    sign_off(tables, poll.slug, SIGNER, "The count is wrong.")
    seal(tables, poll.slug)
    with tables.connect("auditor") as connection:
        noted = {json.loads(entry.line)["table"] for entry in journal(connection, poll.election_no)}
    assert noted >= {"audits", "audit_digits", "audit_risks", "audit_hand_counts", "audit_signatures"}
    assert check_records(tables, poll.slug).found == []
    audit = progress(tables, poll.slug).audit.audit_no
    tamper(
        tables,
        f"UPDATE audit_hand_counts SET papers = papers + 1 WHERE audit_no = {audit} AND candidate_no = 1",
        f"DELETE FROM audit_signatures WHERE audit_no = {audit}",
    )
    assert check_records(tables, poll.slug).found == [
        f"Row {audit}/1/1 of audit_hand_counts has another papers than in the journal.",
        f"Row {audit} of audit_signatures is in the journal and no longer in the table.",
    ]


def test_the_audit_goes_with_an_election_that_is_removed(tables, audited):
    poll = audited("audit-removed", voters=200)
    begin(tables, poll.slug)
    go_on(tables, poll.slug)
    with tables.connect("owner") as connection:
        connection.execute("SELECT remove_election(%s, 'admin')", [poll.slug])
        for table in ("boxes", "box.papers", "box.closed", "audits"):
            count = connection.execute(f"SELECT count(*) FROM {table} WHERE election_no = %s", [poll.election_no])
            assert count.fetchone() == (0,)
