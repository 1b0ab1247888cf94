"""Records the outcomes of validations in the table ``validations``; removes old ones and their reports."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from election.platform import Connection, Platform
from election.quality.outcome import Validation
from election.storage.elections import Election


def record(platform: Platform, election_no: int, validation: Validation, mark: Mapping[str, Any] | None = None) -> None:
    """Records the outcome, as the only role that may; ``mark`` says how far the validation came."""
    with platform.connect("auditor") as connection:
        connection.execute(
            """INSERT INTO validations (election_no, checkpoint, validated_at, ok, expectations, failed, warnings,
                                        findings, report, seconds, mark)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                election_no,
                validation.checkpoint,
                validation.validated_at,
                validation.ok,
                validation.expectations,
                validation.failed,
                validation.warnings,
                json.dumps([asdict(finding) for finding in validation.findings]),
                validation.report,
                validation.seconds,
                None if mark is None else json.dumps(mark),
            ],
        )


def last_mark(connection: Connection, election_no: int) -> dict[str, Any] | None:
    """The newest recorded mark; None if there is none, or if that validation failed."""
    row = connection.execute(
        """SELECT CASE WHEN ok THEN mark END FROM validations
           WHERE election_no = %s AND mark IS NOT NULL ORDER BY validation_no DESC LIMIT 1""",
        [election_no],
    ).fetchone()
    return None if row is None else row[0]


def rested(platform: Platform, share: float) -> set[str]:
    """Elections that are due for a validation, if validating may take at most ``share`` of the time."""
    with platform.connect("reader") as connection:
        found = connection.execute(
            """SELECT slug FROM elections LEFT JOIN validations USING (election_no)
               GROUP BY slug HAVING coalesce(
                   max(validated_at + make_interval(secs => seconds * (1 + 1 / %s::float8))), '-infinity') <= now()""",
            [share],
        )
        return {slug for (slug,) in found}


def prune(platform: Platform, poll: Election) -> None:
    """Removes all but the newest validations of each checkpoint of the election, and reports without a validation."""
    with platform.connect("auditor") as connection:
        connection.execute(
            """DELETE FROM validations WHERE validation_no IN (
                   SELECT validation_no FROM (
                       SELECT validation_no, row_number() OVER newest AS age
                       FROM validations WHERE election_no = %s
                       WINDOW newest AS (PARTITION BY checkpoint ORDER BY validation_no DESC)) AS aged
                   WHERE age > %s)""",
            [poll.election_no, platform.settings.validations_kept],
        )
        kept = {
            report.split("/")[1]
            for (report,) in connection.execute(
                "SELECT report FROM validations WHERE election_no = %s", [poll.election_no]
            )
        }
    folder = platform.settings.data_docs / poll.slug
    for parent in (folder, folder / "operators"):
        for run in parent.iterdir() if parent.exists() else ():
            if run.is_dir() and run.name != "operators" and run.name not in kept:
                shutil.rmtree(run)
