"""Every DAG file parses, stays thin, and tells operators what they need: whose it is, what it does, what to fill in."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from election.clients.randomuser.client import PATIENCE
from election.orchestration.failures import say_what_next
from election.orchestration.notification import Webhook
from election.settings import PROJECT
from election.sources import WINDOW_SECONDS
from election.stack.airflow_configuration import RUNNERS

DAGS = PROJECT / "dags"
FILES = sorted(DAGS.glob("*.py"))
MOST_LINES = 10
# They wait in a trigger for as long as the platform is up, or for a person.
ENDLESS = {"TallyOperator", "ClosingOperator", "DecisionOperator"}
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|COPY)\b")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The DAGs as Airflow's own DAG processor reads them, without a metadata database."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        environment.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(DAGS)


@pytest.fixture(scope="module")
def dags(bag: Any) -> list[Any]:
    return list(bag.dags.values())


@pytest.fixture(scope="module")
def tasks(dags: list[Any]) -> list[Any]:
    return [task for dag in dags for task in dag.tasks]


def test_every_file_parses_and_has_a_dag(bag, dags):
    assert bag.import_errors == {}
    assert {Path(dag.fileloc).name for dag in dags} == {file.name for file in FILES}


def test_every_dag_documents_and_tags_itself(dags):
    assert [dag.dag_id for dag in dags if not (dag.doc_md or "").strip() or not dag.tags] == []


def test_no_dag_catches_up_and_each_says_how_many_runs_may_be_active(dags):
    assert [dag.dag_id for dag in dags if dag.catchup] == []
    airflows_own = 16
    assert [dag.dag_id for dag in dags if dag.max_active_runs >= airflows_own] == []


def test_casting_which_may_take_weeks_leaves_runners_for_the_rest(tasks):
    (cast,) = [task for task in tasks if task.task_id == "casting.cast"]
    assert cast.execution_timeout >= timedelta(weeks=4), "the operator of a feed closes its poll when they like"
    assert cast.max_active_tis_per_dag <= RUNNERS - 4


def test_every_task_has_an_owner(tasks):
    assert [task.task_id for task in tasks if task.owner in ("", "airflow")] == []


def test_every_task_is_tried_again_unless_it_says_otherwise(dags, tasks):
    # Where the DAG's default is more than none, a task without a retry must have said so itself.
    assert [dag.dag_id for dag in dags if not dag.default_args.get("retries")] == []
    assert {task.task_id for task in tasks if not task.retries} >= {
        "electorate.validate",
        "casting.validate",
        "count.validate",
        "reconciliation.reconcile",
    }, "a gate that says no says so at once"


def test_the_tasks_that_ask_an_api_outlast_their_own_patience_and_can_say_why_they_gave_up(tasks):
    waits = (PATIENCE.attempts - 1) * (WINDOW_SECONDS + PATIENCE.longest) + PATIENCE.attempts * PATIENCE.answer
    asking = [task for task in tasks if task.task_id in ("electorate.seed_candidates", "electorate.seed_voters")]
    assert [task.task_id for task in asking if task.execution_timeout < timedelta(seconds=waits)] == []
    assert len(asking) == 2


def test_every_task_ends_in_time_or_is_meant_to_run_for_ever(tasks):
    assert [t.task_id for t in tasks if t.execution_timeout is None and t.task_type not in ENDLESS] == []


def test_only_what_grows_with_the_electorate_may_take_longer_than_an_hour(tasks):
    long = {t.task_id for t in tasks if t.execution_timeout and t.execution_timeout > timedelta(hours=1)}
    assert long == {
        "electorate.seed_voters",
        "publication.publish_voters",
        "casting.cast",
        "casting.lay_down_papers",
        "casting.seal",
        "count.wait_until_counted",
        "reconciliation.reconcile",
        "count_again",
    }


def test_a_result_is_certified_after_every_gate_and_exported_after_that(bag):
    run = bag.dags["election_run"]
    decide, export = run.get_task("certification.decide"), run.get_task("result.export_results")
    gates = {"electorate.validate", "casting.validate", "count.validate", "reconciliation.reconcile"}
    assert gates <= decide.get_flat_relative_ids(upstream=True)
    assert "certification.certified" in export.get_flat_relative_ids(upstream=True)
    assert decide.retries == 0, "another try would ask again"


def test_no_task_of_a_run_takes_its_election_from_an_xcom(bag):
    """Operators may write XComs. The number of a casting worker alone comes from one."""
    tasks = bag.dags["election_run"].tasks
    assert [task.task_id for task in tasks if task.is_mapped] == ["casting.cast"]
    given = {task.task_id: (*task.op_args, *task.op_kwargs) for task in tasks if hasattr(task, "op_args")}
    assert {name: a for name, a in given.items() if a} == {
        f"{stage}.validate": (stage,) for stage in ("electorate", "casting", "count")
    }


def test_every_task_of_a_run_says_what_to_do_when_it_fails(bag):
    tasks = [task for name in ("election_run", "recount", "audit") for task in bag.dags[name].tasks]
    assert [task.task_id for task in tasks if say_what_next not in task.on_failure_callback] == []


def test_every_callback_can_be_called(dags, tasks):
    given = [call for each in (*dags, *tasks) for call in (each.on_failure_callback or [])]
    assert given and [call for call in given if not callable(call)] == []


def test_nobody_is_notified_unless_a_webhook_is_set(dags, tasks):
    told = [c for each in (*dags, *tasks) for c in (each.on_failure_callback or []) if isinstance(c, Webhook)]
    assert told == []


def test_every_field_of_a_form_has_a_title_and_a_description(dags):
    fields = {f"{dag.dag_id}.{name}": dag.params.get_param(name) for dag in dags for name in dag.params}
    assert fields, "election_run has a form"
    assert [name for name, param in fields.items() if not (param.schema.get("title") and param.description)] == []


def test_every_task_group_has_a_tooltip(dags):
    groups = {f"{d.dag_id}.{name}": group for d in dags for name, group in d.task_group.get_task_group_dict().items()}
    assert [name for name, group in groups.items() if not group.is_root and not group.tooltip] == []


def test_every_stage_of_a_run_documents_itself_and_says_what_to_do_when_it_fails(dags):
    (run,) = [dag for dag in dags if dag.dag_id == "election_run"]
    groups = {name: group for name, group in run.task_group.get_task_group_dict().items() if name}
    assert groups
    assert [name for name, group in groups.items() if "When a task fails" not in (group.doc_md or "")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_only_wires(file):
    source = file.read_text()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    long = {f.name: n for f in functions if (n := (f.end_lineno or 0) - f.lineno + 1) > MOST_LINES}
    assert long == {}, f"functions of more than {MOST_LINES} lines belong under src/election"
    assert SQL.findall(source) == [], "SQL belongs under src/election"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_dag_file_imports_another(file):
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add("dags" if node.level else (node.module or "").split(".")[0])
    assert imported & {"dags", *(file.stem for file in FILES)} == set()
