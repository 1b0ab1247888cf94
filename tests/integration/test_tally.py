"""The count on real Kafka, Spark and Postgres: exact after anything, one writer, and nothing shown goes down."""

import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zipfile import ZipFile
from zlib import crc32

import httpx
import psutil
import pytest
from confluent_kafka import OFFSET_BEGINNING, Producer, TopicPartition

from election.casting import cast, close_poll
from election.cli.restore import restore_topics
from election.contracts import topics
from election.contracts.aggregates import TURNOUT_BY_HOUR, CandidateTotal
from election.contracts.messages import Decoder, ExternalBallot, RejectedRecord, TallyProgress, encode
from election.count import driver, wait_until_counted
from election.count.checkpoint import newest_batch, read_offsets
from election.count.folder import read_json, tally_folder, write_json
from election.count.rebuilding import rebuild
from election.errors import StageFailed
from election.messaging.aggregates import FOLDED, folded
from election.messaging.clients import SafeProducer, admin, consume, consumer
from election.messaging.reading import bounds, partitions, read
from election.platform import Platform
from election.reconciliation.verdict import reconcile
from election.stack.supervision import Supervisor
from election.storage.elections import election
from election.toolchain import class_archive, jars
from election.totals import Totals
from tests import count_faults
from tests.ballots import once_votes_are_stored, send

log = logging.getLogger(__name__)
SEED = os.environ.get("DRILL_SEED", str(time.time_ns() % 1_000_000))

TURNOUT = (topics.TURNOUT_BY_LOCATION, topics.TURNOUT_BY_GENDER, topics.TURNOUT_BY_AGE_GROUP, TURNOUT_BY_HOUR.topic)
FAULTS = {
    "driver": count_faults.kill_driver_within_batch,
    "executor": count_faults.kill_executor,
    # Beyond the heartbeat's timeout, with a second start attempted by both ways.
    "pause": lambda platform: count_faults.freeze_driver(platform, seconds=5),
}
"""One of each kind; `make drill-count` has the others, on the whole stack. Services are killed in a run of Airflow's
(tests/e2e/test_election_runs.py)."""


@contextmanager
def kept_running(platform: Platform) -> Iterator[None]:
    """Starts the driver whenever none runs, as Airflow's task does."""
    done = threading.Event()

    def keep() -> None:
        while not done.is_set():
            if not driver.state(platform.settings).alive:
                driver.start(platform.settings)
            done.wait(1)

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


@contextmanager
def shown_meanwhile(platform: Platform, election_no: int, before: int) -> Iterator[list[int]]:
    """Ballots that a reader shows, who has read as many as ``before`` and reads on while this lasts."""
    shown: list[int] = []
    done = threading.Event()
    reader = consumer(platform.kafka)
    reader.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t in FOLDED for p in partitions(platform.kafka, t)])

    def follow() -> None:
        totals, begun = Totals(), False
        while True:
            records = list(consume(reader, 200, 0.5))
            for record in records:
                totals.apply(str(record.topic()), record.key(), record.value())
            begun = begun or totals.ballots(election_no) >= before
            if begun:
                shown.append(totals.ballots(election_no))
            if done.is_set() and not records:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert driver.wait_for(lambda: len(shown) > 0, 60)
        yield shown
    finally:
        done.set()
        follower.join()
        reader.close()


def assert_exact(platform: Platform, slug: str) -> None:
    wait_until_counted(platform, slug, timeout_stalled_s=240)
    assert reconcile(platform, slug).differences == ()


@pytest.fixture(scope="module")
def counted(counting: Platform, published) -> str:
    """An election that is cast and counted."""
    poll = published("tally-first", voters=3000)
    cast(counting, poll.slug)
    close_poll(counting, poll.slug)
    assert_exact(counting, poll.slug)
    return poll.slug


@pytest.fixture(scope="module")
def several(counting: Platform, counted: str, published) -> list[str]:
    """Two more: one whose voters have two votes each, and one whose voters rank candidates."""
    slugs = []
    for scenario in ("mixed-parliament", "stv-wards"):
        poll = published(f"tally-{scenario}", scenario, voters=1000)
        cast(counting, poll.slug)
        close_poll(counting, poll.slug)
        slugs.append(poll.slug)
    return slugs


