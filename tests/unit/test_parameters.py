"""A run's parameters: declared once, and refused before anything is written when no task can live with them."""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from typer.testing import CliRunner

from election import scenarios
from election.cli import app
from election.errors import BadInput
from election.parameters import (
    MOST_RATE,
    MOST_VOTERS,
    MOST_WORKERS,
    Audit,
    Pace,
    Parameters,
    Recount,
    Registration,
    Run,
)
from election.platform import Platform
from election.preparation.registration import checked
from election.preparation.room import needed, require_room
from election.settings import PROJECT, Settings

INT64 = 2**63
UNUSABLE: list[dict[str, Any]] = [
    {"seed": 2**64},
    {"seed": -(2**64)},
    {"seed": True},
    {"seed": "7"},
    {"seed": 10**4000},
    {"rate": 1e308},
    {"rate": -1},
    {"rate": float("nan")},
    {"rate": float("inf")},
    {"voters": 10**12},
    {"voters": 0},
    {"voters": True},
    {"turnout": 0},
    {"turnout": 1.5},
    {"turnout": float("nan")},
    {"night": "9" * 18 + "h"},
    {"night": "999999h"},
    {"night": "0s"},
    {"night": "10m\n"},
    {"night": "١٠m"},
    {"slug": "a\n"},
    {"slug": "a\0"},
    {"slug": "A"},
    {"slug": "a" * 64},
    {"region": "Wales\0"},
    {"region": "Wales\n"},
    {"region": "x" * 10_000},
    {"region": "\ud800"},
    {"scenario": "\0"},
    {"scenario": ["single-race"]},
    {"contests": "W07000041"},
    {"contests": [1]},
    {"contests": ["W07000041\0"]},
    {"contests": ["W07000041"] * 100_000},
    {"nationality": "g\0b"},
    {"source": "elsewhere"},
    {"ballots": "postal"},
    {"workers": 9},
    {"workers": 2.0},
    {"workers": float("nan")},
    {"auto_certify": "yes"},
    {"auto_certify": 1},
    {"sed": 7},
    {"rate": 10, "night": "10m"},
    {"rate": 10, "ballots": "external"},
    {"night": "10m", "ballots": "external"},
]
# None of these starts or stops anything, and all end without a platform.
COMMANDS = ("run", "prepare", "seed", "publish", "cast", "close", "results", "reconcile", "validate", "rejected",
            "republish", "certify", "refuse", "recount", "tally wait", "logs")  # fmt: skip

_load = cache(scenarios.load)
texts = st.text(max_size=40) | st.sampled_from(["", "\0", "a\n", "\ud800", "\u202e", "x" * 20_000, "W07000041"])
numbers = st.integers() | st.floats() | st.sampled_from([2**63, 2**64, -(2**64), 10**40, 1e308, 5e-324])
scalars = st.none() | st.booleans() | numbers | texts
values = scalars | st.lists(scalars, max_size=4) | st.dictionaries(st.text(max_size=4), scalars, max_size=2)


@pytest.fixture
def nowhere(settings: Settings) -> Platform:
    """A platform that has a place for its files and no service."""
    return SimpleNamespace(settings=settings)  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _scenarios_are_read_once(monkeypatch):
    monkeypatch.setattr(scenarios, "load", _load)


@pytest.mark.parametrize("given", UNUSABLE, ids=lambda given: ascii(given)[:40])
def test_what_no_task_can_live_with_is_refused_with_the_parameters_name(given):
    with pytest.raises(BadInput) as refused:
        Run(**{"scenario": "single-race"} | given)
    assert any(name in str(refused.value) for name in given) or "night" in given
    assert len(str(refused.value)) < 400


def test_a_parameter_that_is_not_there_is_refused_with_the_one_that_was_meant():
    with pytest.raises(BadInput, match=r"no parameter 'sed'\. Did you mean seed"):
        _run({"sed": 7})


def test_an_empty_value_is_one_that_was_not_given():
    nothing: dict[str, Any] = {"slug": None, "contests": None, "region": "", "voters": None, "night": "", "rate": None}
    assert Run(**nothing) == Run()
    lines: Any = ["", " ", "W07000041"]
    assert Run(contests=lines).contests == ("W07000041",)


