"""Writes a result to files: JSON as ``election results`` gives it, CSV with a row a candidate."""

import csv
import json
from pathlib import Path
from typing import Any

from election.platform import Platform
from election.results.tables import results


def export(platform: Platform, slug: str) -> Path:
    """Writes ``result.json`` and ``candidates.csv`` under ``var/results/SLUG`` and returns that folder."""
    found = results(platform, slug)
    folder = platform.settings.var / "results" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    with (folder / "candidates.csv").open("w", newline="") as file:
        _write_candidates(csv.writer(file), found)
    return folder


def _write_candidates(table: Any, found: dict[str, Any]) -> None:
    table.writerow(["election", "contest", "contest_name", "candidate", "party", "votes", "official_votes"])
    for contest in found["contests"]:
        for candidate in contest["candidates"]:
            table.writerow(
                [
                    found["election"],
                    contest["contest"],
                    contest["name"],
                    candidate["name"],
                    candidate["party"],
                    candidate["votes"],
                    "" if candidate["official"] is None else candidate["official"],
                ]
            )
