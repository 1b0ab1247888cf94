"""The count as DataFrames: records of ``votes_topic`` in, records of the aggregated topics and ``rejected_topic`` out.

One pass over the votes: parse, drop ballots seen before, turn each ballot into one row per total it adds to,
count the rows per total. There is no watermark: the state remembers every ballot, and no vote is ever too late.
Native functions only, so that no row leaves the JVM.
"""

from functools import reduce
from operator import or_
from typing import Any, get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from election.contracts.messages import SCHEMA_VERSION, AgeGroup, Gender, VoteMessage
from election.contracts.rejection import Reason
from election.contracts.schemas import required, spark_ddl
from election.contracts.topics import MAX_RECORD_BYTES
from spark_jobs.tally.kinds import AGGREGATES, REJECTED, Kind
from spark_jobs.tally.merging import merged

OBSERVED = "tally"
"""Name of the metrics that ``tally`` observes in each batch: ``rejected``, records that cannot be used."""

_STRICT_JSON = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
_RECORD = ("key", "value", "topic", "partition", "offset")
_TYPES = {"first": "BIGINT", "second": "BIGINT", "text": "STRING", "a": "STRING", "b": "STRING", "c": "STRING"}


def tally(records: DataFrame, generation: int) -> DataFrame:
    """Kafka records of ``votes_topic`` (key, value, topic, partition, offset) to Kafka records (topic, key, value).

    Totals are absolute. In update mode each batch gives the totals it changed and the records it rejected.
    """
    return totals(unseen(parse(records)), generation)


def parse(records: DataFrame) -> DataFrame:
    """One row a record: the vote's fields, ``reason`` (null: usable) and ``id``, which makes the ballot unique.

    ``id`` is the key's 16 bytes; of a record that cannot be used it is the origin, which is longer. The record itself
    (key, value, topic, partition, offset) goes along only when it cannot be used: rows are moved between executors.
    Of that, key and value only when they are no larger than a vote may be: a batch's are in memory together.
    """
    vote = fn.from_json(fn.col("value").cast("string"), spark_ddl(VoteMessage), _STRICT_JSON)
    read = records.select(*_RECORD, vote.alias("vote"))
    judged = read.select(*_RECORD, "vote.*").withColumn("reason", _reason())
    origin = fn.concat_ws("/", fn.lit("not a ballot"), "topic", "partition", "offset").cast("binary")
    usable = fn.col("reason").isNull()
    size = fn.coalesce(fn.length("key"), fn.lit(0)) + fn.coalesce(fn.length("value"), fn.lit(0))
    bytes_kept = ~usable & (size <= MAX_RECORD_BYTES)
    kept = {name: bytes_kept if name in ("key", "value") else ~usable for name in _RECORD}
    return judged.select(
        fn.when(usable, fn.col("key")).otherwise(origin).alias("id"),
        "reason",
        *(fn.when(needed, fn.col(name)).alias(name) for name, needed in kept.items()),
        *(name for name in VoteMessage.__struct_fields__ if name not in ("schema_version", "ballot_id")),
    )


def unseen(parsed: DataFrame) -> DataFrame:
    """Without the ballots that came before. One binary column is the smallest and quickest state there is.

    A batch's ballots are looked for and added in the order of the state's own table: one finds its neighbours in the
    processor's cache. In the order of arrival each step of the search misses it.
    """
    return parsed.repartition("id").sortWithinPartitions("id").dropDuplicates(["id"])


