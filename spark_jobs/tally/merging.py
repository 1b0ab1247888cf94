"""Merges equal rows within a task, before they are counted over all tasks. Spark's streams have no such step."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from spark_jobs.tally.compiling import java_class

STRATEGY = "MergeEqualRows"
"""The Java class that plans the step, in the file of that name."""


def merged(rows: DataFrame, number: str, of: str | None = None) -> DataFrame:
    """The rows and a column ``number`` (BIGINT), how many equal rows each stands for: it is for whoever sums it.

    ``of`` is a column that says how many each row stands for already, and no part of the answer. How many are left of
    equal ones is not said: a task merges its own. The first column must be an integer.
    """
    _teach(rows.sparkSession)
    # One for each row as it is: a constant the optimizer would take for what it sums, and merge nothing. Nor may it be
    # a column under another name, which is no step of its own.
    each = fn.abs(of) if of else fn.coalesce(fn.col(rows.columns[0]) * 0, fn.lit(0)) + 1
    names = [name for name in rows.columns if name != of]
    return rows.select(*names, each.cast("bigint").alias(number, metadata={"equal rows": True}))


def _teach(session: SparkSession) -> None:
    """Adds the strategy to the session's planner unless it is there."""
    methods = session._jsparkSession.experimental()
    if STRATEGY not in methods.extraStrategies().toString():
        strategy = java_class(STRATEGY).getConstructor(None).newInstance(None)
        # As the setter of Scala's variable is called.
        getattr(methods, "extraStrategies_$eq")(methods.extraStrategies().appended(strategy))
