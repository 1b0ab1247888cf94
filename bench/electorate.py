"""Measures the electorate: people made and decisions taken on one core, and loading against plain COPY of those rows.

    python -m bench.electorate [--voters 1000000] [--rounds 3]

Limit and product alternate, the limit being COPY from memory into the same table with the same keys, one writer,
nothing else. On a platform of its own. Prints a table and writes var/bench/electorate.json.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bench.own_platform import own_platform
from election import scenarios
from election.behaviour import Behaviour
from election.behaviour.deciding import INVALID, Contest, Roll
from election.behaviour.replay import Replay
from election.electorate import seed_candidates, seed_voters
from election.electorate.generated import ahead, store_places
from election.electorate.offline import People
from election.electorate.places import Homes
from election.electorate.voters import rolls_of
from election.messaging.topics import create_topics
from election.outcome import Line
from election.platform import Platform
from election.preparation import Registration, create_tables, register
from election.settings import Settings
from election.stack.services import STORAGE
from election.storage.elections import Election
from election.storage.voters import COPY

CORE = """
import resource, time, sys
from datetime import date
from election.electorate.generated import text
from election.electorate.offline import People
from election.electorate.places import Homes, Roll
number = int(sys.argv[1])
rolls = [Roll(1, "Bath", "South West", "England", 1, number)]
people = People(1, 1, date(2019, 12, 12), rolls, Homes(rolls))
text(people, 1, 50_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
size = sum(len(text(people, first, min(first + 49_999, number))) for first in range(1, number + 1, 50_000))
print(number / (time.process_time() - started), size / number,
      (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def main(voters: Annotated[int, typer.Option(min=50_000)] = 1_000_000, rounds: int = 3) -> None:
    made, row_bytes, grown = _one_core(voters)
    with own_platform("bench-electorate", STORAGE) as platform:
        create_tables(platform)
        create_topics(platform)
        limit, product = loaded(platform, voters, rounds)
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "voters": voters,
        "rounds": rounds,
        "bytes_a_row": round(row_bytes, 1),
        "made_a_second_on_one_core": round(made),
        "decided_a_second_on_one_core": round(_decided()),
        "grown_by_mib": round(grown, 1),
        "plain_copy_a_second": [round(rate) for rate in limit],
        "made_and_loaded_a_second": [round(rate) for rate in product],
        "ratio": round(median(product) / median(limit), 3),
    }
    table = Table("measure", "value", title=f"Electorate, {voters:,} voters")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else str(value))
    Console().print(table)
    file = platform.settings.var / "bench" / "electorate.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=2) + "\n")


def loaded(platform: Platform, voters: int, rounds: int) -> tuple[list[float], list[float]]:
    """Voters a second of plain COPY and of the stage, turn by turn."""
    limit, product = [], []
    for turn in range(rounds):
        limit.append(voters / _plain_copy(platform, f"bench-copy-{os.getpid()}-{turn}", voters))
        product.append(voters / _seeded(platform, f"bench-seed-{os.getpid()}-{turn}", voters))
    return limit, product


def _decided() -> float:
    """Decisions a second of processor time, all voters of the United Kingdom replayed; every official figure is met."""
    rolls: list[Roll] = []
    number = 0
    for contest in scenarios.load(Settings().scenarios, "uk-general-election-2019").contests:
        first = rolls[-1].first_voter_no + rolls[-1].registered if rolls else 1
        own, votes = len(rolls) + 1, {INVALID: contest.invalid_votes or 0}
        standing = []
        for candidate in contest.candidates:
            number += 1
            standing.append(Line(number, own, candidate.name, candidate.party_abbreviation, candidate.party))
            votes[number] = candidate.votes or 0
        paper = (Contest(own, contest.contest_id, tuple(standing), official=votes),)
        rolls.append(Roll(own, contest.contest_id, contest.region, first, contest.electorate, paper))
    behaviour = Behaviour(rolls, Replay(2019, rolls))
    official = [votes for roll in rolls for line, votes in roll.paper[0].official.items() if line]
    total = rolls[-1].first_voter_no + rolls[-1].registered - 1
    found = np.zeros(len(official) + 2, np.int64)
    district_of = np.repeat([roll.district_no for roll in rolls], [roll.registered for roll in rolls])
    started = time.process_time()
    for begin in range(0, total, 10_000):
        districts = district_of[begin : begin + 10_000]
        voters = np.arange(begin + 1, begin + 1 + len(districts))
        (chosen,) = behaviour.choose(voters, districts, districts, districts)
        found += np.bincount(chosen.candidate + 1, minlength=len(found))
    seconds = time.process_time() - started
    if found[2:].tolist() != official:
        raise SystemExit("the replay does not meet the official figures")
    return total / seconds


def _one_core(voters: int) -> tuple[float, float, float]:
    """People made and written as text a second on one core; bytes a row; MiB that took beyond the first batch."""
    ran = subprocess.run(
        [sys.executable, "-c", CORE, str(voters)],
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    rate, size, grown = (float(word) for word in ran.stdout.split())
    return rate, size, grown


def _register(platform: Platform, slug: str, voters: int) -> Election:
    poll = register(platform, Registration("single-race", slug, voters=voters))
    seed_candidates(platform, slug)
    return poll


def _plain_copy(platform: Platform, slug: str, voters: int) -> float:
    """Seconds of COPY of rows that lie in memory, COMMIT included."""
    poll = _register(platform, slug, voters)
    with platform.connect("app") as connection:
        rolls = rolls_of(connection, poll.election_no)
        homes = Homes(rolls)
        store_places(connection, poll, homes)
        people = People(poll.election_no, poll.seed, poll.polling_day, rolls, homes)
        rows = list(ahead(people, 1, voters))
        started = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for part in rows:
                copy.write(part)
        connection.commit()
        seconds = time.perf_counter() - started
    _remove(platform, poll.election_no)
    return seconds


def _seeded(platform: Platform, slug: str, voters: int) -> float:
    """Seconds of the stage, all it does included."""
    poll = _register(platform, slug, voters)
    started = time.perf_counter()
    seed_voters(platform, slug, lambda _: None)
    seconds = time.perf_counter() - started
    _remove(platform, poll.election_no)
    return seconds


def _remove(platform: Platform, election_no: int) -> None:
    with platform.connect("owner") as connection:
        for table in ("voters", "candidates", "elections"):
            connection.execute(f"DELETE FROM {table} WHERE election_no = %s", [election_no])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM voters")


if __name__ == "__main__":
    typer.run(main)
