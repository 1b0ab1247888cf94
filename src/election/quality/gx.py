"""Great Expectations, without its log lines, its analytics and what it imports in vain. Import it only from here."""

import logging
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _OnFirstUse(ModuleType):
    """Stands in for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


# By default it logs six lines about a missing configuration, and reports its use to its authors.
logging.getLogger("great_expectations").setLevel(logging.WARNING)
os.environ["GX_ANALYTICS_ENABLED"] = "false"
# It imports Spark if it finds it, which costs a second. It works without Spark.
_hidden: dict[str, Any] = {"pyspark": None}
# Statistics and charts of expectations that no suite here has cost another.
_hidden |= {name: _OnFirstUse(name) for name in ("scipy.stats", "altair")}
_hidden = {name: stand_in for name, stand_in in _hidden.items() if name not in sys.modules}
sys.modules.update(_hidden)
try:
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.expectations.expectation import Expectation
finally:
    for name, stand_in in _hidden.items():
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]

__all__ = ["Expectation", "gx", "gxe"]
