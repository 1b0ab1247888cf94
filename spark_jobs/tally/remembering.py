"""Has a task work out once what depends on nothing but a text that it meets again and again."""

from collections.abc import Callable
from typing import Any

from pyspark import SparkContext
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.classic.column import Column as ClassicColumn

from spark_jobs.tally.compiling import java_class


def remembered(session: SparkSession, text: Column, work: Callable[[Column], Column]) -> Column:
    """``work(text)``, a struct or null; out of memory where the task has had the same text before. Null for no text.

    ``work`` looks at nothing but its argument, and its functions are expressions of Spark's that can be interpreted.
    """
    jvm: Any = SparkContext._jvm
    columns = jvm.org.apache.spark.sql.classic.ExpressionUtils
    frame = session.range(1).select(fn.lit("").alias("text")).select(work(fn.col("text")))
    # Functions that Spark only plans with, in the form in which they can be interpreted.
    plan = jvm.org.apache.spark.sql.catalyst.optimizer.ReplaceExpressions.apply(frame._jdf.queryExecution().analyzed())
    of = next(method for method in java_class("Remembered").getMethods() if method.getName() == "of")
    arguments = SparkContext._gateway.new_array(jvm.java.lang.Object, 2)  # type: ignore[union-attr]
    arguments[0], arguments[1] = columns.expression(text._jc), plan
    return ClassicColumn(columns.column(of.invoke(None, arguments)))
