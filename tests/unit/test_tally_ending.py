"""How the count ends: a stop finishes the batch that runs, and what no other try can mend is refused."""

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JError
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from election.count.checkpoint import CheckpointRefused, check_topic, claim, note
from election.count.folder import Folder, read_json, write_json
from election.errors import NotReachable, StageFailed
from spark_jobs.tally.job import end
from spark_jobs.tally.reading import newest
from spark_jobs.tally.stopping import finish, must_be_asked


def test_a_stop_during_the_very_first_batch_finishes_it(spark: SparkSession, tmp_path: Path) -> None:
    begun, asked = threading.Event(), threading.Event()

    def batch(rows: Any, _number: int) -> None:
        begun.set()
        asked.wait(60)
        rows.count()  # what Spark begins to do in a query that was stopped fails

    votes = spark.readStream.format("rate").load()
    checkpoint = tmp_path / "checkpoint"
    query = votes.writeStream.foreachBatch(batch).option("checkpointLocation", str(checkpoint)).start()
    assert begun.wait(60)
    stopping = threading.Thread(target=finish, args=(query, checkpoint, lambda: None))
    stopping.start()
    stopping.join(0.5)  # time enough to stop at once, if it would
    asked.set()
    stopping.join(60)
    assert not query.isActive
    assert newest(checkpoint, "commits") >= 0


def test_a_query_that_ends_unasked_has_failed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(StageFailed, match="without a requested stop"):
        must_be_asked(folder)
    folder.stop.touch()
    must_be_asked(folder)


