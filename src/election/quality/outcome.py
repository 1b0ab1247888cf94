"""The outcome of a validation, in words on which a person can act."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from election.errors import StageFailed
from election.quality.suites import Checkpoint, Severity

_KEYS = 5


@dataclass(frozen=True)
class Finding:
    """An expectation that failed. If it is not about rows, ``rows`` is None and ``observed`` has the observed value."""

    name: str
    severity: Severity
    sentence: str
    rows: int | None
    keys: tuple[str, ...]
    observed: str
    act: str

    def __str__(self) -> str:
        found = f"{self.rows:,} row(s)" if self.rows is not None else f"found {self.observed}"
        keys = f", such as {'; '.join(self.keys)}" if self.keys else ""
        return f"{self.severity} {self.name}: {found}{keys}. Expected: {self.sentence} {self.act}"


@dataclass(frozen=True)
class Validation:
    """The outcome for one election at one checkpoint. ``report`` is the report's path under the data docs' folder."""

    election: str
    checkpoint: Checkpoint
    validated_at: str
    expectations: int
    findings: tuple[Finding, ...]
    report: str
    seconds: float

    @property
    def failed(self) -> int:
        return sum(finding.severity == "critical" for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.failed

    @property
    def ok(self) -> bool:
        """Whether no critical expectation failed."""
        return self.failed == 0

    def __str__(self) -> str:
        parts = [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.warnings} warning(s)"] if self.warnings else []
        return (
            f"{self.election} at checkpoint {self.checkpoint}: {self.expectations} expectations, "
            f"{' and '.join(parts) or 'all met'}."
        )


def require_ok(validations: Sequence[Validation], where: str) -> None:
    """Raises StageFailed with every finding if a critical expectation failed. ``where`` is put before report paths."""
    broken = [validation for validation in validations if not validation.ok]
    if not broken:
        return
    lines = []
    for validation in broken:
        lines += [str(validation), *(f"- {finding}" for finding in validation.findings)]
        lines.append(f"Report: {where}/{validation.report}")
    raise StageFailed("\n".join(lines))


def finding(suite: str, result: Any) -> Finding:
    """The finding for a failed result of Great Expectations."""
    config, found = result.expectation_config, result.result or {}
    error = (result.exception_info or {}).get("exception_message")
    keys = _keys(found)
    return Finding(
        name=f"{suite}.{config.meta['name']}",
        severity=str(getattr(config.severity, "value", config.severity)),  # type: ignore[arg-type]
        sentence=config.description,
        rows=found.get("unexpected_count"),
        keys=keys[:_KEYS],
        observed=f"an error: {str(error).splitlines()[0]}" if error else _observed(found.get("observed_value")),
        act=config.meta["act"],
    )


def _keys(found: dict[str, Any]) -> tuple[str, ...]:
    """Keys of the failed rows: from the column ``key`` of a table of figures, or directly from ``NoRows``."""
    indexes = found.get("partial_unexpected_index_list")
    if indexes is None:
        return tuple(str(key) for key in found.get("partial_unexpected_list") or ())
    named = (key for index in indexes for key in ([index["key"]] if isinstance(index["key"], str) else index["key"]))
    return tuple(dict.fromkeys(str(key) for key in named))


def _observed(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, Integral):
        return f"{int(value):,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
