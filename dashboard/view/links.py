"""Links from page to page, which keep how the reader looks at them: embedded, renewed every so many seconds."""

from dataclasses import dataclass
from urllib.parse import urlencode

REFRESH = {
    "1": "every second",
    "2": "every 2 s",
    "5": "every 5 s",
    "10": "every 10 s",
    "30": "every 30 s",
    "off": "off",
}


@dataclass(frozen=True)
class Links:
    """What every link hands on. ``refresh`` is as the URL gives it; a value that ``REFRESH`` lacks is left out."""

    embedded: bool = False
    refresh: str = ""

    @property
    def carried(self) -> dict[str, str]:
        """Parameters for Streamlit's own links, which hand on `embed` themselves."""
        return {"refresh": self.refresh} if self.refresh in REFRESH else {}

    def to(self, page: str, **named: str) -> str:
        """The address of a page, with these parameters and what is handed on."""
        embed = {"embed": "true"} if self.embedded else {}
        return f"{page}?{urlencode({**named, **self.carried, **embed})}"
