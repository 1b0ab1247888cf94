"""Names that look like UTF-8 read in another encoding: ``CafÃ©`` instead of ``Café``."""

import re
from collections.abc import Iterable, Iterator

from election.scenarios.tables import Row

_SHOWN = 10
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def warnings(rows: Iterable[Row], columns: Iterable[str]) -> Iterator[str]:
    """One sentence for each value that looks garbled, the first ten; then how many more there are."""
    columns, more = tuple(columns), 0
    for shown, (row, column, meant) in enumerate(_found(rows, columns)):
        if shown < _SHOWN:
            yield (
                f"{row.file}, line {row.line}: `{column}` is {row.values[column]!r}, which looks like {meant!r} saved "
                "in another encoding. Save the file in UTF-8 if so."
            )
        else:
            more += 1
    if more:
        yield f"{more} more values look garbled."


def meant(text: str) -> str:
    """The text with every part decoded again that is UTF-8 once its characters are bytes of Windows-1252."""
    return _FOREIGN.sub(_decoded, text)


def _found(rows: Iterable[Row], columns: tuple[str, ...]) -> Iterator[tuple[Row, str, str]]:
    for row in rows:
        for column in columns:
            value = row.values.get(column, "")
            if not value.isascii() and (better := meant(value)) != value:
                yield row, column, better


def _decoded(part: re.Match[str]) -> str:
    try:
        return part[0].encode("cp1252").decode()
    except ValueError:  # not such bytes: it is what it says
        return part[0]
