"""Great Expectations, made quiet and kept from calling home before it is first imported. Import it from here."""

import logging
import os
import sys

# It says in six lines that it found no configuration, and reports its use to its makers unless told not to.
logging.getLogger("great_expectations").setLevel(logging.WARNING)
os.environ["GX_ANALYTICS_ENABLED"] = "false"
# It looks for Spark, which costs a second, and does without where there is none.
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
