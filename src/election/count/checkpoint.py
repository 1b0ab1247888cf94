"""Binds each checkpoint to its topic and query, so that the tally never resumes from the wrong one."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from election.contracts import topics
from election.contracts.aggregates import fingerprint
from election.count.folder import Folder, read_json, write_json
from election.errors import NotReachable, StageFailed
from election.messaging.reading import topic_id

_QUERY = 5  # raise it with every other change of the query that makes its state unusable
QUERY_VERSION = f"{_QUERY}.{fingerprint()}"
"""Also changes with the declared aggregates, which the state identifies by their order."""


class CheckpointRefused(StageFailed):
    """The checkpoint cannot be used: resuming from it would count wrongly."""


def claim(
    folder: Folder, generation: int, topic_id: str | None, emitted: Callable[[], Collection[int]] = lambda: ()
) -> Path:
    """The generation's checkpoint folder, bound to the topic with this id and to this query.

    ``emitted`` returns the generations that have totals on the topics. Raises CheckpointRefused when the folder belongs
    to another topic or query, has lost batches, or is missing although its totals exist; and NotReachable when there is
    no topic to which to bind it.
    """
    checkpoint = folder.checkpoint(generation)
    bound = read_json(checkpoint / "binding.json")
    if not bound:
        if newest_batch(checkpoint, "commits") is not None:
            raise CheckpointRefused(f"{checkpoint} has no binding.json: it is unknown what it has counted. {_REMEDY}")
        # A rebuild chooses and issues its generation's number, so totals planted under other numbers do not matter.
        issued = folder.issued(generation).exists()
        if taken := [number for number in emitted() if number == generation or (number > generation and not issued)]:
            raise CheckpointRefused(
                f"{checkpoint} is gone, but generation {max(taken)} has totals on the topics: counted again under its "
                f"number, or one before it, they would go down. {_REMEDY}"
            )
        if topic_id is None:  # it existed a moment ago: a broker that has just restarted does not know it yet
            raise NotReachable(f"Kafka does not know {topics.VOTES}; `election status` shows what runs.")
        checkpoint.mkdir(parents=True, exist_ok=True)
        note(checkpoint, -1)
        write_json(checkpoint / "binding.json", {"topic": topics.VOTES, "topic_id": topic_id, "query": QUERY_VERSION})
        return checkpoint
    check_topic(checkpoint, topic_id)
    if bound["query"] != QUERY_VERSION:
        raise CheckpointRefused(
            f"{checkpoint} was written by version {bound['query']} of the query, "
            f"this is version {QUERY_VERSION}. `election tally rebuild` counts again from the beginning; totals shown "
            "stay until it is done, unless an update has changed their form."
        )
    noted, newest = read_json(checkpoint / "counted.json").get("batch"), newest_batch(checkpoint, "commits")
    if noted is None:
        raise CheckpointRefused(f"{checkpoint} does not say what was counted: files of it are gone. {_REMEDY}")
    if noted > (-1 if newest is None else newest):
        raise CheckpointRefused(
            f"{checkpoint} ends at batch {newest}, but batch {noted} was counted: files of it are gone. {_REMEDY}"
        )
    if newest is not None and not (checkpoint / "offsets" / str(newest)).exists():
        raise CheckpointRefused(
            f"{checkpoint} does not say what its newest batch {newest} has read: files of it are gone. {_REMEDY}"
        )
    begun = newest_batch(checkpoint, "offsets")
    # Spark records a batch before it writes the batch's state. It would mistake state beyond the recorded batches for
    # that of another batch. If no batch is recorded, it would fail at each start without a remedy.
    state = [int(file.name.split(".")[0].split("_")[0]) for file in (checkpoint / "state").glob("*/*/[0-9]*.*")]
    if max(state, default=0) > (-1 if begun is None else begun) + 1 or (
        begun is None and any((checkpoint / "state").glob("*"))
    ):
        raise CheckpointRefused(f"{checkpoint} has state of batches that are not there: files are gone. {_REMEDY}")
    return checkpoint


def diagnosis(said: str) -> tuple[str, bool]:
    """The remedy for an error of Spark, and whether retries are useless without it.

    ``("", False)`` when the error concerns neither the state's files nor the votes.
    """
    if _STATE_LOST.search(said):
        return f"Files of the checkpoint are gone or damaged. {_REMEDY}", True
    if _VOTES_LOST.search(said):
        return f"Votes that were not counted yet are no longer on {topics.VOTES}. {_RESTORE}", True
    if "CANNOT_LOAD_STATE_STORE" in said:  # it has many causes, such as a full disk
        return (
            "The state could not be loaded, and driver.log names the cause. If that is an EOFException or a damaged "
            f"file, no retry helps: {_REMEDY}",
            False,
        )
    return "", False


def note(checkpoint: Path, batch: int) -> None:
    """Records that the batch was counted, outside Spark's own files."""
    write_json(checkpoint / "counted.json", {"batch": batch})


def newest_batch(checkpoint: Path, log: str) -> int | None:
    """The newest batch in Spark's log ``offsets`` (started batches) or ``commits`` (finished batches), or None."""
    folder = checkpoint / log
    batches = [int(file.name) for file in folder.iterdir() if file.name.isdigit()] if folder.exists() else []
    return max(batches, default=None)


def read_offsets(checkpoint: Path, batch: int | None) -> dict[int, int]:
    """The batch's end offsets on ``votes_topic``, from Spark's offset log (one line of JSON per source)."""
    if batch is None:
        return {}
    source = json.loads((checkpoint / "offsets" / str(batch)).read_text().splitlines()[-1])
    return {int(partition): offset for partition, offset in source[topics.VOTES].items()}


def check_topic(checkpoint: Path, topic_id: str | None) -> None:
    """Raises CheckpointRefused when the checkpoint is bound to a topic with another id, or has no binding."""
    bound = read_json(checkpoint / "binding.json").get("topic_id")
    if bound is None:
        raise CheckpointRefused(f"{checkpoint} has no binding.json: it is unknown what it has counted. {_REMEDY}")
    if bound != topic_id:
        happened = "is gone" if topic_id is None else f"was recreated (its id is {topic_id})"
        raise CheckpointRefused(
            f"{topics.VOTES} {happened} since {checkpoint} was written ({bound}); "
            f"going on from there would leave votes out. {_RESTORE}"
        )


def votes_topic_id(kafka: Mapping[str, str], seconds: float = 20) -> str | None:
    """The id of ``votes_topic``, as ``topic_id`` returns it."""
    return topic_id(kafka, topics.VOTES, seconds)


# Spark's errors about files that it wrote, and about votes that it saw. Temporary files cause other errors.
_STATE_LOST = re.compile(
    r"(Incomplete|Malformed) log file|Failed to read log file"
    r"|CANNOT_LOAD_STATE_STORE\.(CANNOT_FIND_BASE_SNAPSHOT_CHECKPOINT|CANNOT_READ_\w+)"
    r"|FileNotFoundException: [^\n]*/state/\d+/\d+/\S+\.(changelog|delta|snapshot|zip)\b"
)
_VOTES_LOST = re.compile(r"\bKAFKA_DATA_LOSS\b|may have been lost because they are not available in Kafka any more")
_REMEDY = "`election tally rebuild` counts again from the beginning; the totals shown stay until it is done."
# A rebuild from a topic without its votes would finish at once and remove the totals.
_RESTORE = (
    "First `election restore-topics`, which puts every stored vote there again; then `election tally rebuild`, which "
    "counts from the beginning."
)
