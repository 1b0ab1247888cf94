"""Great Expectations, without its log lines and its analytics. Import it only from here, so that both are off first."""

import logging
import os
import sys

# By default it logs six lines about a missing configuration, and reports its use to its authors.
logging.getLogger("great_expectations").setLevel(logging.WARNING)
os.environ["GX_ANALYTICS_ENABLED"] = "false"
# It imports Spark if it finds it, which costs a second. It works without Spark.
_no_spark = "pyspark" not in sys.modules
if _no_spark:
    sys.modules["pyspark"] = None  # type: ignore[assignment]
try:
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.expectations.expectation import Expectation
finally:
    if _no_spark:
        del sys.modules["pyspark"]

__all__ = ["Expectation", "gx", "gxe"]