def test_several_votes_a_voter_and_rankings_are_counted_exactly(counting, several) -> None:
    verdicts = {}
    for slug in several:
        wait_until_counted(counting, slug, timeout_stalled_s=240)
        verdicts[slug] = reconcile(counting, slug)
    assert [verdict.differences for verdict in verdicts.values()] == [(), ()]
    mixed, ranked = verdicts.values()
    assert mixed.stored == mixed.published == mixed.counted == 2 * mixed.voted > 1000
    assert ranked.stored == ranked.counted == ranked.voted > 500
    assert mixed.votes == f"{mixed.stored:,} votes on {mixed.voted:,} ballots"
    with counting.connect("reader") as connection:
        numbers = [election(connection, slug).election_no for slug in several]
    totals = folded(counting.kafka)
    turnout = [{sum(total.votes for total in totals.election(no)[topic]) for topic in TURNOUT} for no in numbers]
    assert turnout == [{mixed.voted}, {ranked.voted}], "a voter counts once"
    valid = sum(total.votes for total in totals.election(numbers[1])[topics.VOTES_PER_CANDIDATE])
    assert [totals.ranked(number) for number in numbers] == [0, valid]
    assert len(totals.election(numbers[1])[topics.VOTES_PER_RANKING]) > 20
    assert {total.position for total in totals.election(numbers[0])[topics.VOTES_PER_PARTY]} == {1, 2}


def test_no_total_of_a_counted_election_is_less_than_one_before_it(counting, counted) -> None:
    assert count_faults.Emitted(counting).went_down() == []


def test_progress_is_told(counting, counted) -> None:
    def told() -> TallyProgress:
        return list(map(Decoder(TallyProgress), (r.value() for r in read(counting.kafka, topics.TALLY_PROGRESS))))[-1]

    assert driver.wait_for(lambda: told().lag == 0 and told().votes > 0, 20)
    progress, state = told(), driver.state(counting.settings)
    assert (progress.generation, progress.application_id) == (1, state.application_id)
    assert progress.ui_url == state.ui_url
    assert progress.state_rows == progress.votes, "a row a ballot"
    assert time.time() - progress.at / 1000 < 15
    folder = tally_folder(counting.settings)
    done = folder.checkpoint(1) / "commits" / str(progress.batch)
    assert progress.batch_at == done.stat().st_mtime_ns // 1_000_000
    assert min(progress.processed_rate, progress.batch_ms, progress.state_bytes) > 0
    assert read_json(folder.heartbeat)["progressed"], "the next driver need not wait"
    assert " INFO " not in folder.log.read_text()
    lines = [json.loads(line) for line in folder.batches.read_text().splitlines()]
    assert [line["batch"] for line in lines] == list(range(len(lines)))


def test_what_java_unpacks_lies_in_the_platforms_own_folder(counting, counted) -> None:
    services = Supervisor(counting.settings).processes()
    jvms = [count_faults.driver_jvm(counting.settings), count_faults.executor(counting.settings)]
    jvms += [count_faults.service_process(services[name]["pid"]) for name in ("kafka", "spark-master", "spark-worker")]
    libraries = {mapped.path for jvm in jvms for mapped in jvm.memory_maps() if "jni" in mapped.path}
    assert any("rocksdb" in path for path in libraries)
    assert [path for path in libraries if not path.startswith(str(counting.settings.var))] == []


def test_the_state_is_kept_by_the_rocksdb_ahead_of_sparks_own(counting, counted) -> None:
    mapped = count_faults.executor(counting.settings).memory_maps()
    (library,) = {Path(part.path) for part in mapped if "rocksdb" in part.path}
    (jar,) = jars(counting.settings, "ahead").glob("rocksdbjni-*.jar")
    with ZipFile(jar) as archive:
        assert crc32(library.read_bytes()) in {part.CRC for part in archive.infolist()}


def test_driver_and_executor_start_from_the_archive_of_classes(counting, counted) -> None:
    archive = class_archive()
    assert archive is not None, "`make archive` makes it; .venv/spark-archive.log says why it could not"
    for jvm in (count_faults.driver_jvm(counting.settings), count_faults.executor(counting.settings)):
        assert str(archive.resolve()) in {mapped.path for mapped in jvm.memory_maps()}, count_faults.args(jvm)[:200]


