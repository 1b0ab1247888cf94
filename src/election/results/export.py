"""Writes a result to files: JSON as ``election results`` gives it, CSV with a row a candidate."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from election import spreadsheets
from election.platform import Platform
from election.results.before import compared
from election.results.documents import record_documents

log = logging.getLogger(__name__)
COLUMNS = (
    "election",
    "contest",
    "contest_name",
    "candidate",
    "party",
    "votes",
    "official_votes",
    "candidate_id",
    "kind",
    "elected",
)


def export(platform: Platform, slug: str) -> Path:
    """Writes ``result.json`` and ``candidates.csv`` under ``var/results/SLUG`` and returns that folder.

    Of a certified result it records the SHA-256 of its documents first. Raises UnknownElection, and StageFailed when
    another one was recorded.

    Texts in the CSV that a spreadsheet would compute have an apostrophe in front; the JSON has them as written.
    """
    record_documents(platform, slug)
    found = compared(platform, slug, log.warning)
    folder = platform.settings.var / "results" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (folder / "candidates.csv").write_text(spreadsheets.table(COLUMNS, _candidates(found)), "utf-8")
    return folder


def _candidates(found: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for contest in found["contests"]:
        for candidate in contest["candidates"]:
            yield (
                found["election"],
                contest["contest"],
                contest["name"],
                candidate["name"],
                candidate["party"],
                candidate["votes"],
                candidate["official"],
                candidate["candidate_id"],
                candidate["kind"],
                contest["how"] if candidate["elected"] else None,
            )
