"""Reading a scenario's CSV files: every value with the line it stands on, every doubt refused."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from election.errors import BadInput
from election.text import acting

# A year outside these is a slip of the pen, such as 0024.
YEARS = range(1800, 2200)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Postgres counts in bigint; no country has more people.
_MOST_PEOPLE = 10_000_000_000


def refused(file: Path, line: int | None, what: str, remedy: str) -> BadInput:
    """The error for something in a scenario's file that cannot be used."""
    place = f"{file}, line {line}" if line else f"{file}"
    return BadInput(f"{place}: {what}. {remedy}")


def text_of(file: Path) -> str:
    """The file's text. Raises BadInput when it is not there, not UTF-8 or has characters that act."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise refused(file, None, "the file is missing", "Add it; docs/scenarios.md shows its form.") from None
    except OSError as error:
        raise refused(
            file, None, f"the file cannot be read ({error.strerror})", "Check what it is and its mode."
        ) from error
    if data.startswith(_UTF_16) or data.count(b"\0") > len(data) // 4:
        raise refused(
            file, 1, "the file is UTF-16, not UTF-8", "Save it in UTF-8 (for example with `iconv -f utf-16 -t utf-8`)."
        )
    try:
        # Names and ids are compared in one Unicode form, whichever the file was written in.
        text = unicodedata.normalize("NFC", data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise refused(
            file, line, what, "Save the file in UTF-8 (for example with `iconv -f latin1 -t utf-8`)."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise refused(file, line, "there is a NUL character", "Save the file as plain text in UTF-8.")
    if found := acting(text, lines=True):
        at, character = found
        line = text.count("\n", 0, at) + 1
        raise refused(file, line, f"there is the character {character}", "Delete it; names are shown as written.")
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
        self._year(column, time.year)
        return time

    def day(self, column: str) -> date | None:
        """The value as a date; None when it is empty or the file has no such column."""
        value = self.values.get(column, "")
        if not value:
            return None
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise self.refused(f"`{column}` is {value!r}, not a date", "Write it as YYYY-MM-DD.") from None
        self._year(column, day.year)
        return day

    def _year(self, column: str, year: int) -> None:
        if year not in YEARS:
            raise self.refused(f"`{column}` is in the year {year}", "Write the year in full, as in 2024.")


def rows(file: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a CSV file with these columns, in any order; columns beyond them are ignored.

    A column of ``optional`` may be missing, and then has no value.
    """
    reader = csv.reader(io.StringIO(text_of(file), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        separator = next((sign for sign in ";\t" if len(header) == 1 and sign in header[0]), None)
        if separator:
            named = {";": "semicolons", "\t": "tabs"}[separator]
            what = f"the columns are separated by {named}, not by commas"
            raise refused(file, 1, what, "Save the file as comma-separated CSV in UTF-8.")
        missing = [name for name in columns if name not in header]
        if missing:
            what = f"missing column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise refused(file, 1, what, f"The first line must name the columns {','.join(columns)}.")
        read = {*columns, *optional}
        doubled = {name for name in read if header.count(name) > 1}
        if doubled:
            raise refused(file, 1, f"column {', '.join(sorted(doubled))} is there twice", "Keep one of them.")
        line = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                if len(values) != len(header):
                    what = f"{len(values)} values for {len(header)} columns"
                    raise refused(file, line, what, "Put values that contain a comma in double quotes.")
                row = Row(file, line, {name: value.strip() for name, value in zip(header, values, strict=True)})
                for name in read & row.values.keys():
                    if found := acting(row.values[name]):
                        raise row.refused(f"`{name}` contains {found[1]}", "Write the value in one line, without tabs.")
                yield row
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused(file, reader.line_num, f"not CSV ({error})", "Check the double quotes.") from error
