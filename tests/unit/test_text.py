"""Text from data is shown as it is written, on a terminal, in HTML, in Markdown, in JSON and in spreadsheets."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from election import cli, spreadsheets
from election.cli import application, result_table
from election.cli.application import PlainConsole, app
from election.text import acting, folded, in_json, markdown, plain, visible
from tests.unit.test_scenarios import CASES, FOLDER

WRITTEN = [
    "Council [/recount] of 5 May",
    "[bold]Bold[/bold] [link=http://host]here[/]",
    ":smile: [not a style]",
    "**bold** _it_ `code` <b>b</b> # 1. - + ~~x~~ $x^2$ &lt; | a | [x](javascript:alert(1)) ![i](http://host/x.png)",
    "# Heading",
    "- item",
    "Ynys Môn",
]
ACTING = ["\x1b[2J\x1b]0;owned\x07", "\x9b2J", "abc\u202edcba", "x\u2066y", "a\rb", "two\x85lines\u2028more"]


class Text(HTMLParser):
    """The text that a browser shows, and the elements around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def printed(*given, **settings):
    out = io.StringIO()
    PlainConsole(file=out, width=200, **settings).print(*given)
    return out.getvalue()


@pytest.mark.parametrize("text", WRITTEN)
def test_a_terminal_shows_text_as_it_is_written(text):
    assert printed(text).rstrip() == text


@pytest.mark.parametrize("text", ACTING)
def test_a_terminal_obeys_no_text(text):
    assert acting(printed(text, force_terminal=True, color_system=None), lines=True) is None
    assert acting(printed(application.styled(text)), lines=True) is None


@pytest.mark.parametrize("text", [*WRITTEN, *ACTING])
def test_markdown_shows_text_as_it_is_written(text):
    shown = Text(
        MarkdownIt("commonmark")
        .enable("table")
        .render(f"**{markdown(text)}** after\n\n| | x |\n|---|---|\n| {markdown(text)} | 1 |\n")
    )
    once = visible(" ".join(text.split()), lines=False)
    assert shown.text.count(once) == 2
    assert shown.tags == {"p", "strong", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", [*WRITTEN, *ACTING])
def test_json_means_the_same_and_no_terminal_obeys_it(text):
    document = in_json(json.dumps({text: text}, ensure_ascii=False, indent=2))
    assert json.loads(document) == {text: text}
    assert acting(document, lines=True) is None


@pytest.mark.parametrize("text", ["=1+1", "@SUM(1)", "+Reds", "-2", "\tx", "\uff1d1+1", '=HYPERLINK("http://host")'])
def test_a_spreadsheet_computes_no_text(text):
    ((_, cell),) = csv.reader(io.StringIO(spreadsheets.table(["number", "text"], [(-2, text)]).split("\n", 1)[1]))
    assert cell == f"'{text}"
    assert spreadsheets.table(["number"], [(-2,), (None,)]) == 'number\n-2\n""\n'
    line = spreadsheets.comment("name", f"Sutton, {text.strip()}\nx")
    assert not any(re.match(r"\s*[=+\-@\uff1d]", cell) for cell in next(csv.reader([line])))
    assert line.startswith("# name: Sutton") and line.count("\n") == 1


def test_names_are_found_with_any_apostrophe_dash_and_form():
    assert folded("King\u2019s Norton") == folded("KING'S  norton ") == folded("king\u02bcs Norton")
    assert folded("Stoke\u2013on\u2011Trent") == "stoke-on-trent"
    assert folded("Mo\u0302n") == folded("Môn") != folded("Mon")
    assert plain("O\u2019Neil M\u00f4n") == "o'neil mon"


def test_the_result_of_an_election_with_brackets_in_its_name_is_shown(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(result_table, "console", PlainConsole(file=out, width=100))
    ann = {"name": "[red]Ann[/]", "parties": [":smile:"], "votes": 1, "official": 1}
    contest = {"name": "[/] ward", "contest": "A1", "valid": 1, "invalid": 0, "official_valid": 1,
               "official_invalid": 0, "standings": [ann], "elected": ["[red]Ann[/]"], "how": "votes"}  # fmt: skip
    found = {"name": "Council [/recount]", "election": "e", "status": "counted", "registered": 1, "valid": 1,
             "invalid": 0, "abstained": 0, "entitled": 1, "decision": None, "documents": {}, "seats": {":smile:": 1},
             "contests": [contest]}  # fmt: skip
    result_table.show_results(found)
    for text in ("Council [/recount] · e", "[/] ward (A1)", "[red]Ann[/]", ":smile:"):
        assert text in out.getvalue()


def scenarios_shown(monkeypatch, tmp_path, *names):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for home in [*(CASES / name for name in names), *FOLDER.iterdir()]:
        (folder / home.name).symlink_to(home)
    out = io.StringIO()
    monkeypatch.setenv("ELECTION_ROOT", str(tmp_path))
    monkeypatch.setattr(cli.elections, "console", PlainConsole(file=out, width=80))
    ended = CliRunner().invoke(app, ["scenarios"])
    assert ended.exit_code == 0, ended.output
    return out.getvalue()


def test_scenarios_with_brackets_are_listed_in_eighty_columns(monkeypatch, tmp_path):
    shown = scenarios_shown(monkeypatch, tmp_path, "bracket-title", "mononym")
    assert "Council [/recount] of 5 May" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    for whole in ("bracket-title", "A single name", "2019-12-12", "47,562,702", "simulated"):
        assert whole in shown


def test_no_command_prints_markup():
    """Styles are explicit: in a string they would be shown as written, and text from data would act."""
    for file in Path(cli.__file__).parent.glob("*.py"):
        assert not re.search(r"\[/\]|\[/?(bold|red|green|yellow|dim)\b", file.read_text("utf-8")), file