def totals(ballots: DataFrame, generation: int) -> DataFrame:
    """Counts parsed ballots per total; records that cannot be used go through as totals of their own."""
    observed = ballots.observe(OBSERVED, fn.count(fn.col("reason")).alias("rejected"))
    rows = merged(observed.select(fn.explode(_adds_to()).alias("row")).select("row.*"), "equal")
    counted = rows.groupBy("kind", "election", "first", "second", "text").agg(
        fn.sum("equal").alias("votes"),
        # Names are no part of the key: one spelt differently does not split a total.
        fn.max("names").alias("names"),
        # Collects nothing. With it Spark keeps the largest names in a hash table; without it, it sorts every row.
        fn.collect_set(fn.lit(None).cast("string")).alias("nothing"),
    )
    # The sum keeps the optimizer from dropping what it takes to be unused.
    counted = counted.withColumn("votes", fn.col("votes") + fn.size("nothing"))
    names = {kind: fn.lit(kind.topic) for kind in (*AGGREGATES, REJECTED)}
    keys = {kind: _total_key(kind, generation) for kind in AGGREGATES} | {REJECTED: _key(REJECTED)}
    values = {kind: _total(kind, generation) for kind in AGGREGATES} | {REJECTED: _message(REJECTED)}
    return counted.select("kind", "election", "first", "second", "text", "names.*", "votes").select(
        _by_kind(names).alias("topic"), _by_kind(keys).alias("key"), _by_kind(values).alias("value")
    )


def _reason() -> Column:
    """Why a record cannot be used, in the words of ``contracts.rejection``; null when it can.

    What is wrong is said without negations of several conditions: Spark resolves one level of them at a time, and goes
    through all its rules after each.
    """
    vote = {name: fn.col(name) for name in VoteMessage.__struct_fields__}
    text = fn.col("value").cast("string")
    missing = reduce(or_, (vote[name].isNull() for name in required(VoteMessage)))
    wrong = fn.least("election", "contest", "location", fn.coalesce("candidate", fn.lit(1))) < 1
    wrong |= (vote["cast_at"] < 0) | ~vote["series"].isin("candidate", "party")
    wrong |= ~vote["gender"].isin(*get_args(Gender)) | ~vote["age_group"].isin(*get_args(AgeGroup))
    # A choice is named completely or not at all.
    wrong |= vote["candidate"].isNull() != vote["candidate_name"].isNull()
    wrong |= vote["candidate"].isNull() != vote["party"].isNull()
    return (
        fn.when(fn.col("value").isNull(), _as("null"))
        # Compressed it got onto the topic; its names, repeated in totals, would not get onto theirs.
        .when(fn.length("value") > MAX_RECORD_BYTES, _as("too_large"))
        .when(_suspicious() & ~fn.is_valid_utf8(text), _as("not_utf8"))
        .when(vote["schema_version"] != SCHEMA_VERSION, _as("unknown_version"))
        .when(missing & fn.get_json_object(text, "$").isNull(), _as("not_json"))
        .when(missing | wrong, _as("wrong_type"))
        .when(~fn.coalesce(fn.lower(fn.hex("key")) == vote["ballot_id"], fn.lit(False)), _as("key_mismatch"))
        .when(fn.length("key") != 16, _as("wrong_type"))
    )


def _suspicious() -> Column:
    """Nothing was parsed, or a name has the sign that the JSON parser puts for bytes that are not UTF-8.

    Looking at every byte of every message costs a tenth of the count.
    """
    names = ("contest_name", "candidate_name", "party", "country", "region", "city")
    replaced = [fn.coalesce(fn.contains(name, fn.lit("\ufffd")), fn.lit(False)) for name in names]
    return reduce(or_, replaced, fn.col("schema_version").isNull())


def _adds_to() -> Column:
    """The array of rows that a parsed record adds to: seven of a valid ballot, four of an invalid one."""
    every = [_row(kind) for kind in AGGREGATES]
    of_invalid = [_row(kind) for kind in AGGREGATES if not kind.valid_only]
    return (
        fn.when(fn.col("reason").isNotNull(), fn.array(_row(REJECTED)))
        .when(fn.col("candidate").isNull(), fn.array(*of_invalid))
        .otherwise(fn.array(*every))
    )


def _row(kind: Kind) -> Column:
    def slot(name: str) -> Column:
        return fn.expr(kind.slots.get(name, "NULL")).cast(_TYPES[name]).alias(name)

    names = fn.struct(slot("a"), slot("b"), slot("c"))
    number = fn.lit(_number(kind)).cast("tinyint").alias("kind")
    return fn.struct(number, "election", slot("first"), slot("second"), slot("text"), names.alias("names"))


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


def _as(reason: Reason) -> Column:
    return fn.lit(reason)