def test_ballots_delivered_again_change_nothing_and_are_counted_as_duplicates(counting, counted) -> None:
    before = reconcile(counting, counted)
    producer = SafeProducer(counting.kafka)
    for _ in range(3):
        for record in list(read(counting.kafka, topics.VOTES))[:500]:
            producer.produce(topics.VOTES, record.value(), record.key() or b"")
        producer.flush()
    assert driver.wait_for(lambda: _all_read(counting), 60)
    after = reconcile(counting, counted)
    assert (after.counted, after.differences) == (before.counted, ())

    def told() -> int:
        progress = (Decoder(TallyProgress)(r.value()) for r in read(counting.kafka, topics.TALLY_PROGRESS))
        return max(p.duplicates for p in progress)

    assert driver.wait_for(lambda: told() >= 1500, 30)


def test_votes_that_come_an_hour_and_a_day_late_are_counted_in_their_own_minutes(counting, counted, published) -> None:
    poll = published("tally-late", voters=100, ballots="external")
    with counting.connect("app") as connection:  # as a worker stored them that died before it published them
        stored = connection.execute(
            """INSERT INTO votes (election_no, voter_no, position, contest_no, candidate_no, cast_at)
               SELECT %s, voter, 1, 1, 1, date_trunc('minute', now()) - CASE WHEN voter <= 3 THEN interval '1 day'
                                                                     ELSE interval '1 hour' END
               FROM generate_series(1, 5) voter
               RETURNING extract(epoch FROM cast_at)::bigint * 1000""",
            [poll.election_no],
        )
        late = Counter(minute for (minute,) in stored)
    send(counting, *(ExternalBallot(1, poll.election_no, voter, 1, 1) for voter in range(1, 21)))
    close_poll(counting, poll.slug)
    cast(counting, poll.slug)
    assert_exact(counting, poll.slug)
    minutes = folded(counting.kafka).election(poll.election_no)[topics.VOTES_PER_MINUTE]
    assert sorted(late.values()) == [2, 3]
    assert {total.minute: total.votes for total in minutes if total.minute in late} == late
    assert sum(total.votes for total in minutes) == 20


def test_no_page_and_no_log_shows_the_password_of_the_count(counting, counted) -> None:
    password, page = counting.settings.secret("kafka_tally"), counting.settings.spark_driver_page
    (application,) = httpx.get(f"{page}/api/v1/applications", trust_env=False, timeout=60).json()
    api = f"api/v1/applications/{application['id']}"
    paths = ("environment/", "SQL/", "StreamingQuery/", "jobs/", "stages/", "executors/", f"{api}/environment",
             f"{api}/sql?details=true&planDescription=true&length=1000")  # fmt: skip
    shown = {path: httpx.get(f"{page}/{path}", trust_env=False, follow_redirects=True, timeout=60) for path in paths}
    assert {path: answer.status_code for path, answer in shown.items()} == dict.fromkeys(paths, 200)
    texts = {path: answer.text for path, answer in shown.items()}
    logs = [file for folder in ("tally", "logs", "spark") for file in (counting.settings.var / folder).rglob("*")]
    texts |= {str(file): file.read_text(errors="replace") for file in logs if "log" in file.name and file.is_file()}
    running = [process.info for process in psutil.process_iter(["pid", "name", "cmdline"])]
    texts |= {f"process {p['pid']}": " ".join(p["cmdline"] or ()) for p in running if p["name"] == "java"}
    assert [place for place, text in texts.items() if password in text] == []


def test_a_record_that_is_no_vote_is_rejected_and_the_count_goes_on(counting, counted) -> None:
    producer = SafeProducer(counting.kafka, **{"message.max.bytes": 20_000_000})
    producer.produce(topics.VOTES, b"\xff\xfe no vote", b"nobody")
    producer.produce(topics.VOTES, b"{}", bytes(16))
    producer.produce(topics.VOTES, bytes(4 * topics.MAX_MESSAGE_BYTES), b"small only while it is compressed")
    producer.flush()
    undecided = Producer({**counting.login("admin"), "transactional.id": "a stranger", "log_level": 0})
    undecided.init_transactions(30)
    undecided.begin_transaction()
    undecided.produce(topics.VOTES, b"aborted", b"nobody")
    undecided.flush(30)
    undecided.abort_transaction(30)
    assert driver.wait_for(lambda: _all_read(counting), 60)
    found = [Decoder(RejectedRecord)(r.value()) for r in read(counting.kafka, topics.REJECTED)]
    assert {"not_utf8", "wrong_type", "too_large"} <= {r.reason for r in found if r.stage == "count"}
    assert b64encode(b"aborted").decode() not in {r.value for r in found}, "what was aborted was never published"
    assert reconcile(counting, counted).differences == ()