def test_a_count_whose_state_lost_a_file_is_refused_with_the_remedy(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint, folder = tmp_path / "checkpoint", Folder(tmp_path)

    def batch() -> None:
        (tmp_path / "votes" / uuid4().hex).write_text("a vote")
        votes = spark.readStream.text(str(tmp_path / "votes")).groupBy("value").count()
        query = votes.writeStream.format("noop").outputMode("update").option("checkpointLocation", str(checkpoint))
        query.trigger(availableNow=True).start().awaitTermination()

    (tmp_path / "votes").mkdir()
    batch()
    for changes in (checkpoint / "state").rglob("*.changelog"):
        changes.unlink()
    with pytest.raises(StreamingQueryException) as caught:
        batch()
    end(folder, "driver", caught.value)
    ended = read_json(folder.ended)
    assert (ended["identity"], ended["clean"], ended["refused"]) == ("driver", False, True)
    assert ended["error"].startswith("Files of the checkpoint are gone or damaged. `election tally rebuild`")
    assert "CANNOT_READ_STREAMING_STATE_FILE" in ended["error"], "what Spark said is told too"


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_java_process_that_is_gone_is_named_however_its_connection_ended(tmp_path: Path, reset: bool) -> None:
    folder = Folder(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def die() -> None:
            connection, _ = server.accept()
            server.close()
            assert b"awaitTermination" in connection.recv(1000)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        dying = threading.Thread(target=die)
        dying.start()
        client = ClientServer(JavaParameters(port=server.getsockname()[1]), PythonParameters(port=0))
        with pytest.raises((Py4JError, ConnectionError)) as caught:
            JavaObject("o1", client._gateway_client).awaitTermination()
        dying.join(10)
        client.close()
    end(folder, "driver", caught.value)
    assert read_json(folder.ended)["error"].startswith("Its Java process is gone: killed, or out of memory (")


@pytest.mark.parametrize("call", [lambda java: java.Integer.parseInt(1, 2, 3), lambda java: java.Integer.nothing])
def test_an_error_of_java_is_not_taken_for_its_end(
    spark: SparkSession, tmp_path: Path, call: Callable[[Any], None]
) -> None:
    folder, jvm = Folder(tmp_path), spark._jvm
    assert jvm is not None
    with pytest.raises(Py4JError) as caught:
        call(jvm.java.lang)
    end(folder, "driver", caught.value)
    told = read_json(folder.ended)["error"]
    assert "does not exist" in told
    assert "Java process is gone" not in told


LOST_VOTES = (
    "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: [KAFKA_DATA_LOSS.START_OFFSET_RESET] Some "
    "data may have been lost because they are not available in Kafka any more;\neither the data was aged out ..."
)
DAMAGED = {
    "offsets": "java.lang.IllegalStateException: Failed to read log file file:/c/offsets/2. Incomplete log file",
    "commits": "java.lang.IllegalStateException: Incomplete log file in the offset commit log",
    "a line": "[MALFORMED_LOG_FILE] Malformed log file: cannot read the version",
}
TRY_AGAIN = {
    "the disk is full": "[CANNOT_LOAD_STATE_STORE.UNCATEGORIZED] An error occurred during loading state.",
    "memory is short": "[CANNOT_LOAD_STATE_STORE.ROCKSDB_STORE_PROVIDER_OUT_OF_MEMORY] Could not load RocksDB",
    "an executor died": "Job aborted: java.io.FileNotFoundException: /scratch/blockmgr-1/0c/shuffle_3_0_0.index",
    "a jar is gone": "java.io.FileNotFoundException: File file:/project/state/jars/kafka.zip does not exist",
    "Kafka is slow": "TimeoutException: Cannot fetch record for offset 12 in 120000 milliseconds",
    "Kafka is away": "KafkaException: Failed to construct kafka consumer",
}


def test_a_count_whose_votes_are_gone_is_refused_with_the_remedy(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    end(folder, "driver", RuntimeError(LOST_VOTES))
    ended = read_json(folder.ended)
    assert ended["refused"]
    assert "no longer on votes_topic. First `election restore-topics`" in ended["error"]


@pytest.mark.parametrize("case", DAMAGED)
def test_a_count_whose_log_of_batches_is_damaged_is_refused_with_the_remedy(case: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    end(folder, "driver", RuntimeError(DAMAGED[case]))
    ended = read_json(folder.ended)
    assert ended["refused"]
    assert "`election tally rebuild`" in ended["error"]


@pytest.mark.parametrize("case", TRY_AGAIN)
def test_what_another_try_may_mend_is_not_refused(case: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    end(folder, "driver", RuntimeError(TRY_AGAIN[case]))
    ended = read_json(folder.ended)
    assert not ended["refused"]
    assert TRY_AGAIN[case] in ended["error"]


def test_a_query_that_ended_unasked_is_tried_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    end(folder, "driver", StageFailed("The query ended without an error"))
    assert not read_json(folder.ended)["refused"]
    end(folder, "driver", CheckpointRefused("It belongs to another topic."))
    assert read_json(folder.ended)["refused"]


def checkpoint_of(folder: Folder, batches: int) -> Path:
    """The files of so many batches as Spark leaves them, the last of which was noted as counted."""
    checkpoint = claim(folder, 1, "topic")
    for part in ("offsets", "commits", "state/0/0"):
        (checkpoint / part).mkdir(parents=True)
    for batch in range(batches):
        for file in (f"offsets/{batch}", f"commits/{batch}", f"state/0/0/{batch + 1}.changelog"):
            (checkpoint / file).touch()
    note(checkpoint, batches - 1)
    return checkpoint


LOST = {
    "what the newest batch read": ["offsets/2"],
    "that it was counted": ["commits/2"],
    "what was noted": ["counted.json"],
    "the newest batch but for its state": ["counted.json", "offsets/2", "commits/2"],
    "all batches, of which none was noted": [f"{log}/{batch}" for log in ("offsets", "commits") for batch in range(3)],
}


@pytest.mark.parametrize("case", LOST)
def test_a_checkpoint_that_lost_files_is_refused(case: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    checkpoint = checkpoint_of(folder, 3)
    assert claim(folder, 1, "topic") == checkpoint
    if "none was noted" in case:
        note(checkpoint, -1)
    for file in LOST[case]:
        (checkpoint / file).unlink()
    with pytest.raises(CheckpointRefused, match=r"gone\. `election tally rebuild`"):
        claim(folder, 1, "topic")


def test_a_checkpoint_with_state_of_which_nothing_but_folders_is_left_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (claim(folder, 1, "topic") / "state/0").mkdir(parents=True)
    with pytest.raises(CheckpointRefused, match="has state of batches that are not there"):
        claim(folder, 1, "topic")


def test_a_checkpoint_that_lost_the_batch_it_had_begun_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    checkpoint = checkpoint_of(folder, 3)
    (checkpoint / "state/0/0/4.changelog").touch()  # state of batch 3, which says nowhere what it read
    with pytest.raises(CheckpointRefused, match="has state of batches that are not there"):
        claim(folder, 1, "topic")
    (checkpoint / "offsets/3").touch()
    assert claim(folder, 1, "topic") == checkpoint, "a batch that did not end is counted again"


def test_a_checkpoint_of_another_version_of_the_query_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    binding = claim(folder, 1, "topic") / "binding.json"
    written = read_json(binding)
    for other in (3, "4.00000000"):  # before versions told the aggregates, and with other aggregates
        write_json(binding, written | {"query": other})
        with pytest.raises(CheckpointRefused, match=rf"was written by version {other} of the query.* rebuild"):
            claim(folder, 1, "topic")
    write_json(binding, written)
    assert claim(folder, 1, "topic") == folder.checkpoint(1)


def test_a_checkpoint_whose_topic_is_gone_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    claim(folder, 1, "topic")
    with pytest.raises(CheckpointRefused, match=r"votes_topic is gone since .* First `election restore-topics`"):
        claim(folder, 1, None)


def test_a_checkpoint_is_bound_to_no_topic_that_kafka_does_not_know(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(NotReachable, match="does not know votes_topic"):
        claim(folder, 1, None)
    check_topic(claim(folder, 1, "topic"), "topic")


def test_a_checkpoint_that_loses_its_binding_at_work_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    checkpoint = claim(folder, 1, "topic")
    (checkpoint / "binding.json").unlink()
    with pytest.raises(CheckpointRefused, match=r"has no binding\.json"):
        check_topic(checkpoint, "topic")


def test_a_checkpoint_that_is_gone_is_refused_while_its_totals_are_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for generation, emitted in ((1, 1), (1, 3)):
        with pytest.raises(CheckpointRefused, match="would go down"):
            claim(folder, generation, "topic", lambda emitted=emitted: {emitted})  # type: ignore[misc]
    assert claim(folder, 4, "topic", lambda: {3}) == folder.checkpoint(4), "a rebuild begins a generation of its own"
    assert claim(folder, 4, "topic", lambda: {4}) == folder.checkpoint(4), "and goes on with it"
