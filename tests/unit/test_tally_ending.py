"""How the count ends: a stop finishes the batch that runs, and what no other try can mend is refused."""

import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from election.count.checkpoint import CheckpointRefused, claim, note
from election.count.folder import Folder, read_json
from election.errors import StageFailed
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
    with pytest.raises(StageFailed, match="nobody asked it to"):
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
    assert ended["error"].startswith("Files of the checkpoint's state are gone. `election tally rebuild`")
    assert "CANNOT_READ_STREAMING_STATE_FILE" in ended["error"], "what Spark said is told too"


LOST_VOTES = (
    "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: [KAFKA_DATA_LOSS.START_OFFSET_RESET] Some "
    "data may have been lost because they are not available in Kafka any more;\neither the data was aged out ..."
)
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
    assert "no longer on votes_topic. `election tally rebuild`" in ended["error"]


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


@pytest.mark.parametrize("log", ["offsets", "commits"])
def test_a_checkpoint_that_lost_either_file_of_its_newest_batch_is_refused(log: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    checkpoint = claim(folder, 1, "topic")
    for part in ("offsets", "commits"):
        (checkpoint / part).mkdir()
        for batch in range(3):
            (checkpoint / part / str(batch)).touch()
    note(checkpoint, 2)
    assert claim(folder, 1, "topic") == checkpoint
    (checkpoint / log / "2").unlink()
    with pytest.raises(CheckpointRefused, match=r"files of it are gone\. `election tally rebuild`"):
        claim(folder, 1, "topic")


def test_a_checkpoint_that_lost_its_only_batch_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    checkpoint = claim(folder, 1, "topic")
    for part in ("offsets", "commits", "state"):
        (checkpoint / part).mkdir()
    assert claim(folder, 1, "topic") == checkpoint
    (checkpoint / "state" / "0").mkdir()  # not noted as counted yet, and its files were removed
    with pytest.raises(CheckpointRefused, match=r"files of it are gone\. `election tally rebuild`"):
        claim(folder, 1, "topic")
