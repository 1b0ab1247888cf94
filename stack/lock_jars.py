"""Locks the jars, for `make lock`: resolves stack/ivy.xml, writes each jar that it needs to stack/jars.xml, and their
checksums to stack/jars.sha256. The set-up gets just these."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from election.settings import PROJECT
from election.toolchain import java, spark_home

CONFIGURATIONS = ("ahead", "kafka", "spark")
STACK = PROJECT / "stack"
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by `make lock` from ivy.xml: every jar of the native stack. Do not edit it. -->
<ivy-module version="2.0">
  <info organisation="election" module="stack"/>
"""


def main() -> None:
    modules, checksums = [], []
    with tempfile.TemporaryDirectory() as cache:
        resolve(Path(cache))
        for conf in CONFIGURATIONS:
            for name, module in sorted(resolved(Path(cache), conf).items()):
                modules.append(module)
                checksums.append(f"{checksum(module)}  {conf}/{name}\n")
    lines = [f'    <conf name="{conf}"/>\n' for conf in CONFIGURATIONS]
    text = f"{HEAD}  <configurations>\n{''.join(lines)}  </configurations>\n  <dependencies>\n"
    text += "".join(dependency(module) for module in modules)
    (STACK / "jars.xml").write_text(f"{text}  </dependencies>\n</ivy-module>\n")
    (STACK / "jars.sha256").write_text("".join(checksums))


def resolve(cache: Path) -> None:
    """Has Ivy resolve ivy.xml into its cache, and leave a report for each configuration there."""
    (ivy,) = (spark_home() / "jars").glob("ivy-2*.jar")
    command = (
        java(), "-jar", ivy, "-ivy", STACK / "ivy.xml", "-cache", cache, "-confs", *CONFIGURATIONS,
        "-types", "jar", "bundle", "-warn",
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"Ivy could not resolve stack/ivy.xml:\n{done.stdout[-3000:]}")


def resolved(cache: Path, conf: str) -> dict[str, dict[str, str]]:
    """The jars of a configuration: file name, and organisation, module, revision, configuration and cached file."""
    found = {}
    for module in ElementTree.parse(cache / f"election-stack-{conf}.xml").iter("module"):
        for revision in module.iter("revision"):
            for artifact in revision.iter("artifact"):
                number = revision.attrib["name"]
                found[f"{artifact.attrib['name']}-{number}.jar"] = {
                    "org": module.attrib["organisation"],
                    "name": module.attrib["name"],
                    "rev": number,
                    "conf": conf,
                    "file": artifact.attrib["location"],
                }
    return found


def checksum(module: dict[str, str]) -> str:
    return hashlib.sha256(Path(module["file"]).read_bytes()).hexdigest()


def dependency(module: dict[str, str]) -> str:
    """A line of jars.xml; not transitive, because the others are named as well."""
    org, name, rev, conf = (module[key] for key in ("org", "name", "rev", "conf"))
    return f'    <dependency org="{org}" name="{name}" rev="{rev}" conf="{conf}->default" transitive="false"/>\n'


if __name__ == "__main__":
    main()
