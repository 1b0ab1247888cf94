"""``NoRows``: the expectation that a query finds no rows. It names the rows found, in one pass over the table."""

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value

KEYS = 10
"""The number of rows whose keys are named."""


class BrokenRows(MetricProvider):
    """By rule: (number of rows that break it, keys of the first ones). The rule of a query without rules is ""."""

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
    ) -> dict[str, tuple[int, list[str]]]:
        # Few rows break a rule. If there are many, the window function sorts them on disk.
        found = execution_engine.execute_query(
            sa.text(
                f"""WITH broken AS ({metric_value_kwargs["query"]})
                    SELECT rule, count(*), array_agg(key ORDER BY nth) FILTER (WHERE nth <= {KEYS})
                    FROM (SELECT rule, key, row_number() OVER (PARTITION BY rule ORDER BY length(key), key) AS nth
                          FROM (SELECT coalesce(to_jsonb(broken) ->> 'rule', '') AS rule, key::text FROM broken) AS told
                    ) AS numbered GROUP BY rule"""
            )
        ).all()
        return {rule: (number, list(keys)) for rule, number, keys in found}


class NoRows(BatchExpectation):
    """Succeeds when the query finds no row that breaks the rule.

    The query has a column ``key``, which identifies a row to a person. A query with a column ``rule`` serves many
    expectations, each about one rule; Postgres runs it once for all. The library's UnexpectedRowsExpectation runs a
    query twice and fetches all its rows; this one fetches their number and the first keys.
    """

    query: str
    rule: str = ""

    metric_dependencies: ClassVar[tuple[str, ...]] = (BrokenRows.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("query", "rule")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        number, keys = metrics[BrokenRows.metric_name].get(self.rule, (0, []))
        return {
            "success": number == 0,
            "result": {"observed_value": number, "unexpected_count": number, "partial_unexpected_list": keys},
        }


def rules(rows: str, key: str, broken: dict[str, str]) -> str:
    """A query for ``NoRows`` that reads ``rows`` (FROM … WHERE …) once. ``broken`` is SQL for a violation, by rule."""
    asked = ", ".join(f'coalesce({sql}, false) AS "{rule}"' for rule, sql in broken.items())
    said = ", ".join(f"""('{rule}', told."{rule}")""" for rule in broken)
    return f"""SELECT said.rule, told.key
        FROM (SELECT {key} AS key, {asked} {rows} AND ({" OR ".join(f"({sql})" for sql in broken.values())})) AS told
        CROSS JOIN LATERAL (VALUES {said}) AS said(rule, broken) WHERE said.broken"""
