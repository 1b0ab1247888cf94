"""Makes Great Expectations' pages load only local files, and moves their scripts into files.

The pages then work without a network, and under a content security policy that forbids inline scripts.
"""

import re
import shutil
from functools import cache
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path

from election.errors import StageFailed

# A part of the address from which a page loads a file, and the local file that replaces it.
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
_INSIDE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ON_CLICK = re.compile(r'onclick="(\w+)\(\)"')
_CLICKS = """document.querySelectorAll("[data-click]").forEach(
    (one) => one.addEventListener("click", () => window[one.dataset.click]()));
"""
_IMAGES = "render/view/static/images"


def localised(page: str, script: str) -> tuple[str, str]:
    """The page without addresses of other hosts, and the content of its script file, named ``script``, beside it.

    Raises StageFailed for an unknown address.
    """
    page = _CHECKED_ELSEWHERE.sub("", _FOOTER.sub("", page))
    # Its links to the home page and to the suite's page lead to the report beside it, which lists the expectations.
    page = re.sub(r'href="(\.\./)+(index|expectations/[^"]+)\.html"', 'href="index.html"', page)
    page = _LOADED.sub(lambda found: f"{found[1]}{found[2]}{_STATIC}/{_own(found[3])}{found[2]}", page)
    inside = [*_INSIDE.findall(page), _CLICKS]
    page = _INSIDE.sub("", _ON_CLICK.sub(r'data-click="\1"', page))
    loaded = "".join(f'<script src="{file}"></script>\n' for file in (f"{_STATIC}/js/vega-interpreter.js", script))
    # Vega generates code, which the policy forbids, unless it interprets its expressions.
    interpreted = "actions: false, ast: true, expr: vega.expressionInterpreter"
    return page.replace("</body>", f"{loaded}</body>"), "\n".join(inside).replace("actions: false", interpreted)


def static_files(folder: Path) -> None:
    """Copies the files that pages load to ``folder``; does nothing if they are there."""
    with as_file(files("election.quality").joinpath("static")) as own:
        known = sorted(f"{file.relative_to(own)} {file.stat().st_size}" for file in own.rglob("*") if file.is_file())
        mark, complete = "\n".join([version("great_expectations"), *known]), folder / "complete"
        if complete.exists() and complete.read_text() == mark:
            return
        shutil.copytree(own, folder, dirs_exist_ok=True)
    with as_file(files("great_expectations").joinpath(_IMAGES)) as images:
        (folder / "images").mkdir(exist_ok=True)
        for name in ("logo-long.png", "favicon.ico"):
            shutil.copy(images / name, folder / "images" / name)
    complete.write_text(mark)


@cache
def _own(address: str) -> str:
    for part, own in _SOURCES:
        if part in address:
            return own
    raise StageFailed(
        f"A page of Great Expectations loads {address}, which is not shipped with the platform. Add the file to "
        "src/election/quality/static and its address to src/election/quality/localise_assets.py."
    )
