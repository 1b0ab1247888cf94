"""Blocks what the driver's pages must not serve, where Spark has no setting for it."""

from typing import Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from spark_jobs.tally.compiling import java_class

API = "/api"


def refuse_thread_dumps(session: SparkSession) -> None:
    """Makes the REST API answer 403 for thread dumps; does nothing without a UI."""
    jvm: Any = SparkContext._jvm
    ui = session.sparkContext._jsc.sc().ui()
    if ui.isEmpty():
        return
    handlers = ui.get().getHandlers()
    refusing = java_class("NoThreadDumps").getConstructor(None).newInstance(None)
    always = jvm.java.util.EnumSet.allOf(jvm.java.lang.Class.forName("jakarta.servlet.DispatcherType"))
    for handler in (handlers.apply(number) for number in range(handlers.size())):
        if handler.getContextPath() == API:
            handler.addFilter(jvm.org.sparkproject.jetty.servlet.FilterHolder(refusing), "/*", always)
