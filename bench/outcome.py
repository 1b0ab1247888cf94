"""Measures how long it takes to decide real elections again: Germany 2025, Aberdeen 2017, the United Kingdom 2019.

    python -m bench.outcome [--rounds 20]

Processor time of the decision alone: the files are read beforehand. Prints a table and writes var/bench/outcome.json.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import process_time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.real import ABERDEEN, GERMANY, real, scenario
from election.outcome import ElectionOutcome, RankedRules, Rules, decide_election
from election.settings import PROJECT


def main(rounds: Annotated[int, typer.Option(min=1)] = 20) -> None:
    german, german_count = real(GERMANY)
    mixed = scenario(GERMANY).system
    wards, ward_count = real(ABERDEEN)
    uk, uk_count = real("uk-general-election-2019")
    cases: list[tuple[str, int, Callable[[], ElectionOutcome]]] = [
        ("Germany 2025, over", 50, lambda: decide_election(german, german_count, mixed)),
        ("Germany 2025, going on", 50, lambda: decide_election(german, replace(german_count, over=False), mixed)),
        ("Aberdeen 2017, 13 wards", 1_000, lambda: decide_election(wards, ward_count, RankedRules())),
        ("UK 2019, over", 50, lambda: decide_election(uk, uk_count, Rules())),
        ("UK 2019, going on", 50, lambda: decide_election(uk, replace(uk_count, over=False), Rules())),
    ]
    table = Table("election", "ms", "at most", "seats")
    found: list[dict[str, Any]] = []
    for name, limit, decide in cases:
        times = []
        for _ in range(rounds):
            started = process_time()
            outcome = decide()
            times.append((process_time() - started) * 1_000)
        found.append({"election": name, "milliseconds": median(times), "limit": limit, "seats": outcome.seats})
        table.add_row(name, f"{median(times):.1f}", str(limit), str(sum(outcome.seats.values())))
    Console().print(table)
    file = PROJECT / "var" / "bench" / "outcome.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"load": os.getloadavg(), "rounds": rounds, "measured": found}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
