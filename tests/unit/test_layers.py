"""The layers in pyproject.toml, which import-linter checks, name every package and module of the project."""

import re
import tomllib

from election.settings import PROJECT

CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_every_package_has_its_place_in_the_layers() -> None:
    (layers,) = (contract["layers"] for contract in CONTRACTS if contract["name"].startswith("Each layer"))
    named = [name.strip() for layer in layers for name in re.split(r"[|:]", layer)]
    packages = {f"election.{file.stem}" for file in (PROJECT / "src" / "election").glob("[!_]*") if is_code(file)}
    edges = {file.parent.name for file in PROJECT.glob("*/__init__.py")} | {"dags", "plugins"}
    assert sorted(named) == sorted(packages | edges - {"tests"}), "each once, none forgotten, none that is gone"


def is_code(file) -> bool:
    return file.suffix == ".py" or any(file.glob("*.py"))
