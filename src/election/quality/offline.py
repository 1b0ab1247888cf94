"""What Great Expectations' pages load from elsewhere, from files of our own instead."""

import re
import shutil
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from election.errors import StageFailed

# Where a page loads a file from (by what its address contains), and which of ours it is.
_SOURCES = (
    ("/npm/vega@5", "js/vega.js"),
    ("/npm/vega-lite@5", "js/vega-lite.js"),
    ("/npm/vega-embed@6", "js/vega-embed.js"),
    ("/font-awesome/", "css/font-awesome.css"),
    ("/jquery-", "js/jquery.js"),
    ("/popper.js/", "js/popper.js"),
    ("bootstrap.min.js", "js/bootstrap.js"),
    ("bootstrap.min.css", "css/bootstrap.css"),
    ("bootstrap-table.min.js", "js/bootstrap-table.js"),
    ("bootstrap-table.min.css", "css/bootstrap-table.css"),
    ("bootstrap-table-filter-control.min.js", "js/bootstrap-table-filter-control.js"),
    ("bootstrap-table-filter-control.css", "css/bootstrap-table-filter-control.css"),
    ("bootstrap-datepicker.min.js", "js/bootstrap-datepicker.js"),
    ("bootstrap-datepicker.min.css", "css/bootstrap-datepicker.css"),
    ("bootstrap-prefers-dark.css", "css/bootstrap-prefers-dark.css"),
    ("/logo-long.png", "images/logo-long.png"),
    ("/full_logo_dark.png", "images/logo-long.png"),
    ("favicon.ico", "images/favicon.ico"),
)
_STATIC = "../../static"  # from data-docs/<slug>/<run>/
_LOADED = re.compile(r"""((?:src|href)\s*=\s*|url\()(["'])((?:https?:)?//[^"']+|[./]*static/images/[^"']+)\2""")
_CHECKED_ELSEWHERE = re.compile(r"""\s(?:integrity|crossorigin)=(["'])[^"']*\1""")
_FOOTER = re.compile(r"<footer>.*?</footer>", re.DOTALL)
_IMAGES = "render/view/static/images"


def localised(page: str) -> str:
    """The page with every address of another host replaced. Raises StageFailed for one it does not know."""
    page = _CHECKED_ELSEWHERE.sub("", _FOOTER.sub("", page))
    # Its ways home and to a page of the suite alone lead to the report beside it, which lists the expectations.
    page = re.sub(r'href="(\.\./)+(index|expectations/[^"]+)\.html"', 'href="index.html"', page)
    return _LOADED.sub(lambda found: f"{found[1]}{found[2]}{_STATIC}/{_own(found[3])}{found[2]}", page)


def static_files(folder: Path) -> None:
    """Puts the files that pages load where they look for them; does nothing when they are there."""
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("election.quality").joinpath("static")) as own:
        shutil.copytree(own, folder, dirs_exist_ok=True)
    with as_file(files("great_expectations").joinpath(_IMAGES)) as images:
        (folder / "images").mkdir(exist_ok=True)
        for name in ("logo-long.png", "favicon.ico"):
            shutil.copy(images / name, folder / "images" / name)
    (folder / "complete").touch()


@cache
def _own(address: str) -> str:
    for part, own in _SOURCES:
        if part in address:
            return own
    raise StageFailed(
        f"A page of Great Expectations loads {address}, which is not shipped with the platform. Add the file to "
        "src/election/quality/static and its address to src/election/quality/offline.py."
    )
