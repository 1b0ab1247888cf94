"""Access to Spark: the secret that its processes share, and pages that only show.

Without ``spark.authenticate`` each port of a master, worker, driver or executor runs the code of any program that
reaches it. The secret is a properties file: Spark reads it itself, so it is in no command line and in no copy.
"""

from pathlib import Path

from election.errors import StackError
from election.settings import Settings

AUTHENTICATED = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.authEngineVersion": "2",
    # Unlike the default (AES/CTR), it also detects messages that were changed on their way.
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    # Else a client may ask for the older login, without this encryption.
    "spark.network.crypto.saslFallback": "false",
}
"""For the master, the workers, drivers and executors alike: they refuse a process whose settings differ."""

READ_ONLY = {
    "spark.ui.killEnabled": "false",  # by default a GET ends a job or an application
    "spark.ui.threadDumpsEnabled": "false",
    "spark.ui.heapHistogramEnabled": "false",
    "spark.ui.prometheus.enabled": "false",  # what it shows of executors, the servlet below shows too
}
"""For every page, because pages have no login."""

METRICS = {
    "spark.metrics.conf.*.sink.prometheusServlet.class": "org.apache.spark.metrics.sink.PrometheusServlet",
    "spark.metrics.conf.*.sink.prometheusServlet.path": "/metrics/prometheus",
    "spark.metrics.conf.*.source.jvm.class": "org.apache.spark.metrics.source.JvmSource",
    # Else each driver's metrics have names of their own, with the application's id.
    "spark.metrics.namespace": "tally",
    "spark.sql.streaming.metricsEnabled": "true",
}
"""Spark's own metrics for Prometheus, on the pages; ``/metrics/json`` shows the same by default."""


def secret_file(settings: Settings) -> Path:
    """The file for ``--properties-file``. Raises StackError if it does not exist."""
    file = settings.secret_file("spark")
    if not file.exists() and settings.runtime == "containers":
        raise StackError(
            "Only the containers of Spark and of Airflow's scheduler, where the count's driver runs, have Spark's "
            "secret. Type `docker compose exec airflow-scheduler election …`."
        )
    settings.secret("spark")
    return file
