"""Docs, comments, messages and pages are in plain English: phrases that readers stumble over are kept out."""

import re

import pytest

from election.settings import PROJECT

PHRASES = (
    r"who(m)?ever",  # the process that starts it
    r"nobody",  # it cannot be deleted
    r"somebody",
    r"no one",
    r"anew",  # recreated, starts again
    r"once more than never",
    r"(is|are|was|were|be|being|been) told",  # the worker receives ..., reads ...
    r"(tells?|told) of itself",  # reports ...
    r"wait(s|ed|ing)? to be told",
    r"look(s|ed)? like ones",
    r"says? how it was",  # records the outcome
    r"of no known form",  # malformed
    r"of none",  # without ...
    r"(is|are) none of",  # is not a ...
    r"(of|as|what is|for what is) no (voter|ballot|person|fault|text)",
    r"mend(s|ed|ing)?",  # fix, repair
    r"looks? whether",  # checks that
    r"by turns",  # alternating
    r"for taken",
    r"ha(s|ve|d) to do with",
    r"as fast as it goes",
    r"nothing of a person",
    r"has had its people",
)
"""Regular expressions, matched as whole words in any case. Behind some stands a better wording."""

READ = (
    "README.md", "CONTRIBUTING.md", "SECURITY.md", "bench", "dags", "dashboard", "docker", "docs",
    "expectations", "metrics", "plugins", "results_feed", "spark_jobs", "src/election", "stack",
)  # fmt: skip
"""Files and folders that are held to it. Add what has been rewritten; take nothing out."""

NOT_READ = ("/static/", "/migrations/versions/")
"""Not read: other projects' files, and released versions of the tables, which stay as they are."""

PATTERN = re.compile(rf"\b({'|'.join(PHRASES)})\b", re.IGNORECASE)
TEXT = (".md", ".py", ".html", ".sql", ".sh", ".toml", ".css", ".java")


def test_plain_english():
    found = [
        f"{file}:{number}: {match.group()}"
        for file in _files()
        for number, line in enumerate((PROJECT / file).read_text().splitlines(), 1)
        for match in PATTERN.finditer(line)
    ]
    assert found == [], "Say it in plain English (docs/glossary.md, Style):\n" + "\n".join(found)


@pytest.mark.parametrize("text", ["Whoever votes", "it is told so", "made anew", "a topic of none", "mended"])
def test_a_phrase_is_found_in_any_case(text):
    assert PATTERN.search(text)


@pytest.mark.parametrize("text", ["There is no voter of this number", "a renewed count", "the recommended way"])
def test_other_words_pass(text):
    assert not PATTERN.search(text)


def _files():
    for name in READ:
        path = PROJECT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            relative = file.relative_to(PROJECT).as_posix()
            if file.suffix in TEXT and not any(part in relative for part in NOT_READ):
                yield relative
