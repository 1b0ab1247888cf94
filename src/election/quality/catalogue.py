"""Lists all expectations for the documentation: `python -m election.quality.catalogue` prints the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

from election.contracts.public import State
from election.platform import Platform
from election.quality.suites import CHECKPOINTS, Checkpoint, Look, suites
from election.settings import Settings
from election.storage.elections import Election

_AT: Mapping[Checkpoint, tuple[State, ...]] = {
    "electorate": ("registered",),
    "casting": ("closed",),
    "count": ("counted",),
    "schedule": ("open", "counted"),
}


@dataclass
class Listed:
    """An expectation and the checkpoints that check it."""

    name: str
    severity: str
    sentence: str
    checkpoints: list[Checkpoint] = field(default_factory=list)


def catalogue(settings: Settings) -> list[Listed]:
    """Every expectation that applies to some election at some checkpoint, by suite. No data are read."""
    # The suites are only listed, not run, so they need no connection.
    platform = Platform(cast(Any, None), cast(Any, None), settings)
    found: dict[str, Listed] = {}
    for checkpoint in CHECKPOINTS:
        for state in _AT[checkpoint]:
            for poll in (_replay(state), _simulated(state)):
                for suite in suites(Look(platform, poll, checkpoint, 1_000, 1_000)):
                    for one in suite.expectations:
                        name = f"{suite.name}.{(one.meta or {})['name']}"
                        severity = str(getattr(one.severity, "value", one.severity))
                        listed = found.setdefault(name, Listed(name, severity, one.description or ""))
                        if checkpoint not in listed.checkpoints:
                            listed.checkpoints.append(checkpoint)
    return sorted(found.values(), key=lambda listed: listed.name.split(".")[0])


def table(settings: Settings) -> str:
    """The list in Markdown."""
    lines = ["| expectation | severity | what it protects | looked at |", "|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | {one.severity} | {one.sentence} | {', '.join(one.checkpoints)} |"
        for one in catalogue(settings)
    ]
    return "\n".join(lines)


def _replay(state: State) -> Election:
    return _example(state, "replay", "uk-general-election-2019", {"contests": ["W07000041"]})


def _simulated(state: State) -> Election:
    return _example(state, "simulated", "single-race", {"simulation": {"turnout": 0.65, "turnout_spread": 0.06}})


def _example(state: State, kind: Any, scenario: str, parameters: dict[str, Any]) -> Election:
    at, offsets = datetime(2019, 12, 12, tzinfo=UTC), {"0": 0}
    noted = {
        "polling_day": date(2019, 12, 12), "source": "offline", "seed": 1, "series": "candidate", "registered_at": at,
        "opened_at": at, "closed_at": at, "counted_at": at, "votes_from": offsets, "voters_from": offsets,
        "voters_to": None if state == "registered" else offsets, "ballots_from": None, "ballots_open": None,
        "ballots_to": None,
    }  # fmt: skip
    return Election(
        1, "example", scenario, "Example", kind=kind, parameters=parameters, state=state, **cast(Any, noted)
    )


if __name__ == "__main__":
    print(table(Settings()))  # noqa: T201
