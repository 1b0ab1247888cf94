"""Reading a scenario's CSV files: every value with the line it stands on, every doubt refused."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from election.errors import BadInput

# Postgres counts in bigint; nobody registers more people than there are.
_MOST_PEOPLE = 10_000_000_000


def refused(file: Path, line: int | None, what: str, remedy: str) -> BadInput:
    """The error for something in a scenario's file that cannot be used."""
    place = f"{file}, line {line}" if line else f"{file}"
    return BadInput(f"{place}: {what}. {remedy}")


def text_of(file: Path) -> str:
    """The file's text. Raises BadInput when it is not there, not UTF-8 or has control characters."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise refused(file, None, "the file is missing", "Add it; docs/scenarios.md shows its form.") from None
    except OSError as error:
        raise refused(
            file, None, f"the file cannot be read ({error.strerror})", "Check what it is and its mode."
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise refused(
            file, line, what, "Save the file in UTF-8 (for example with `iconv -f latin1 -t utf-8`)."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise refused(file, line, "there is a NUL character", "Save the file as plain text in UTF-8.")
    return text


@dataclass(frozen=True)
class Row:
    """One row of a file: its values by column, stripped of blanks around them."""

    file: Path
    line: int
    values: dict[str, str]

    def refused(self, what: str, remedy: str) -> BadInput:
        return refused(self.file, self.line, what, remedy)

    def text(self, column: str) -> str:
        """The value, which may not be empty."""
        value = self.values[column]
        if not value:
            raise self.refused(f"`{column}` is empty", "Fill it in.")
        return value

    def count(self, column: str) -> int | None:
        """The value as a number of persons or ballots; None when it is empty."""
        value = self.values[column]
        if not value:
            return None
        try:
            number = int(value) if value.lstrip("+-").isascii() and "_" not in value else None
        except ValueError:
            number = None
        if number is None:
            raise self.refused(f"`{column}` is {value!r}, not a whole number", "Write digits only, as in 51925.")
        if number < 0:
            raise self.refused(f"`{column}` is {number}, which is negative", "Give a count of 0 or more.")
        if number > _MOST_PEOPLE:
            raise self.refused(f"`{column}` is {number}, more than there are people", "Check the figure.")
        return number

    def time(self, column: str) -> datetime | None:
        """The value as a local time; None when it is empty."""
        value = self.values[column]
        if not value:
            return None
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is None or time.tzinfo is not None or "T" not in value:
            what = f"`{column}` is {value!r}, not a local time"
            raise self.refused(what, "Write it as YYYY-MM-DDTHH:MM, or leave it empty.")
        return time


def rows(file: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV file with these columns, in any order; columns beyond them are ignored."""
    reader = csv.reader(io.StringIO(text_of(file), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            what = f"missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise refused(file, 1, what, f"The first line must name the columns {','.join(columns)}.")
        doubled = {name for name in columns if header.count(name) > 1}
        if doubled:
            raise refused(file, 1, f"column {', '.join(sorted(doubled))} is there twice", "Keep one of them.")
        line = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                if len(values) != len(header):
                    what = f"{len(values)} values for {len(header)} columns"
                    raise refused(file, line, what, "Put values that contain a comma in double quotes.")
                yield Row(file, line, {name: value.strip() for name, value in zip(header, values, strict=True)})
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused(file, reader.line_num, f"not CSV ({error})", "Check the double quotes.") from error
