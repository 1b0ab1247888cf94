"""The one writer of CSV. Its files are opened in spreadsheets, which compute what looks like a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from election.text import visible

# OWASP, "CSV Injection": what begins a formula in a cell, also in the full-width forms.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_CELL_OF_COMMENT = re.compile(r"([,;]\s*)([=+\-@\uff1d\uff0b\uff0d\uff20])")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a line of the columns' names. Text that a spreadsheet would compute has an apostrophe in front.

    Numbers stay numbers, None is empty. The JSON beside it has each text as it was written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return out.getvalue()


def comment(key: str, value: Any) -> str:
    """A line ``# key: value`` above a table, in one line and with no cell that a spreadsheet would compute."""
    text = visible(" ".join(str(value).split()), lines=False)
    return f"# {key}: {_CELL_OF_COMMENT.sub(_apostrophe, text)}\n"


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _apostrophe(found: re.Match[str]) -> str:
    return f"{found[1]}'{found[2]}"
