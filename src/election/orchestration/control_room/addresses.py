"""Where the control room's pages are, on Airflow's own address."""

from urllib.parse import quote

from election.settings import Settings

PAGES = "/control-room"
DATA_DOCS = "/data-docs"

QUALITY_VIEW = "data-quality"
RESULTS_VIEW = "results"
ELECTION_VIEW = "election"


def rejected(slug: str) -> str:
    """The page of an election's rejected records."""
    return f"{PAGES}/rejected/{quote(slug, safe='')}"


def report(path: str) -> str:
    """A page of the data docs; ``path`` is relative to their root."""
    return f"{DATA_DOCS}/{quote(path)}"


def in_airflow(page: str) -> str:
    """The same page inside Airflow's own frame, with its navigation around it."""
    return f"/plugin/{QUALITY_VIEW}{page}"


def dashboard(settings: Settings, slug: str = "") -> str:
    """The results, for use inside another page."""
    election = f"election={quote(slug, safe='')}&" if slug else ""
    return f"{settings.dashboard_page}/?{election}embed=true"