def test_an_election_of_many_candidates_is_counted_minute_by_minute_by_party(counting, counted, published) -> None:
    contests = ("E14001007", "E14000669")  # 21 candidates
    poll = published("tally-parties", "uk-general-election-2019", contests=contests, ballots="external")
    with counting.connect("auditor") as connection:
        ballots = connection.execute(
            """SELECT first + rank() OVER (PARTITION BY contest_no ORDER BY candidate_no), contest_no, candidate_no,
                      party_abbreviation
               FROM candidates JOIN (SELECT district_no AS contest_no, min(voter_no) AS first FROM voters
                                     WHERE election_no = %(no)s GROUP BY 1) AS voters USING (contest_no)
               WHERE election_no = %(no)s""",
            {"no": poll.election_no},
        ).fetchall()
    send(counting, *(ExternalBallot(1, poll.election_no, voter, contest, who) for voter, contest, who, _ in ballots))
    close_poll(counting, poll.slug)
    cast(counting, poll.slug)
    assert_exact(counting, poll.slug)
    minutes = folded(counting.kafka).election(poll.election_no)[topics.VOTES_PER_MINUTE]
    assert {total.series for total in minutes} == {"party"}
    found = Counter[str]()
    for total in minutes:
        found[total.member] += total.votes
    assert found == Counter(party for *_, party in ballots)
    assert 1 < len(found) < len(ballots) == 21


def test_votes_that_wait_while_the_executor_stands_still_are_noticed_in_half_a_minute(counting, counted) -> None:
    executor = count_faults.executor(counting.settings)
    executor.suspend()
    try:
        producer = SafeProducer(counting.kafka)
        for record in list(read(counting.kafka, topics.VOTES))[:500]:
            producer.produce(topics.VOTES, record.value(), record.key() or b"")
        producer.flush()
        assert driver.wait_for(lambda: driver.state(counting.settings).phase == "stalled", 30)
        assert (driver.state(counting.settings).lag or 0) > 0
    finally:
        executor.resume()
    assert driver.wait_for(lambda: driver.state(counting.settings).phase == "counting", 60)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_election_is_counted_exactly_through(counting, published, fault) -> None:
    log.warning("DRILL_SEED=%s", SEED)
    moment = random.Random(f"{SEED} {fault}").uniform(0, 3)
    poll = published(f"tally-{fault.replace(' ', '-')}", voters=4000)
    command = [sys.executable, "-m", "election.cli", "cast", poll.slug]
    casting = subprocess.Popen([*command, "--rate", "400"])
    with kept_running(counting):
        once_votes_are_stored(counting, poll, lambda: time.sleep(moment))
        FAULTS[fault](counting)
        if casting.wait(240):  # one that begins while Kafka is away fails, and its task is tried again
            subprocess.run(command, check=True)
        assert_exact(counting, poll.slug)
    assert count_faults.Emitted(counting).went_down() == []


def test_a_stop_finishes_the_batch_and_the_next_start_goes_on(counting, counted) -> None:
    folder = tally_folder(counting.settings)
    producer = SafeProducer(counting.kafka)
    for record in list(read(counting.kafka, topics.VOTES))[:500]:  # so that the stop comes within a batch
        producer.produce(topics.VOTES, record.value(), record.key() or b"")
    producer.flush()
    assert driver.stop(counting.settings)
    assert driver.state(counting.settings).phase == "stopped"
    checkpoint = folder.checkpoint(folder.generation)
    newest = newest_batch(checkpoint, "commits")
    assert read_json(checkpoint / "counted.json")["batch"] == newest
    assert json.loads(folder.batches.read_text().splitlines()[-1])["batch"] == newest
    assert driver.state(counting.settings).batch == newest
    told = [Decoder(TallyProgress)(r.value()) for r in read(counting.kafka, topics.TALLY_PROGRESS) if r.value()]
    assert max(told, key=lambda progress: progress.at).batch == newest
    # Hadoop keeps a hidden checksum file beside each file. Spark's own, which are not hidden, would double them again.
    assert [file for file in checkpoint.rglob("*.crc") if not file.name.startswith(".")] == []
    assert not driver.stop(counting.settings)
    driver.start(counting.settings)
    assert reconcile(counting, counted).differences == ()


