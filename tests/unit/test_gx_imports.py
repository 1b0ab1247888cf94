"""Great Expectations is imported without what no suite uses, and what it left out is there when it is used."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

USES = """
import sys
import election.quality.gx
print([name for name in ("pyspark", "scipy.stats", "scipy.optimize", "altair") if name in sys.modules])
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as module
import altair
import scipy.stats
print(module.stats.entropy is scipy.stats.entropy, module.alt.Chart is altair.Chart)
"""


def test_statistics_and_charts_are_imported_on_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", USES], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines() == ["[]", "True True"]
