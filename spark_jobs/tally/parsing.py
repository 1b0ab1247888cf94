"""Parses records of ``votes_topic`` into votes, or into rejected records with the reason.

Casting writes each vote in one form: the ballot's id first, its time last, and between them a text that the ballot
shares with thousands (choice, place, demography). That text is parsed and checked once per task and then cached. A
record of any other form is parsed and checked by itself. Apart from the cache, the query uses only native functions, so
that no row leaves the JVM.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import get_args

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn

from election.contracts.messages import SCHEMA_VERSION, AgeGroup, Gender, VoteMessage
from election.contracts.rejection import Reason
from election.contracts.schemas import required, spark_ddl
from election.contracts.topics import MAX_RECORD_BYTES
from spark_jobs.tally.kinds import MINUTE
from spark_jobs.tally.remembering import remembered

_UNPARSED = "_unparsed"  # the text, if one of its members could not be parsed
_STRICT_JSON = {
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "columnNameOfCorruptRecord": _UNPARSED,
}
_FIELDS = (*VoteMessage.__struct_fields__, "odd")
_RECORD = ("key", "value", "topic", "partition", "offset")
# The form in which casting writes a vote: the ballot's id first, its time last.
_ID = b',"ballot_id":"'
_BEGIN = b'{"schema_version":%d' % SCHEMA_VERSION + _ID
_ID_ENDS = len(_BEGIN) + 32 + len(b'"')
_TIME, _DIGITS = b',"cast_at":', len("1700000000000")
_END = _TIME + b"0" * _DIGITS + b"}"


def parse(records: DataFrame, left_out: Mapping[str, Sequence[int]] | None = None) -> DataFrame:
    """One row per record: the vote's fields, ``reason`` (null: usable) and ``id``, which identifies the ballot.

    Of a usable vote, ``district`` and ``position`` are never null, and ``ranking`` is a text as in "3,1,2".
    ``id`` is the key's 16 bytes or, for an unusable record, its origin, which is longer. Only unusable records keep the
    record itself (key, value, topic, partition, offset), because rows are moved between executors. They keep key and
    value only up to the size of a vote, because a batch's records are in memory together. Records at the offsets
    ``left_out``, by partition, are rejected as quarantined.
    """
    session = records.sparkSession
    text = fn.when(fn.col("written").isNull(), fn.col("value").cast("string"))
    read = (
        records.select(*_RECORD, _written_at().alias("written_at"))
        .select("*", remembered(session, _written(), _good).alias("written"))
        .select("*", remembered(session, text, _vote).alias("other"))
        .select("*", fn.coalesce("written", "other").alias("vote"))
    )
    reason = fn.when(fn.col("written").isNull(), _reason())
    if left_out:
        reason = fn.when(_at(left_out), _as("quarantined")).otherwise(reason)
    judged = read.select("*", "vote.*").withColumn("reason", reason)
    origin = fn.concat_ws("/", fn.lit("not a ballot"), "topic", "partition", "offset").cast("binary")
    usable = fn.col("reason").isNull()
    size = fn.coalesce(fn.length("key"), fn.lit(0)) + fn.coalesce(fn.length("value"), fn.lit(0))
    bytes_kept = ~usable & (size <= MAX_RECORD_BYTES)
    kept = {name: bytes_kept if name in ("key", "value") else ~usable for name in _RECORD}
    cast_at = fn.when(fn.col("written").isNull(), fn.col("cast_at")).otherwise(fn.col("written_at"))
    return judged.select(
        fn.when(usable, fn.col("key")).otherwise(origin).alias("id"),
        "reason",
        *(fn.when(needed, fn.col(name)).alias(name) for name, needed in kept.items()),
        *(name for name in VoteMessage.__struct_fields__ if name not in ("schema_version", "ballot_id", "cast_at")),
        (cast_at - cast_at % MINUTE).alias("minute"),
    )


def _at(places: Mapping[str, Sequence[int]]) -> Column:
    """Whether a record is at one of the offsets, by partition."""
    partitions = (f"(partition = {int(p)} AND offset IN ({', '.join(map(str, at))}))" for p, at in places.items() if at)
    return fn.expr(" OR ".join(partitions) or "false")


def _written() -> Column:
    """The text of a vote without the ballot's id and time, which thousands of votes share. Null unless the record has
    exactly the form in which casting writes a vote, under the right key."""
    value = fn.col("value")
    begin = fn.concat(fn.lit(_BEGIN), fn.lower(fn.hex("key")).cast("binary"), fn.lit(b'"'))
    written = (
        (fn.substring(value, 1, _ID_ENDS) == begin)
        & (fn.substring(value, -len(_END), len(_TIME)) == fn.lit(_TIME))
        & (fn.substring(value, -1, 1) == fn.lit(b"}"))
        & (fn.col("written_at") >= 10 ** (_DIGITS - 1))
        & (fn.length(value) <= MAX_RECORD_BYTES)
    )
    between = fn.substring(value, fn.lit(_ID_ENDS + 1), fn.length(value) - _ID_ENDS - len(_END))
    return fn.when(written, fn.concat(fn.lit(_BEGIN[: -len(_ID)]), between, fn.lit(b"}")).cast("string"))


def _written_at() -> Column:
    return fn.substring(fn.col("value"), -_DIGITS - 1, _DIGITS).cast("string").try_cast("bigint")


def _good(text: Column) -> Column:
    """The vote in a text of ``_written`` if the vote is usable, otherwise null."""

    def judged(vote: Column) -> Column:
        fields = {name: vote[name] for name in _FIELDS}
        missing = [fields[name].isNull() for name in required(VoteMessage) if name not in ("ballot_id", "cast_at")]
        # The text lacks id and time. If it names them, also with escapes, the whole message names them twice.
        twice = [fn.contains(text, fn.lit(part)) for part in ('"ballot_id"', '"cast_at"', "\\u")]
        twice.append(_repeats_a_member(text))
        bad = [*missing, *twice, fields["schema_version"] != SCHEMA_VERSION, _wrong(fields), _replaced(fields)]
        return fn.when(~fn.coalesce(reduce(or_, bad), fn.lit(True)), vote)

    # As a function of an array's element, so that the text is parsed once for all checks.
    return fn.transform(fn.array(_vote(text)), judged)[0]


def _vote(text: Column) -> Column:
    """The vote in a text, as ``parse`` returns it, and ``odd``: whether a member is of another type, or its ranking is
    none. Spark takes a member of another type for null, which is a value of the members that may be absent."""

    def whole(vote: Column) -> Column:
        fields = {name: vote[name] for name in VoteMessage.__struct_fields__}
        ranking, candidate = fields["ranking"], fields["candidate"]
        listed = (fn.get(ranking, fn.lit(0)) == candidate) & fn.forall(ranking, lambda ranked: ranked >= 1)
        listed &= fn.size(fn.array_distinct(ranking)) == fn.size(ranking)
        fields["odd"] = vote[_UNPARSED].isNotNull() | ~fn.coalesce(ranking.isNull() | listed, fn.lit(False))
        fields["district"] = fn.coalesce(fields["district"], fields["contest"])
        fields["position"] = fn.coalesce(fields["position"], fn.lit(1).cast("bigint"))
        fields["ranking"] = fn.array_join(ranking.cast("array<string>"), ",")
        return fn.when(vote.isNotNull(), fn.struct(*(column.alias(name) for name, column in fields.items())))

    parsed = fn.from_json(text, f"{spark_ddl(VoteMessage)}, `{_UNPARSED}` STRING", _STRICT_JSON)
    return fn.transform(fn.array(parsed), whole)[0]


def _repeats_a_member(text: Column) -> Column:
    """Whether JSON names a member of an object twice, at any depth: readers disagree about which one counts.

    Spark's VARIANT refuses such an object; it accepts everything else that the parser of votes accepts.
    """
    return fn.try_parse_json(text).isNull()


def _wrong(vote: Mapping[str, Column]) -> Column:
    """Whether a field has a value that it cannot have; null if a field is missing."""
    numbers = (vote[name] for name in ("election", "contest", "candidate", "district", "position", "location"))
    wrong = (fn.least(*numbers) < 1) | vote["odd"]  # least() skips nulls
    wrong |= ~vote["series"].isin("candidate", "party")
    wrong |= ~vote["gender"].isin(*get_args(Gender)) | ~vote["age_group"].isin(*get_args(AgeGroup))
    # A choice is named completely or not at all.
    wrong |= vote["candidate"].isNull() != vote["candidate_name"].isNull()
    return wrong | (vote["candidate"].isNull() != vote["party"].isNull())


def _reason() -> Column:
    """The reason why a record cannot be used, from ``contracts.rejection``; null if it can be used.

    The conditions avoid negations of several conditions: Spark resolves one level of these at a time, and runs all its
    rules after each.
    """
    vote = {name: fn.col(name) for name in _FIELDS}
    text = fn.col("value").cast("string")
    missing = reduce(or_, (vote[name].isNull() for name in required(VoteMessage)))
    wrong = _wrong(vote) | (vote["cast_at"] < 0)
    return (
        fn.when(fn.col("value").isNull(), _as("null"))
        # Compressed, it fits onto this topic, but the totals would repeat its names and not fit onto theirs.
        .when(fn.length("value") > MAX_RECORD_BYTES, _as("too_large"))
        .when(_suspicious(vote) & ~fn.is_valid_utf8(text), _as("not_utf8"))
        .when(_repeats_a_member(text) & fn.get_json_object(text, "$").isNotNull(), _as("wrong_type"))
        .when(vote["schema_version"] != SCHEMA_VERSION, _as("unknown_version"))
        .when(missing & fn.get_json_object(text, "$").isNull(), _as("not_json"))
        .when(missing | wrong, _as("wrong_type"))
        .when(~fn.coalesce(fn.lower(fn.hex("key")) == vote["ballot_id"], fn.lit(False)), _as("key_mismatch"))
        .when(fn.length("key") != 16, _as("wrong_type"))
    )


def _suspicious(vote: Mapping[str, Column]) -> Column:
    """Whether the record may not be UTF-8: it was not parsed, or a name contains a replaced character.

    Checking every byte of every message would take a tenth of the tally's time.
    """
    return vote["schema_version"].isNull() | _replaced(vote)


def _replaced(vote: Mapping[str, Column]) -> Column:
    """Whether a name has the character with which the JSON parser replaces bytes that are not UTF-8."""
    names = ("contest_name", "candidate_name", "party", "country", "region", "city")
    return reduce(or_, (fn.coalesce(fn.contains(vote[name], fn.lit("\ufffd")), fn.lit(False)) for name in names))


def _as(reason: Reason) -> Column:
    return fn.lit(reason)
