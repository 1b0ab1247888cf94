"""The data docs: an index, a report of each validation, and Great Expectations' page for each suite.

    data-docs/index.html                             every election, with its latest report at each checkpoint
    data-docs/static/                                the files that pages load
    data-docs/<slug>/index.html                      an election's reports
    data-docs/<slug>/<run>/index.html                a report; beside it a page for each suite
    data-docs/<slug>/operators/<run>/rejected.html   rejected records with their bytes, for operators only

Pages hold keys and figures, no personal data, and work without a network.
"""

import os
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from socket import gethostname
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from election.messaging.rejected import rejected
from election.platform import Platform
from election.quality.localise_assets import localised, static_files
from election.quality.outcome import Finding
from election.quality.suites import CHECKPOINTS, Look, Suite
from election.text import visible, visible_in_templates

_RAW = 200  # rejected records whose bytes are shown, the newest ones
_pages = Environment(
    loader=PackageLoader("election.quality"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, finalize=visible_in_templates,
)  # fmt: skip


def write_report(
    look: Look, at: datetime, suites: Sequence[Suite], results: dict[str, Any], findings: Sequence[Finding]
) -> str:
    """Writes the report of one validation and returns its path under the data docs' folder."""
    docs, slug = look.platform.settings.data_docs, look.poll.slug
    run = f"{at:%Y%m%dT%H%M%S%f}"[:-3] + f"Z-{look.checkpoint}"
    static_files(docs / "static")
    for name, result in results.items():
        page, script = localised(_page(result), f"{name}.js")
        _write(docs / slug / run / f"{name}.html", page)
        _write(docs / slug / run / f"{name}.js", script)
    rows = [
        {
            "suite": suite.name,
            "about": suite.about,
            "expectations": [
                (result.expectation_config.meta["name"], str(getattr(result.expectation_config.severity, "value", "")),
                 result.expectation_config.description, result.success)
                for result in results[suite.name].results
            ],
        }
        for suite in suites
    ]  # fmt: skip
    _render(
        docs / slug / run / "index.html", "report.html", look=look, at=at, findings=findings, suites=rows,
        operators=None if look.checkpoint == "electorate" else _operators_page(look, run),
    )  # fmt: skip
    return f"{slug}/{run}/index.html"


def write_indexes(platform: Platform, slug: str) -> None:
    """Writes the election's list of reports and the list of elections, from the recorded validations."""
    runs = write_index(platform)
    docs = platform.settings.data_docs
    _render(docs / slug / "index.html", "election.html", slug=slug, runs=[run for run in runs if run["slug"] == slug])


def write_index(platform: Platform) -> list[dict[str, Any]]:
    """Writes the list of elections; returns every recorded validation, newest first."""
    with platform.connect("reader") as connection:
        every = connection.execute(
            """SELECT slug, checkpoint, validated_at, ok, expectations, failed, warnings, report
               FROM validations JOIN elections USING (election_no) ORDER BY validation_no DESC"""
        ).fetchall()
    docs = platform.settings.data_docs
    names = ("slug", "checkpoint", "at", "ok", "expectations", "failed", "warnings", "report")
    runs = [dict(zip(names, row, strict=True)) for row in every]
    latest: dict[str, dict[str, dict[str, Any]]] = {}
    for run in runs:
        latest.setdefault(run["slug"], {}).setdefault(run["checkpoint"], run)
    _render(docs / "index.html", "elections.html", elections=latest, checkpoints=CHECKPOINTS)
    return runs


def _page(result: Any) -> str:
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    for one in result.results:
        one.result = _escaped(one.result)  # the library's templates do not escape values
        # The renderer of one of its expectations accepts only Python's own numbers.
        if isinstance(one.result.get("observed_value"), np.generic):
            one.result["observed_value"] = one.result["observed_value"].item()
    document = ValidationResultsPageRenderer().render(result)
    return str(DefaultJinjaPageView().render(document, show_how_to_buttons=False))


def _escaped(value: Any) -> Any:
    """The value with every text in it escaped for HTML."""
    if isinstance(value, str):
        return escape(visible(value))
    if isinstance(value, dict):
        return {_escaped(key): _escaped(part) for key, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, list | tuple) else value


def _operators_page(look: Look, run: str) -> str | None:
    """Writes the page with complete rejected records, if there are any; returns its path relative to the report."""
    latest: list[Any] = []
    number = 0
    for record in rejected(look.platform, look.poll.election_no):
        number += 1
        latest = [*latest[-_RAW + 1 :], record]
    if not latest:
        return None
    page = Path("operators", run, "rejected.html")
    _render(
        look.platform.settings.data_docs / look.poll.slug / page, "rejected.html", look=look, number=number,
        records=[_readable(record) for record in reversed(latest)],
    )  # fmt: skip
    return f"../{page}"


def _readable(record: Any) -> dict[str, Any]:
    """The record's place and reason, and its first 2,000 bytes as text."""
    shown = {name: getattr(record, name) for name in ("stage", "reason", "detail", "topic", "partition", "offset")}
    for name in ("key", "value"):
        raw = getattr(record, name)
        shown[name] = None if raw is None else repr(b64decode(raw)[:2_000])[2:-1]
    return shown


def _render(path: Path, template: str, **values: Any) -> None:
    _write(path, _pages.get_template(template).render(values))


def _write(path: Path, text: str) -> None:
    """Replaces the file at once, because pages may be read while they are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{gethostname()}.{os.getpid()}.new")  # the number repeats between containers
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
