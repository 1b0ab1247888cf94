"""The lock of the jars (stack/jars.xml, stack/jars.sha256) fits what is asked for (stack/ivy.xml)."""

from pathlib import PurePath
from xml.etree import ElementTree

from election.settings import PROJECT

STACK = PROJECT / "stack"


def named(file: str) -> set[tuple[str, str, str, str]]:
    """Configuration, organisation, module and revision of each dependency."""
    found = ElementTree.parse(STACK / file).getroot().iter("dependency")
    return {(d.attrib["conf"].split("->")[0], d.attrib["org"], d.attrib["name"], d.attrib["rev"]) for d in found}


def test_every_jar_that_is_asked_for_is_locked() -> None:
    asked = named("ivy.xml")
    assert asked and asked <= named("jars.xml"), "run `make lock`"


def test_every_locked_jar_has_its_checksum_and_comes_alone() -> None:
    locked = {PurePath(conf, f"{name}-{revision}.jar") for conf, _, name, revision in named("jars.xml")}
    lines = (STACK / "jars.sha256").read_text().splitlines()
    assert locked == {PurePath(line.split("  ")[1]) for line in lines}, "run `make lock`"
    for dependency in ElementTree.parse(STACK / "jars.xml").getroot().iter("dependency"):
        assert dependency.attrib["transitive"] == "false", "what is not in the lock must not come"
