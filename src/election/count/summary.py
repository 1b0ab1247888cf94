"""Summarises the tally's state and progress for `election status`: as an object and as lines of text."""

import json
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from election.count import driver
from election.count.driver import HANGS, SILENT_AFTER, STALLED_AFTER, DriverState
from election.count.folder import tally_folder
from election.settings import Settings

ERROR_LINES = 6  # of an error; Spark's errors can fill pages
_TAIL = 16_384  # bytes; a batch's line has a few hundred

_TRIED_AGAIN = (
    "Airflow starts the next driver by itself, unless the DAG tally_stream is paused; "
    "without Airflow, `election tally start` does."
)


def summary(settings: Settings) -> dict[str, Any]:
    """The driver's state, with ``last_batch`` (its line in ``batches.log``; None before the first) and ``remedy``.

    ``remedy`` says what to do when the driver failed or is stalled, unless ``error`` says it already; None otherwise.
    Cheap: reads small files and the end of one.
    """
    state, folder = driver.state(settings), tally_folder(settings)
    batch = _last_line(folder.batches)
    if batch and state.generation is not None and batch.get("generation", state.generation) != state.generation:
        batch = None  # it belongs to the generation before a rebuild
    return {**asdict(state), "last_batch": batch, "remedy": _remedy(state, time.time())}


def lines(count: dict[str, Any]) -> list[str]:
    """The summary as lines of text."""
    alive = DriverState(count["phase"]).alive
    waiting = f", {count['lag']:,} votes waiting" if alive and count["lag"] is not None else ""
    refused = " (the checkpoint is refused)" if count["refused"] else ""
    told = [f"The count: {count['phase']}{refused}{waiting}"]
    if batch := count["last_batch"]:
        at = datetime.fromisoformat(batch["at"])
        told.append(
            f"  batch {batch['batch']:,} of generation {batch.get('generation', count['generation'])}, begun "
            f"{at:%Y-%m-%d %H:%M:%S} UTC: {batch['messages']:,} votes in {batch['ms']:,} ms" + _rates(batch)
        )
        told.append(
            f"  since its driver started: {batch['duplicates']:,} duplicates dropped, "
            f"{batch['rejected']:,} records rejected; state {batch['state_bytes'] / 1e6:,.0f} MB in memory"
        )
    if count["error"]:
        said = count["error"].splitlines()
        told += [f"  {line}" for line in said[:ERROR_LINES]]
        told += ["  … `election tally status` shows the rest."] if len(said) > ERROR_LINES else []
    if count["remedy"]:
        told.append(f"  {count['remedy']}")
    return told


def _rates(batch: dict[str, Any]) -> str:
    if "input_rate" not in batch:
        return ""
    return f"; {batch['input_rate']:,.0f} a second came in, {batch['processed_rate']:,.0f} a second were counted"


def _remedy(state: DriverState, now: float) -> str | None:
    if state.phase == "stalled":
        silent = now - (state.at or 0)
        what = (
            f"It has given no heartbeat for {silent:,.0f} s."
            if silent > SILENT_AFTER
            else (f"Votes wait, and no batch was finished for {STALLED_AFTER:.0f} s.")
        )
        return f"{what} {HANGS}"
    return _TRIED_AGAIN if state.phase == "failed" and not state.refused else None


def _last_line(file: Path) -> dict[str, Any] | None:
    """The JSON object in the last complete line."""
    if not file.exists():
        return None
    with file.open("rb") as log:
        log.seek(max(0, file.stat().st_size - _TAIL))
        for line in reversed(log.read().splitlines()):
            try:
                found = json.loads(line)
            except ValueError:  # an incomplete line
                continue
            if isinstance(found, dict):
                return found
    return None
