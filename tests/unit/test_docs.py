"""The documentation is complete: links lead somewhere, generated pages are up to date, decisions are indexed."""

import re

import pytest

from election.contracts.examples import example, page
from election.contracts.messages import Decoder, Unusable, encode
from election.contracts.topics import TOPICS
from election.settings import PROJECT

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
SCALE = (PROJECT / "docs" / "scale.md").read_text()
CALCULATION = re.compile(r"`([^`=]+) = ([\d,.]+)`")


def test_the_page_of_messages_is_up_to_date():
    written = (PROJECT / "docs" / "messages.md").read_text()
    assert written == page(), ".venv/bin/python -m election.contracts.examples > docs/messages.md"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_readers_accept_the_example_and_refuse_it_without_its_version(topic):
    Decoder(topic.form)(encode(example(topic.form)))
    with pytest.raises(Unusable, match="wrong_type"):
        Decoder(topic.form)(encode(example(topic.form)).replace(b"schema_version", b"version"))


def test_links_lead_somewhere():
    broken = [
        f"{file.relative_to(PROJECT)}: {target}"
        for file in PAGES
        for target in LINK.findall(_without_code(file.read_text()))
        if not target.startswith(("http://", "https://")) and not _there(file, target)
    ]
    assert broken == []


def test_a_newcomers_paths_name_files_that_are_there():
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    named = {name for name in re.findall(r"`([\w./-]+\.(?:py|md|sql|toml))`", text) if "NAME" not in name}
    roots = [PROJECT, PROJECT / "src" / "election", *(PROJECT / "tests").glob("*/")]
    assert len(named) > 20
    assert {name for name in named if not any((root / name).is_file() for root in roots)} == set()


def test_every_decision_is_in_the_index_with_its_status():
    index = (PROJECT / "docs" / "decisions" / "README.md").read_text()
    for file in (PROJECT / "docs" / "decisions").glob("0*.md"):
        assert f"]({file.name})" in index, f"add {file.name} to docs/decisions/README.md"
        assert re.search(r"^Date: \d{4}-\d\d-\d\d\. Status: .+\.$", file.read_text(), re.MULTILINE), file.name


def test_every_calculation_of_the_page_on_scale_is_right():
    found = CALCULATION.findall(SCALE)
    assert len(found) == SCALE.count(" = ") - 1 > 50  # the page says once what such a calculation looks like
    assert [f"{calculation} = {result}" for calculation, result in found if not _is(calculation, result)] == []


def test_a_wrong_calculation_is_found():
    assert _is("2 × 1,000 / 3", "667") and _is("(1 + 2) / 4", "0.75")
    assert not _is("2 × 1,000 / 3", "666") and not _is("2 × 1,000 / 3", "666.6")


def test_every_measured_figure_of_the_page_on_scale_is_in_its_source():
    rows = re.findall(r"^\| ([\d.,; ]+) \| .+ \| \[.+\]\((.+)\) \|$", SCALE, re.MULTILINE)
    figures = [(figure, source) for found, source in rows for figure in found.split("; ")]
    assert len(figures) > 30
    assert [(figure, source) for figure, source in figures if not _stands_in(figure, source)] == []


def _is(calculation, result):
    """Whether the result is what the calculation gives, rounded to the result's last digit."""
    plain = calculation.replace("×", "*").replace(",", "")
    assert re.fullmatch(r"[\d.+*/() -]+", plain), calculation
    digits = len(result.partition(".")[2])
    return abs(eval(plain) - float(result.replace(",", ""))) <= 0.5001 * 10**-digits


def _stands_in(figure, source):
    text = (PROJECT / "docs" / source).read_text()
    return re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)", text) is not None


def _there(file, target):
    path, _, anchor = target.partition("#")
    found = (file.parent / path).resolve() if path else file
    return found.exists() and (not anchor or anchor in _anchors(found.read_text()))


def _anchors(text):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", _without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
