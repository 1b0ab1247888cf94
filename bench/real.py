"""Real elections with their official results, as tests and ``bench.outcome`` decide them again."""

import csv
from collections.abc import Iterator
from functools import cache

from election import scenarios
from election.outcome import Count, Race
from election.scenarios import Scenario
from election.scenarios.official import official
from election.settings import Settings

GERMANY, ABERDEEN = "germany-bundestag-2025", "scotland-aberdeen-2017"


@cache
def scenario(name: str) -> Scenario:
    return scenarios.load(Settings().scenarios, name)


def real(name: str) -> tuple[list[Race], Count]:
    """The contests with the official votes."""
    return official(scenario(name))


def rows(election: str, file: str) -> Iterator[dict[str, str]]:
    """The rows of ``file`` of this election's folder."""
    with (Settings().scenarios / election / file).open(newline="", encoding="utf-8") as opened:
        yield from csv.DictReader(opened)
