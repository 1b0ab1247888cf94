"""The tally as DataFrames: from records of ``votes_topic`` to records of the aggregated topics and ``rejected_topic``.

One pass over the votes: parse, drop repeated ballots, turn each ballot into one row for each total it adds to, count
the rows of each total. There is no watermark: the state keeps the id of every ballot, and no vote is ever too late.
Native functions only, so that no row leaves the JVM.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from election.contracts.messages import SCHEMA_VERSION
from spark_jobs.tally.kinds import AGGREGATES, REJECTED, Kind
from spark_jobs.tally.merging import merged
from spark_jobs.tally.parsing import parse

OBSERVED = "tally"
"""The name of the metrics that ``tally`` observes in each batch: ``rejected``, the number of rejected records."""

_KEY = {"first": "BIGINT", "second": "BIGINT", "third": "BIGINT", "text": "STRING"}
_NAMES = {"a": "STRING", "b": "STRING", "c": "STRING"}


def tally(
    records: DataFrame,
    generation: int,
    left_out: Mapping[str, Sequence[int]] | None = None,
    removed: Sequence[int] | None = None,
) -> DataFrame:
    """Kafka records of ``votes_topic`` (key, value, topic, partition, offset) to Kafka records (topic, key, value).

    ``left_out`` are offsets, by partition, of quarantined records, which are rejected. Records of ``removed`` elections
    are skipped.

    Totals are absolute. In update mode each batch outputs the totals that it changed and the records that it rejected.
    """
    parsed = parse(records, left_out)
    if removed:
        parsed = parsed.where(~fn.coalesce(fn.col("election").isin(list(removed)), fn.lit(False)))
    return totals(unseen(parsed), generation)


def unseen(parsed: DataFrame) -> DataFrame:
    """Drops repeated ballots. A single binary column makes the smallest and fastest state.

    A batch's ballots are looked up and added in the order of the state's table, so that neighbours are in the
    processor's cache. In the order of arrival, each step of the search would miss the cache.
    """
    return parsed.repartition("id").sortWithinPartitions("id").dropDuplicates(["id"])


def totals(ballots: DataFrame, generation: int) -> DataFrame:
    """Counts parsed ballots per total; rejected records pass through as totals of their own."""
    observed = ballots.observe(OBSERVED, fn.count(fn.col("reason")).alias("rejected"))
    # Most ballots of a batch equal another one in all counted columns. ``merged`` needs an integer as the first column.
    columns = ["election", *(name for name in ballots.columns if name not in ("id", "election"))]
    alike = merged(observed.select(*columns), "alike")
    rows = alike.select(fn.explode(_adds_to()).alias("row"), "alike").where("row IS NOT NULL").select("row.*", "alike")
    equal = merged(rows, "equal", "alike")
    counted = equal.groupBy("kind", "election", *_KEY).agg(
        fn.sum("equal").alias("votes"),
        # Names are not part of the key, so that a different spelling does not split a total.
        fn.max("names").alias("names"),
        # Collects nothing. With it Spark keeps the largest names in a hash table; without it, it sorts every row.
        fn.collect_set(fn.lit(None).cast("string")).alias("nothing"),
    )
    # Adding its size keeps the optimizer from dropping the seemingly unused column.
    counted = counted.withColumn("votes", fn.col("votes") + fn.size("nothing"))
    names = {kind: fn.lit(kind.topic) for kind in (*AGGREGATES, REJECTED)}
    keys = {kind: _total_key(kind, generation) for kind in AGGREGATES} | {REJECTED: _key(REJECTED)}
    values = {kind: _total(kind, generation) for kind in AGGREGATES} | {REJECTED: _message(REJECTED)}
    return counted.select("kind", "election", *_KEY, "names.*", "votes").select(
        _by_kind(names).alias("topic"), _by_kind(keys).alias("key"), _by_kind(values).alias("value")
    )


def _adds_to() -> Column:
    """The array of rows of a parsed record, one for each total; null for a total to which it does not add."""
    rows = fn.array(*(fn.when(fn.expr(kind.of), _row(kind)) if kind.of else _row(kind) for kind in AGGREGATES))
    return fn.when(fn.col("reason").isNotNull(), fn.array(_row(REJECTED))).otherwise(rows)


def _row(kind: Kind) -> Column:
    def slots(types: Mapping[str, str]) -> list[Column]:
        return [fn.expr(kind.slots.get(name, "NULL")).cast(type_).alias(name) for name, type_ in types.items()]

    number = fn.lit(_number(kind)).cast("tinyint").alias("kind")
    return fn.struct(number, "election", *slots(_KEY), fn.struct(*slots(_NAMES)).alias("names"))


def _number(kind: Kind) -> int:
    return (*AGGREGATES, REJECTED).index(kind)


def _by_kind(columns: dict[Kind, Column]) -> Column:
    chosen: Any = fn
    for kind, column in columns.items():
        chosen = chosen.when(fn.col("kind") == _number(kind), column)
    return chosen


def _key(kind: Kind, *before: Column) -> Column:
    return fn.concat_ws("/", *before, *kind.key)


def _total_key(kind: Kind, generation: int) -> Column:
    return _key(kind, fn.col("election"), fn.lit(generation))


def _message(kind: Kind, *before: Column) -> Column:
    version = fn.lit(SCHEMA_VERSION).alias("schema_version")
    fields = [fn.expr(sql).alias(name) for name, sql in kind.fields.items()]
    return fn.to_json(fn.struct(version, *before, *fields), {"ignoreNullFields": "false"})


def _total(kind: Kind, generation: int) -> Column:
    return _message(kind, fn.lit(generation).alias("generation"), fn.col("election"), fn.col("votes"))