def test_a_rebuild_removes_a_planted_wrong_total_and_shows_nothing_less_meanwhile(counting, counted, several) -> None:
    totals = [Decoder(CandidateTotal)(r.value()) for r in read(counting.kafka, topics.VOTES_PER_CANDIDATE)]
    wrong = max(totals, key=lambda total: total.votes)
    forged = CandidateTotal(**{f: getattr(wrong, f) for f in wrong.__struct_fields__} | {"votes": wrong.votes + 7})
    key = f"{wrong.election}/{wrong.generation}/{wrong.district}/{wrong.contest}/{wrong.candidate}".encode()
    producer = SafeProducer(counting.login("tally"))
    producer.produce(topics.VOTES_PER_CANDIDATE, encode(forged), key)
    producer.flush()
    with counting.connect("reader") as connection:
        (slug,) = connection.execute("SELECT slug FROM elections WHERE election_no = %s", [wrong.election]).fetchone()
    assert reconcile(counting, slug).differences != ()
    before = folded(counting.kafka).ballots(wrong.election)
    with shown_meanwhile(counting, wrong.election, before) as shown:
        generation = rebuild(counting)
    assert generation == wrong.generation + 1
    assert len(shown) > 3
    assert shown == sorted(shown), "ballots shown never go down"
    assert min(shown) == max(shown) == before, "the old count stays on screen until the new one says as much"
    for known in (slug, counted, *several):
        assert reconcile(counting, known).differences == ()
    assert _generations(counting) == {generation}, "the old generation's keys are tombstoned"
    assert not tally_folder(counting.settings).checkpoint(wrong.generation).exists()


def test_a_checkpoint_that_lost_its_newest_files_is_refused_with_the_remedy(counting, counted) -> None:
    folder = tally_folder(counting.settings)
    driver.stop(counting.settings)
    checkpoint = folder.checkpoint(folder.generation)
    newest = newest_batch(checkpoint, "commits")
    for log in ("commits", "offsets"):
        (checkpoint / log / str(newest)).unlink()
    assert "files of it are gone" in _refusal(counting)
    rebuild(counting)
    assert reconcile(counting, counted).differences == ()


def test_a_checkpoint_of_another_topic_or_query_is_refused(counting, counted) -> None:
    folder = tally_folder(counting.settings)
    file = folder.checkpoint(folder.generation) / "binding.json"
    right = read_json(file)
    try:
        write_json(file, right | {"topic_id": "another"})
        assert "was recreated" in _ended_refused(counting), "of the driver that counts"
        assert "was recreated" in _refusal(counting)
        write_json(file, right | {"query": "4.00000000"})
        assert "was written by version 4.00000000 of the query" in _refusal(counting)
    finally:
        write_json(file, right)
        driver.start(counting.settings)


def test_a_topic_that_was_created_anew_is_refused_restored_and_counted(counting, counted) -> None:
    client = admin(counting.login("admin"))
    client.delete_topics([topics.VOTES])[topics.VOTES].result(30)
    assert driver.wait_for(lambda: topics.VOTES not in client.list_topics(timeout=10).topics, 30)
    assert driver.wait_for(lambda: not driver.state(counting.settings).alive, 60), "it cannot read on"
    said = _refusal(counting)
    assert "votes_topic is gone" in said and "First `election restore-topics`" in said
    restore_topics()
    assert "was recreated" in _refusal(counting), "votes that were put there again are no reason to go on"
    rebuild(counting)
    assert reconcile(counting, counted).differences == ()
    with counting.connect("reader") as connection:
        assert folded(counting.kafka).ballots(election(connection, counted).election_no) > 0


def _generations(platform: Platform) -> set[int]:
    """Of which there is a total on the topics."""
    latest = {(t, record.key()): record.value() for t in topics.AGGREGATES for record in read(platform.kafka, t)}
    return {int((key or b"").split(b"/")[1]) for (_, key), value in latest.items() if value is not None}


def _refusal(platform: Platform) -> str:
    """What a driver that is refused says."""
    with suppress(StageFailed):
        driver.start(platform.settings)
    return _ended_refused(platform)


def _ended_refused(platform: Platform) -> str:
    """What the driver says that ends because it is refused."""
    assert driver.wait_for(lambda: not driver.state(platform.settings).alive, 120)
    state = driver.state(platform.settings)
    assert state.refused
    assert "election tally rebuild" in (state.error or "")
    return state.error or ""


def _all_read(platform: Platform) -> bool:
    _, end = bounds(platform.kafka, topics.VOTES)
    folder = tally_folder(platform.settings)
    checkpoint = folder.checkpoint(folder.generation)
    batch = newest_batch(checkpoint, "commits")
    return read_offsets(checkpoint, batch) == end
