"""Every package that the code imports is declared in pyproject.toml; the two lock files share none."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from election.settings import PROJECT

FOLDERS = ("src", "dags", "plugins", "dashboard", "metrics", "results_feed", "spark_jobs", "expectations")
OWN = {
    "election",
    "dags",
    "plugins",
    "dashboard",
    "metrics",
    "results_feed",
    "spark_jobs",
    "expectations",
    "bench",
    "tests",
}
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
PRODUCT, DEVELOPMENT = DECLARED["project"]["dependencies"], DECLARED["dependency-groups"]["dev"]


@pytest.mark.parametrize(
    ("folders", "declared"), [(FOLDERS, PRODUCT), (("tests", "bench"), PRODUCT + DEVELOPMENT)], ids=["product", "tests"]
)
def test_every_imported_package_is_declared(folders: tuple[str, ...], declared: list[str]) -> None:
    distributions, known = packages_distributions(), {name(requirement) for requirement in declared}
    undeclared = {
        module
        for module in imported(folders) - OWN - sys.stdlib_module_names
        if not known & {normal(distribution) for distribution in distributions.get(module, [])}
    }
    assert undeclared == set()


def test_the_development_lock_holds_only_what_development_adds() -> None:
    product, development = (locked(file) for file in ("requirements.txt", "requirements-dev.txt"))
    assert {name(requirement) for requirement in PRODUCT} <= product
    assert {name(requirement) for requirement in DEVELOPMENT} <= product | development
    assert product & development == set()


def imported(folders: tuple[str, ...]) -> set[str]:
    """The top-level modules that the Python files below the folders import, wherever in the file."""
    return {module.split(".")[0] for folder in folders for module in _modules(folder)}


def _modules(folder: str) -> Iterator[str]:
    for file in (PROJECT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def locked(file: str) -> set[str]:
    return {name(line) for line in (PROJECT / file).read_text().splitlines() if re.match(r"\w.*==", line)}


def name(requirement: str) -> str:
    """The package of a requirement, such as psycopg of ``psycopg[binary]~=3.3``."""
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return normal(found[0])


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
