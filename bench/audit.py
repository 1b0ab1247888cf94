"""Audits wrong outcomes a thousand times and counts how many are confirmed; the sizes of samples for the UK of 2019.

    python -m bench.audit [--audits 1000] [--limit 0.05]

A contest's papers elect the other candidate by one vote. Each audit draws by a seed of its own and takes rounds until
the count is confirmed or a count by hand finds the truth. At most the risk limit may be confirmed. Prints a table and
writes var/bench/audit.json.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from random import Random
from time import process_time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.official import outcome as official_outcome
from election import scenarios
from election.audit import comparison, polling
from election.audit.comparison import INVALID, Rates
from election.audit.contest import Contest
from election.audit.drawing import SEED_DIGITS, draw_papers
from election.audit.judging import first_size, judge
from election.settings import PROJECT, Settings
from election.storage.audits import Method

BALLOTS = 2_000
_BOXES = [(number, 250) for number in range(1, BALLOTS // 250 + 1)]
Papers = dict[tuple[int, int], tuple[int, int]]
"""By box and position: what the record says, what the paper says."""


def main(
    audits: Annotated[int, typer.Option(min=1)] = 1_000,
    limit: Annotated[float, typer.Option(help="the risk limit")] = 0.05,
) -> None:
    cases: list[tuple[str, Method, Callable[[], tuple[Contest, Papers]]]] = [
        ("votes flipped, margin 10 %", "comparison", lambda: flipped(0.10)),
        ("votes flipped, margin 30 %", "comparison", lambda: flipped(0.30)),
        ("invalid papers counted, margin 20 %", "comparison", lambda: stuffed(0.20)),
        ("votes flipped, margin 20 %", "polling", lambda: flipped(0.20)),
    ]
    table = Table("tampered with", "method", "audits", "confirmed", "at most", "counted by hand", "papers drawn")
    measured: list[dict[str, Any]] = []
    for name, method, make in cases:
        contest, papers = make()
        ended: Counter[str] = Counter()
        drawn = 0
        for number in range(audits):
            follows, size = audited(contest, papers, method, limit, Random(f"{name}/{number}"))
            ended[follows] += 1
            drawn += size
        measured.append({"case": name, "method": method, "audits": audits, **ended, "mean_drawn": drawn / audits})
        table.add_row(
            name, method, f"{audits:,}", f"{ended['confirmed']:,}", f"{limit * audits:,.0f}",
            f"{ended['hand count']:,}", f"{drawn / audits:,.0f}",
        )  # fmt: skip
    Console(width=110).print(table)
    started = process_time()
    sizes = uk_sizes(limit)
    uk = sizes | {"seconds": process_time() - started}
    Console().print(
        f"UK 2019, each of 650 contests at {limit:.0%}: " + ", ".join(f"{k} {v:,}" for k, v in sizes.items())
    )
    file = PROJECT / "var" / "bench" / "audit.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"load": os.getloadavg(), "limit": limit, "audits": measured, "uk": uk}, indent=2) + "\n"
    )
    if any(one["confirmed"] > limit * audits for one in measured if "confirmed" in one):
        raise SystemExit("More wrong outcomes were confirmed than the risk limit allows.")


def flipped(margin: float) -> tuple[Contest, Papers]:
    """Candidate 1 is counted ahead by the margin; by the papers candidate 2 wins by two votes."""
    won = round(BALLOTS * (1 + margin) / 2)
    says = [1] * (BALLOTS // 2 - 1) + [2] * (BALLOTS // 2 + 1)
    return _contest([1] * won + [2] * (BALLOTS - won), says)


def stuffed(margin: float) -> tuple[Contest, Papers]:
    """Invalid papers are counted for candidate 1; by the papers candidate 2 wins by one vote."""
    lost = round(BALLOTS * (1 - margin) / 2)
    true = lost - 1
    says = [1] * true + [INVALID] * (BALLOTS - lost - true) + [2] * lost
    return _contest([1] * (BALLOTS - lost) + [2] * lost, says)


def audited(contest: Contest, papers: Papers, method: Method, limit: float, chance: Random) -> tuple[str, int]:
    """How an audit ends, and how many papers it draws; one that comes to a hand count finds the truth."""
    seed = "".join(chance.choices("0123456789", k=SEED_DIGITS))
    size = first_size(contest, method, limit)
    while size is not None:
        drawn = [papers[one.box, one.position] for one in draw_papers(_BOXES, seed, 0, size)]
        records, says = zip(*drawn, strict=True)
        judged = judge(contest, method, limit, records, says)
        if judged.next_size is None:
            return judged.follows, size
        size = judged.next_size
    return "hand count", 0


def uk_sizes(limit: float) -> dict[str, int]:
    """Ballots to draw in the first round of all 650 contests."""
    found: Counter[str] = Counter()
    for number, one in enumerate(scenarios.load(Settings().scenarios, "uk-general-election-2019").contests, 1):
        decided = official_outcome(number, one)
        votes = {standing.contender.number: standing.votes for standing in decided.standings}
        contest = Contest(decided.counted, votes, tuple(elected.contender.number for elected in decided.elected))
        found["comparison without errors"] += comparison.sample_size(contest, limit, Rates())
        found["comparison with the errors expected"] += comparison.sample_size(contest, limit)
        found["polling on average"] += polling.expected_size(contest, limit)
        found["ballots"] += contest.ballots
    return dict(found)


def _contest(records: list[int], says: list[int]) -> tuple[Contest, Papers]:
    places = [(box, position) for box, papers in _BOXES for position in range(1, papers + 1)]
    Random(0).shuffle(places)
    counted = Counter(records)
    papers = dict(zip(places, zip(records, says, strict=True), strict=True))
    return Contest(BALLOTS, {1: counted[1], 2: counted[2]}, (1,)), papers


if __name__ == "__main__":
    typer.run(main)
