"""What the control room gives out: the plugin as Airflow loads it, reports by their address, bytes as text."""

import ast
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from election.orchestration.control_room import addresses, documents
from election.orchestration.control_room.reading import SHOWN_BYTES, readable
from election.settings import PROJECT, Settings

PLUGINS = PROJECT / "plugins"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The plugin as Airflow's own loader finds it in the folder."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory

        found, errors = _load_plugins_from_plugin_directory(str(PLUGINS))
    assert errors == {}
    (plugin,) = found
    return plugin


def test_airflow_finds_results_quality_and_the_election_of_a_run(plugin):
    settings = Settings()
    assert {(view["name"], view["destination"], view["href"]) for view in plugin.external_views} == {
        ("Results", "nav", f"{settings.dashboard_url}/?embed=true"),
        ("Data quality", "nav", "/data-docs/"),
        ("Election", "dag_run", "/control-room/runs/{DAG_ID}/{RUN_ID}"),
    }
    assert {app["url_prefix"] for app in plugin.fastapi_apps} == {"/control-room", "/data-docs"}
    assert {link.name for link in plugin.global_operator_extra_links} == {
        "Spark UI",
        "Rejected records",
        "Quality report",
    }


def test_the_plugin_is_one_file_that_only_names_things():
    (file,) = PLUGINS.rglob("*.py")
    body = ast.parse(file.read_text()).body
    (plugin,) = [part for part in body if isinstance(part, ast.ClassDef)]
    assert {type(part) for part in body} == {ast.Expr, ast.ImportFrom, ast.ClassDef}
    assert {type(part) for part in plugin.body} == {ast.Assign}


@pytest.mark.slow
def test_a_task_that_loads_the_plugin_does_not_load_a_web_server_for_it(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(PLUGINS)!r})
import airflow.plugins_manager
before = set(sys.modules)
import control_room
print(*sorted(name for name in set(sys.modules) - before if name.split(".")[0] in HEAVY or "api_fastapi" in name))
""".replace("HEAVY", "{'fastapi', 'confluent_kafka', 'jinja2', 'pandas', 'starlette'}")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"AIRFLOW_HOME": str(tmp_path), "PATH": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Data docs of one election, with a page for operators, beside a secret."""
    docs = tmp_path / "data-docs"
    for name in ("single/index.html", "single/casting.html", "single/operators/raw.html", "single/assets/a.css"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(name)
    (docs / "single" / "notes.py").write_text("print()")
    (tmp_path / "secret.html").write_text("secret")
    (docs / "out").symlink_to(tmp_path)
    (docs / "single" / "secret.html").symlink_to(tmp_path / "secret.html")
    (docs / "single" / "plain").symlink_to(docs / "single" / "operators")
    (docs / "linked").mkdir()
    (docs / "linked" / "index.html").symlink_to(tmp_path / "secret.html")
    return docs


def test_a_report_is_found_with_its_kind(root):
    found = documents.find(root, "single/casting.html")
    assert found and (found.file.read_text(), found.operators_only) == ("single/casting.html", False)
    assert found.media_type == "text/html; charset=utf-8"
    styles = documents.find(root, "single/assets/a.css")
    assert styles and styles.media_type == "text/css; charset=utf-8"


def test_a_folder_shows_its_index(root):
    for path in ("single", "single/"):
        found = documents.find(root, path)
        assert found and found.file.name == "index.html"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "single/../../secret.html",
        "/etc/passwd",
        "//etc/passwd",
        "out/secret.html",
        "single/secret.html",
        "linked/",
        "..",
        "",
        "single/notes.py",
        "single/missing.html",
        "single/casting.html/",
        "%2e%2e/secret.html",
        "..\\secret.html",
        "single/\0.html",
        "single/" + "x" * 5000 + ".html",
        "\udcff.html",
    ],
)
def test_nothing_else_is_found_however_it_is_spelled(root, path):
    found = documents.find(root, path)
    assert found is None or found.file.read_text() == path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        "single/operators/raw.html",
        "single/./operators/raw.html",
        "single/x/../operators//raw.html",
        "single/plain/raw.html",
    ],
)
def test_raw_records_are_for_operators_by_every_way_to_them(root, path):
    found = documents.find(root, path)
    assert found and found.operators_only


def test_rejected_bytes_become_visible_text():
    def text(raw: bytes) -> str:
        return readable(b64encode(raw).decode())

    assert text("Ynys Môn".encode()) == "Ynys Môn"
    assert text(b"\xff\x00{\n") == "\\xff\\x00{\\n"
    assert text("\u202egnp".encode()) == "\\u202egnp", "nothing turns the direction of what stands beside it"
    assert readable(None) == "(none)"
    long = text(b"x" * (SHOWN_BYTES + 1))
    assert long.startswith("x" * SHOWN_BYTES + " …") and f"{SHOWN_BYTES + 1:,} bytes" in long


def test_a_report_opens_inside_airflows_own_frame():
    assert addresses.in_airflow(addresses.report("single/casting 1.html")) == (
        "/plugin/data-quality/data-docs/single/casting%201.html"
    )
