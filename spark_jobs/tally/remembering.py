"""Caches, within a task, the result of a function of a text that occurs again and again."""

from collections.abc import Callable
from typing import Any

from pyspark import SparkContext
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.classic.column import Column as ClassicColumn

from spark_jobs.tally.compiling import java_class


def remembered(session: SparkSession, text: Column, work: Callable[[Column], Column]) -> Column:
    """``work(text)``, a struct or null, from the task's cache if it had the same text before. Null for a null text.

    ``work`` must depend only on its argument, and use only expressions that Spark can interpret.
    """
    jvm: Any = SparkContext._jvm
    columns = jvm.org.apache.spark.sql.classic.ExpressionUtils
    frame = session.range(1).select(fn.lit("").alias("text")).select(work(fn.col("text")))
    # Replaces functions that exist only while planning with those that can be interpreted.
    plan = jvm.org.apache.spark.sql.catalyst.optimizer.ReplaceExpressions.apply(frame._jdf.queryExecution().analyzed())
    of = next(method for method in java_class("Remembered").getMethods() if method.getName() == "of")
    arguments = SparkContext._gateway.new_array(jvm.java.lang.Object, 2)  # type: ignore[union-attr]
    arguments[0], arguments[1] = columns.expression(text._jc), plan
    return ClassicColumn(columns.column(of.invoke(None, arguments)))
