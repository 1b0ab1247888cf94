"""Merges equal rows within a task, before they are counted over all tasks. Spark's streams have no such step."""

from pathlib import Path

from py4j.java_gateway import JavaObject
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

STRATEGY = "MergeEqualRows"
"""The Java class that plans the step, in the file of that name."""


def merged(rows: DataFrame, number: str) -> DataFrame:
    """The rows and a column ``number`` (BIGINT), how many equal rows each stands for: it is for whoever sums it.

    How many are left of equal ones is not said: a task merges its own. The first column must be an integer.
    """
    _teach(rows.sparkSession)
    # One for each row as it is. A constant the optimizer would take for what it sums, and merge nothing.
    one = fn.coalesce(fn.col(rows.columns[0]) * 0, fn.lit(0)) + 1
    return rows.select("*", one.cast("bigint").alias(number, metadata={"equal rows": True}))


def _teach(session: SparkSession) -> None:
    """Adds the strategy to the session's planner unless it is there."""
    methods = session._jsparkSession.experimental()
    if STRATEGY not in methods.extraStrategies().toString():
        # As the setter of Scala's variable is called.
        getattr(methods, "extraStrategies_$eq")(methods.extraStrategies().appended(_strategy(session)))


def _strategy(session: SparkSession) -> JavaObject:
    """An instance of the class, made with the compiler that Spark has for the code that it generates."""
    jvm = session._jvm
    assert jvm is not None
    compiler = jvm.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(jvm.java.lang.Thread.currentThread().getContextClassLoader())
    compiler.cook(Path(__file__).with_name(f"{STRATEGY}.java").read_text())
    return compiler.getClassLoader().loadClass(STRATEGY).getConstructor(None).newInstance(None)
