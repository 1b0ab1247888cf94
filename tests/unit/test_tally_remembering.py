"""Work that depends on a text alone is done once a task for each text, and no less is right for that."""

from typing import Any

from pyspark import SparkContext
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.classic.column import Column as ClassicColumn

from spark_jobs.tally.remembering import remembered


def tried(text: Column) -> Column:
    """The text with the moment at which it was looked at; null for the text of nothing."""
    jvm: Any = SparkContext._jvm
    none = jvm.org.apache.spark.api.python.PythonUtils.toSeq(jvm.java.util.ArrayList())
    long = jvm.org.apache.spark.sql.types.DataTypes.LongType
    system = jvm.java.lang.Class.forName("java.lang.System")
    # As SQL's `reflect`, but taken for a function that gives the same each time.
    moment = jvm.org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke(
        system, long, "nanoTime", none, none, False, False, True, jvm.scala.Option.empty()
    )
    column = ClassicColumn(jvm.org.apache.spark.sql.classic.ExpressionUtils.column(moment))
    return fn.when(text != "nothing", fn.struct(text.alias("text"), column.alias("moment")))


def test_a_task_does_it_once_for_each_text(spark: SparkSession) -> None:
    texts = spark.range(0, 100, numPartitions=2).select((fn.col("id") % 5).cast("string").alias("text"))
    rows = texts.select("text", remembered(spark, fn.col("text"), tried).alias("own")).collect()
    assert [row.own.text for row in rows] == [row.text for row in rows]
    assert len({row.own.moment for row in rows}) == 2 * 5


def test_what_has_no_answer_or_no_text_has_none(spark: SparkSession) -> None:
    text = fn.array(fn.lit("some"), fn.lit("nothing"), fn.lit(None))[(fn.col("id") % 3).cast("int")]
    texts = spark.range(0, 9, numPartitions=1).select(text.alias("text"))
    rows = texts.select("text", remembered(spark, fn.col("text"), tried).alias("own")).collect()
    assert [(row.text, row.own and row.own.text) for row in rows] == [
        ("some", "some"), ("nothing", None), (None, None)
    ] * 3  # fmt: skip


def test_its_memory_is_bounded(spark: SparkSession) -> None:
    """Of 40,000 texts of a kilobyte the first is forgotten by the end, the last not."""
    number = fn.when(fn.col("id") < 40_000, fn.col("id")).otherwise(39_999 * (fn.col("id") - 40_000))
    kilobyte = fn.repeat(fn.lpad(number.cast("string"), 8, "0"), 128)
    texts = spark.range(0, 40_002, numPartitions=1).select(kilobyte.alias("text"))
    own = [row.own for row in texts.select(remembered(spark, fn.col("text"), tried).alias("own")).collect()]
    first, last, first_again, last_again = own[0], own[39_999], own[40_000], own[40_001]
    assert (first.text, last) == (first_again.text, last_again)
    assert first.moment != first_again.moment
