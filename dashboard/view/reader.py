"""Numbers, shares and times in the reader's own format, as their browser asks for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import get_decimal_symbol, get_group_symbol


@dataclass(frozen=True)
class Reader:
    """``language`` is a BCP 47 tag such as ``en-GB``, ``zone`` an IANA time zone; what is unknown falls back."""

    language: str = "en-GB"
    zone: str = "UTC"

    @cached_property
    def locale(self) -> Locale:
        try:
            # The texts are English, so month names are too; only the figures follow the reader.
            return Locale.parse(self.language, sep="-")
        except (UnknownLocaleError, ValueError, TypeError):
            return Locale("en", "GB")

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @cached_property
    def d3(self) -> dict[str, object]:
        """The same for charts (https://d3js.org/d3-format#formatLocale)."""
        decimal, thousands = get_decimal_symbol(self.locale), get_group_symbol(self.locale)
        first, other = self.locale.decimal_formats[None].grouping
        percent = self.locale.percent_formats[None].suffix[0] or "%"  # d3 knows no percent sign in front
        return {
            "decimal": decimal,
            "thousands": thousands,
            "grouping": [first] + [other] * 9,
            "percent": percent,
            "currency": ["", ""],
        }

    def number(self, value: int | None) -> str:
        return "–" if value is None else _figure(value, 0, 0, self.locale)

    def signed(self, value: int | None) -> str:
        """With its sign; a real minus."""
        return "–" if value is None else f"{_sign(value)}{_figure(abs(value), 0, 0, self.locale)}"

    def share(self, value: float | None, digits: int = 1) -> str:
        """``value`` of 1 as a percentage."""
        return "–" if value is None else _figure(value, digits, digits, self.locale, percent=True)

    def points(self, value: float | None, *, signed: bool = True) -> str:
        """A difference of shares in percentage points."""
        if value is None:
            return "–"
        sign = ("+" if value == 0 else _sign(round(value * 100, 1))) if signed else ""
        return f"{sign}{_figure(abs(value) * 100, 1, 1, self.locale)}"

    def decimal(self, value: float) -> str:
        return _figure(value, 0, 1, self.locale)

    def time(self, moment: datetime | None) -> str:
        """Time of day in the reader's zone."""
        return "–" if moment is None else format_time(moment, "HH:mm:ss", tzinfo=self._zone, locale="en_GB")

    def moment(self, moment: datetime | None) -> str:
        """Day and time in the reader's zone."""
        if moment is None:
            return "–"
        return format_datetime(moment, "d MMM y, HH:mm:ss", tzinfo=self._zone, locale="en_GB")

    def local(self, moment: datetime | None, polling_day: date | None) -> str:
        """A time without a zone, as it was written down where it happened; with its year unless it is the poll's."""
        if moment is None:
            return "–"
        same_year = polling_day is not None and moment.year == polling_day.year
        pattern = "d MMM, HH:mm" if same_year else "d MMM y, HH:mm"
        return format_datetime(moment.replace(tzinfo=UTC), pattern, locale="en_GB")

    def day(self, day: date | None) -> str:
        return "" if day is None else format_date(day, "d MMMM y", locale="en_GB")


@lru_cache(maxsize=4096)  # a few ticks; more would only grow all night
def _figure(value: float, least: int, most: int, locale: Locale, *, percent: bool = False) -> str:
    """In the locale's own pattern (grouping, percent sign), with ``least`` to ``most`` decimals."""
    pattern = (locale.percent_formats if percent else locale.decimal_formats)[None]
    text: str = pattern.apply(value, locale, force_frac=(least, most))
    return text


def _sign(value: float) -> str:
    """A real minus, as wide as a plus."""
    return "+" if value > 0 else "−" if value < 0 else "±"
