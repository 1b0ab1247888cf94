"""The suites of expectations: each says what it protects; the documentation lists them; pages load nothing foreign."""

import re

import pandas as pd
import pytest

from election.errors import BadInput, StageFailed
from election.quality import Finding, Validation, require_ok
from election.quality.catalogue import catalogue, table
from election.quality.gx import gx
from election.quality.localise_assets import localised, static_files
from election.quality.reports import _page
from election.quality.suites import modules
from election.settings import PROJECT, Settings

FOREIGN = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//|url\(["']?(?:https?:)?//|@import""")


@pytest.fixture(scope="module")
def listed():
    return catalogue(Settings())


def test_every_expectation_has_a_name_of_its_own_a_sentence_and_a_severity(listed):
    assert len(listed) > 40
    for one in listed:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", one.name)
        assert re.fullmatch(r"[A-Z].*\.", one.sentence), one.name
        assert one.severity in ("critical", "warning")


def test_every_expectation_says_what_to_do_when_it_is_not_met():
    for file in (PROJECT / "expectations").glob("*.py"):
        text = file.read_text()
        assert text.count("**protects(") == text.count("NoRows(") + text.count("gxe.Expect"), file


def test_the_documentation_lists_the_expectations_there_are():
    assert table(Settings()) in (PROJECT / "docs" / "expectations.md").read_text(), (
        "python -m election.quality.catalogue"
    )


def test_a_folder_without_suites_is_refused(tmp_path):
    with pytest.raises(BadInput, match="ELECTION_ROOT"):
        modules(tmp_path)


PAGE = """<link rel="stylesheet" href="https://maxcdn.example/bootstrap/4.3.1/css/bootstrap.min.css"/>
<script src="https://code.example/jquery-3.7.1.min.js" integrity="sha384-x" crossorigin="anonymous"></script>
<a href="../../../../index.html"><img src="https://assets.example/logo-long.png?d=20261121T070326Z"></a>
<script>function show() { draw({actions: false}) }</script><label onclick="show()">Show</label>
<footer><a href="https://news.example/?utm_source=x">News</a></footer></body>"""


def test_a_page_loads_the_files_that_are_shipped_and_no_others():
    page, _ = localised(PAGE, "voters.js")
    assert not FOREIGN.search(page)
    assert 'href="../../static/css/bootstrap.css"' in page
    assert '<script src="../../static/js/jquery.js"></script>' in page
    assert "integrity" not in page and "utm_source" not in page and "?d=" not in page
    assert '<a href="index.html">' in page


def test_no_script_is_inside_a_page_and_none_is_lost():
    page, script = localised(PAGE, "voters.js")
    assert "<script>" not in page and "onclick" not in page
    assert '<label data-click="show">' in page and '<script src="voters.js"></script>\n</body>' in page
    assert "function show()" in script and "data-click" in script and "expressionInterpreter" in script


def test_a_file_that_is_not_shipped_fails_the_page_instead_of_being_fetched():
    with pytest.raises(StageFailed, match=r"//elsewhere\.example/new\.js"):
        localised('<script src="//elsewhere.example/new.js"></script>', "voters.js")


def test_the_shipped_files_need_no_others(tmp_path):
    static_files(tmp_path)
    for file in (tmp_path / "css").iterdir():
        for needed in re.findall(r"url\(\.\./([^)]+\.woff2)\)", file.read_text()):
            brand = "brands" in needed or "v4compat" in needed  # no page has their signs
            assert brand or (tmp_path / needed).exists(), needed
    notice = (tmp_path / "NOTICE.md").read_text()
    for file in (tmp_path / "js").iterdir():
        assert file.stem in notice or "-".join(file.stem.split("-")[:2]) in notice


def test_warnings_are_reported_and_stop_nothing_and_a_critical_one_stops_with_everything_a_person_needs():
    def found(severity):
        return Finding("votes.voter", severity, "Every vote has a voter.", 3, ("voter 7", "voter 9"), "3", "Restore.")

    def validation(*findings):
        return Validation("e", "casting", "2026-01-01", 20, findings, "e/1/index.html", 1.0)

    require_ok([validation(found("warning"))], "http://airflow/data-docs")
    with pytest.raises(StageFailed) as failed:
        require_ok([validation(), validation(found("critical"), found("warning"))], "http://airflow/data-docs")
    message = str(failed.value)
    assert "e at checkpoint casting: 20 expectations, 1 failed and 1 warning(s)." in message
    assert (
        "critical votes.voter: 3 row(s), such as voter 7; voter 9. Expected: Every vote has a voter. Restore."
        in message
    )
    assert "Report: http://airflow/data-docs/e/1/index.html" in message


def test_a_report_shows_values_from_the_data_as_they_are_written():
    values = ["<img src=http://host/x.png>", "a & b", "\u202ereversed"]
    table = gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("t")
    batch = table.add_batch_definition_whole_dataframe("b").get_batch({"dataframe": pd.DataFrame({"key": values})})
    expected = gx.ExpectationSuite("s", [gx.expectations.ExpectColumnValuesToBeInSet(column="key", value_set=[])])
    page = _page(batch.validate(expected))
    assert "<img src=http" not in page and "\u202e" not in page
    assert "&lt;img src=http://host/x.png&gt;" in page and "a &amp; b" in page
