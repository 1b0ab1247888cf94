"""Merges equal rows within a task, before all tasks' rows are counted. Spark's streams have no such step."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from spark_jobs.tally.compiling import java_class

STRATEGY = "MergeEqualRows"
"""The Java class that plans the step, in the file with that name."""


def merged(rows: DataFrame, number: str, of: str | None = None) -> DataFrame:
    """The rows with a column ``number`` (BIGINT): how many equal rows each row stands for. The caller sums it.

    ``of`` is a column with the numbers from an earlier merge; it is not in the result. Equal rows may remain, because
    each task merges only its own rows. The first column must be an integer.
    """
    _teach(rows.sparkSession)
    # Computes 1 for each row. With a constant the optimizer would sum the constant and merge nothing. A plain alias of
    # a column would not be a step of its own either.
    each = fn.abs(of) if of else fn.coalesce(fn.col(rows.columns[0]) * 0, fn.lit(0)) + 1
    names = [name for name in rows.columns if name != of]
    return rows.select(*names, each.cast("bigint").alias(number, metadata={"equal rows": True}))


def _teach(session: SparkSession) -> None:
    """Adds the strategy to the session's planner, once."""
    methods = session._jsparkSession.experimental()
    if STRATEGY not in methods.extraStrategies().toString():
        strategy = java_class(STRATEGY).getConstructor(None).newInstance(None)
        # The name of the setter of Scala's variable.
        getattr(methods, "extraStrategies_$eq")(methods.extraStrategies().appended(strategy))
