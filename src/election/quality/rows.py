"""``NoRows``: an expectation that a query finds nothing, which names the rows it finds, in one pass over the table."""

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value

KEYS = 10
"""How many keys of rows are named."""


class BrokenRows(MetricProvider):
    """(number of rows that the query finds, keys of the first of them)."""

    metric_name = "election.broken_rows"
    domain_keys = ("batch_id",)
    value_keys = ("query",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 - Great Expectations makes it a class method
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[int, list[str]]:
        broken = sa.text(metric_value_kwargs["query"]).columns(sa.column("key", sa.Text)).cte("broken")
        found = execution_engine.execute_query(
            sa.select(sa.func.count().over().label("number"), sa.cast(broken.c.key, sa.Text)).limit(KEYS)
        ).all()
        return (found[0][0] if found else 0), [str(key) for _, key in found]


class NoRows(BatchExpectation):
    """Succeeds when the query finds no row. It has one column, ``key``, which tells a person which row it is.

    The library's own UnexpectedRowsExpectation runs a query twice and brings its rows here; this runs once, and brings
    their number and the first keys.
    """

    query: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (BrokenRows.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("query",)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        number, keys = metrics[BrokenRows.metric_name]
        return {
            "success": number == 0,
            "result": {"observed_value": number, "unexpected_count": number, "partial_unexpected_list": keys},
        }
