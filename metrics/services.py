"""Whether each service answers, by the check behind `election status`."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from election.clients.spark_access import METRICS
from election.errors import NotReachable
from election.settings import Settings
from election.stack import airflow, dashboard, results_feed, spark

_SERVLET = METRICS["spark.metrics.conf.*.sink.prometheusServlet.path"]
CHECKS: dict[str, Callable[[Settings, float], None]] = {
    "spark-master": spark.master_ready,
    "spark-worker": spark.worker_ready,
    "airflow-api-server": airflow.api_ready,
    "airflow-scheduler": partial(airflow.part_ready, "scheduler"),
    "airflow-triggerer": partial(airflow.part_ready, "triggerer"),
    # The stack's own check also asks for the DAGs, which needs a login.
    "airflow-dag-processor": partial(airflow.part_ready, "dag_processor"),
    "dashboard": dashboard.ready,
    "results-feed": results_feed.ready,
}
"""Those that answer without a login. Postgres and Kafka are up if their figures can be read."""


def answers(settings: Settings) -> dict[str, bool]:
    """Asks all at the same time; a service has five seconds."""
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        return dict(zip(CHECKS, pool.map(partial(_answers, settings), CHECKS.values()), strict=True))


def _answers(settings: Settings, check: Callable[[Settings, float], None]) -> bool:
    try:
        check(settings, 0)
    except NotReachable:
        return False
    return True


def targets(settings: Settings, *, guarded: bool) -> list[dict[str, Any]]:
    """Where other services show metrics of their own, for Prometheus's discovery over HTTP.

    The ``guarded`` ones ask for the login of this service. Spark's and Streamlit's pages ask for none, and must not
    get it.
    """
    feed = ("results-feed", settings.feed_host, settings.feed_port, "/metrics")
    pages = (
        ("spark-master", settings.spark_host, settings.spark_master_ui_port, _SERVLET),
        ("spark-worker", settings.spark_worker_host, settings.spark_worker_ui_port, _SERVLET),
        ("tally", settings.spark_driver_host, settings.spark_driver_ui_port, _SERVLET),
        ("dashboard", settings.dashboard_host, settings.dashboard_port, "/_stcore/metrics"),
    )
    return [
        {"targets": [f"{host}:{port}"], "labels": {"service": service, "__metrics_path__": path}}
        for service, host, port, path in ((feed,) if guarded else pages)
    ]


def metrics(up: Mapping[str, bool]) -> Iterator[Metric]:
    family = GaugeMetricFamily("election_service_up", "1 while a service answers.", labels=["service"])
    for service, answered in up.items():
        family.add_metric([service], answered)
    yield family
