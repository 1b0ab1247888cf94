"""The interface of a module in ``expectations/``: ``suite(look)`` returns the expectations of one table or topic.

A lower layer may not import ``expectations/``, so this package loads every module of the folder that
``Settings.expectations`` names.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, get_args

from election.errors import BadInput
from election.platform import Platform
from election.storage.elections import Election

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

Checkpoint = Literal["electorate", "casting", "count", "schedule"]
CHECKPOINTS: tuple[Checkpoint, ...] = get_args(Checkpoint)
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Look:
    """A validation of one election at one checkpoint.

    ``registered`` is the number of registered voters, ``entitled`` the number of votes that they can cast: one for each
    contest on the ballot paper of their district.
    ``changed`` are the tables that changed since the validation that recorded the mark ``seen``; None validates all.
    """

    platform: Platform
    poll: Election
    checkpoint: Checkpoint
    registered: int
    entitled: int
    changed: frozenset[str] | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)

    def stand(self, *tables: str) -> bool:
        """Whether the tables have not changed since the last validation, which was ok."""
        return self.changed is not None and self.changed.isdisjoint(tables)

    @property
    def counted(self) -> bool:
        """Whether the tally must have counted every ballot."""
        return self.checkpoint == "count" or self.poll.state in ("counted", "certified", "refused")

    @property
    def closed(self) -> bool:
        """Whether the poll is closed, so that no more ballots are taken."""
        return self.poll.state not in ("registered", "open")


Frame = Callable[[Look], "pd.DataFrame"]


@dataclass(frozen=True)
class Suite:
    """The expectations of one table or topic.

    ``looks_at`` is a query, in which ``current_setting('election.no')`` is the election, or a function that returns a
    table of figures, one row for each ``key``. Reports show both, so neither may contain personal data.
    """

    name: str
    about: str
    looks_at: str | Frame
    expectations: Sequence["Expectation"]


def protects(name: str, sentence: str, act: str, severity: Severity = "critical") -> dict[str, Any]:
    """The arguments of every expectation: name, protected sentence, what to do when it fails, and severity."""
    return {"description": sentence, "severity": severity, "meta": {"name": name, "act": act}}


def table(form: type[tuple[Any, ...]], rows: Iterable[tuple[Any, ...]]) -> "pd.DataFrame":
    """Findings of ``election.reconciliation``, named tuples of one form, as a suite's table of figures."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(form._fields))  # type: ignore[attr-defined]


def suites(look: Look) -> list[Suite]:
    """The suites that apply to the election at this checkpoint, by name."""
    found = [module.suite(look) for module in modules(look.platform.settings.expectations)]
    return sorted((suite for suite in found if suite is not None), key=lambda suite: suite.name)


def modules(folder: Path) -> list[ModuleType]:
    """Every module of the folder, loaded as a package. Raises BadInput if the folder has no module."""
    names = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
    if not names:
        raise BadInput(f"There are no suites of expectations in {folder}; `ELECTION_ROOT` names the project's folder.")
    _package(folder)
    return [import_module(f"{folder.name}.{name}") for name in names]


def _package(folder: Path) -> None:
    known = sys.modules.get(folder.name)
    if known is not None and Path(known.__file__ or "").parent == folder:
        return
    spec = spec_from_file_location(folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise BadInput(f"{folder} is not a package of expectations.")
    package = sys.modules[folder.name] = module_from_spec(spec)
    spec.loader.exec_module(package)