@given(st.dictionaries(st.sampled_from(list(Run.model_fields)), values))
@trying(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_given_is_usable_or_refused(nowhere, given):
    try:
        run = Run(**given)
        scenario = checked(nowhere, run.named())
    except BadInput:
        return
    assert -INT64 <= run.seed < INT64
    assert 1 <= scenario.registered <= MOST_VOTERS
    assert 0 <= run.rate <= MOST_RATE
    assert 1 <= run.workers <= MOST_WORKERS
    json.dumps(run.model_dump(mode="json"), allow_nan=False).encode()


@given(st.dictionaries(st.sampled_from(list(Run.model_fields)), values))
@trying(max_examples=200, deadline=None)
def test_airflows_form_takes_what_the_model_takes(forms, given):
    try:
        dumped = Run(**given).model_dump(mode="json")
    except BadInput:
        return
    for name, value in dumped.items():
        # An empty value means that none was given; the scenarios that there are limit the form further.
        if value not in ("", []) and name != "scenario":
            forms["election_run"][name].resolve(value)


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        from election.orchestration.form import AUDIT, ELECTION_RUN, RECOUNT

        yield {"election_run": ELECTION_RUN, "recount": RECOUNT, "audit": AUDIT}


# JSON has no such numbers, and Airflow's API refuses them before it looks at the form (test_airflow_requests.py). Three
# values the form cannot express: the run's first task refuses these.
_ELSEWHERE = ("nan", "inf", "'999999h'", "'0s'", "2.0")
BY_THE_FORM = [g for g in UNUSABLE if len(g) == 1 and "sed" not in g and repr(*g.values()) not in _ELSEWHERE]


@pytest.mark.parametrize("given", BY_THE_FORM, ids=lambda given: ascii(given)[:40])
def test_airflows_form_refuses_it_too(forms, given):
    ((name, value),) = given.items()
    with pytest.raises(
        Exception, match=r"Invalid input|does not match|not of type|not one of|maximum|minimum|too long"
    ):
        forms["election_run"][name].resolve(value)


def test_forms_have_every_parameter_with_its_bounds_and_words(forms):
    for model, form in ((Run, forms["election_run"]), (Recount, forms["recount"]), (Audit, forms["audit"])):
        assert list(form) == list(model.model_fields)
        for name, field in model.model_fields.items():
            assert form[name].schema["title"] == field.title
            assert form[name].description == field.description
    schema = forms["election_run"]["seed"].schema
    assert (schema["minimum"], schema["maximum"]) == (-INT64, INT64 - 1)
    sections = [param.schema["section"] for param in forms["election_run"].values()]
    assert list(dict.fromkeys(sections)) == ["Election", "Electorate", "Casting", "Audit", "Certification"]


@pytest.mark.parametrize(("command", "model"), [("run", Run), ("prepare", Registration), ("cast", Pace)])
def test_a_command_has_an_option_for_every_parameter(command: str, model: type[Parameters]):
    offered = {parameter.name: parameter for parameter in _command(command).params}
    assert model.model_fields.keys() <= offered.keys()
    assert [name for name, field in model.model_fields.items() if field.description not in offered[name].help] == []


def test_the_makefile_has_a_variable_for_every_parameter_with_a_value():
    makefile = (PROJECT / "Makefile").read_text()
    (declared,) = re.findall(r"^parameters := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    names = re.findall(r"([a-z_]+)=([A-Z_]+)", declared)
    assert [name for name, _ in names] == [
        name for name, field in Run.model_fields.items() if field.annotation is not bool
    ]
    assert all(name.upper() == variable for name, variable in names)


@pytest.mark.parametrize("command", COMMANDS)
@given(data=st.data())
@trying(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_command_answers_without_a_traceback(settings, command, data):
    arguments = command.split()
    for parameter in _command(command).params:
        if parameter.name in ("help", "follow"):
            continue
        if parameter.param_type_name == "argument":
            arguments.append(data.draw(texts.filter(lambda text: not text.startswith("-"))))
        elif not data.draw(st.booleans()):
            continue
        elif getattr(parameter, "is_flag", False):
            arguments.append(parameter.opts[0])
        else:
            arguments.append(f"{parameter.opts[-1]}={data.draw(numbers.map(str) | texts)}")
    answer = CliRunner().invoke(app, arguments)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), (arguments, answer.exc_info)
    assert answer.exit_code in (0, 1, 2)


def test_an_argument_that_is_no_text_is_refused(settings):
    answer = CliRunner().invoke(app, ["results", "\udcff"])
    assert answer.exit_code == 2
    assert "UTF-8" in answer.output


def test_an_election_that_the_disk_has_no_room_for_is_refused_with_what_it_needs(settings, monkeypatch):
    scenario = scenarios.load(settings.scenarios, "single-race")
    need = needed(scenario.registered, scenario.registered)  # a simulation: each voter may vote
    usage = shutil.disk_usage(settings.var)._replace(free=need)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    require_room(settings, scenario)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=need - 1))
    voters = f"{scenario.registered:,}"
    with pytest.raises(BadInput, match=rf"{voters} registered voters and {voters} votes need about .* are free where"):
        require_room(settings, scenario)


@pytest.mark.parametrize(
    ("name", "votes", "measured"),
    [
        ("uk-general-election-2019", 32_132_029, 29.2),
        ("germany-bundestag-2025", 99_857_306, 57.9),
    ],
)
def test_a_country_needs_what_was_measured(settings, name, votes, measured):
    scenario = scenarios.load(settings.scenarios, name)
    assert scenario.most_votes == votes
    assert measured < needed(scenario.registered, votes) / 2**30 < 1.1 * measured


def test_room_is_looked_for_where_the_files_will_be(settings, tmp_path):
    elsewhere = settings.model_copy(update={"var": Path(tmp_path, "not", "yet", "there")})
    require_room(elsewhere, scenarios.load(settings.scenarios, "single-race"))


def _command(name: str) -> Any:
    found: Any = typer.main.get_command(app)
    for part in name.split():
        found = found.commands[part]
    return found


def _run(given: dict[str, Any]) -> Run:
    return Run(**given)
