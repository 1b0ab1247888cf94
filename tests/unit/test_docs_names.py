"""What the documentation names is there: commands and their options, targets of make, settings, files."""

import re

import pytest
import typer

from election.cli import app
from election.settings import PROJECT, Settings

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
COMMANDS = typer.main.get_command(app)
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
ROOTS = (PROJECT, PROJECT / "src" / "election", PROJECT / "docs", *(PROJECT / "tests").glob("*/"))
FOLDERS = re.compile("(src|dags|dashboard|docker|expectations|metrics|results_feed|spark_jobs|stack|tests)/")
NOT_OF_THE_STACK = (
    "ELECTION_COMPOSE_SECRETS",
    "ELECTION_KAFKA_2_PORT",
    "ELECTION_KAFKA_3_PORT",
    "ELECTION_PROMETHEUS_PORT",
)
"""Settings that docker-compose files alone read."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_what_is_there(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("it names what was")
    assert missing(page.read_text()) == []


@pytest.mark.parametrize(
    "text",
    ["`election reckon SLUG`", "`election tally begin`", "`election heads SLUG --loud`", "`make tea`",
     "`ELECTION_TEAPOT`", "`src/election/teapot.py`"],
)  # fmt: skip
def test_what_is_not_there_is_found(text):
    assert missing(text) == [text.strip("`")]


def missing(text):
    code = [*re.findall(r"`([^`\n]+)`", text), *(line for block in _blocks(text) for line in block.splitlines())]
    return [piece for piece in code if not _known(piece.partition("…")[0].strip())]


def _known(piece):
    if command := re.match(r"(?:\.venv/bin/)?election ([a-z].*)", piece):
        return _command(command[1].split())
    if target := re.match(r"make ([a-z-]+)", piece):
        return any(name.startswith(target[1]) if target[1].endswith("-") else name == target[1] for name in TARGETS)
    if setting := re.match(r"(ELECTION_[A-Z_0-9]+)", piece):
        return setting[1].removeprefix("ELECTION_").lower() in Settings.model_fields or setting[1] in NOT_OF_THE_STACK
    if FOLDERS.match(piece) and re.fullmatch(r"[\w./-]+\w", piece) and "NAME" not in piece:
        return any((root / piece).exists() for root in ROOTS)
    return True


def _command(words):
    """Whether a command and the options behind it are known; what an option takes is not read."""
    command = COMMANDS
    while words and hasattr(command, "commands"):
        name = words.pop(0).strip(",")
        if name not in command.commands:
            return False
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return {word.strip("[],") for word in words if word.startswith("--")} <= known | {"--help"}


def _blocks(text):
    return re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
