"""The forms that Airflow shows where a run is started: the parameters of each DAG, from their models."""

from typing import Any

from airflow.sdk import Param

from election import scenarios
from election.parameters import Audit, Parameters, Recount, Run
from election.settings import Settings

MOST_REASON = 2_000
"""Characters of the reason of a decision."""


def form(model: type[Parameters], **offered: list[str]) -> dict[str, Param]:
    """A DAG's ``params`` from the model's JSON schema. ``offered`` are the values that a parameter is limited to.

    Airflow holds a run's configuration against these schemas before it starts the run; the first of a field's
    examples is what the form is filled in with.
    """
    schemas = model.model_json_schema()["properties"]
    return {name: _param(schema, offered.get(name)) for name, schema in schemas.items()}


def _param(schema: dict[str, Any], offered: list[str] | None) -> Param:
    (schema, *_) = (one | schema for one in schema.pop("anyOf", [{}]))  # the other one is null
    if offered:
        schema["enum"] = offered
    examples = schema.pop("examples", [])
    if "default" not in schema:
        return Param(**schema)
    default = schema.pop("default")
    if default in (None, "", []):
        default, schema["type"] = None, ["null", schema["type"]]
    return Param(examples[0] if examples else default, **schema)


ELECTION_RUN = form(Run, scenario=scenarios.names(Settings().scenarios))

RECOUNT = form(Recount)

AUDIT = form(Audit)


def decision_form(verdict_no: int | None) -> dict[str, Param]:
    """The form of an answer to the question that shows this verdict; without one nothing but a refusal is possible."""
    return {
        "reason": Param(
            "",
            type="string",
            maxLength=MOST_REASON,
            pattern=r"^[^\x00\ud800-\udfff]*$",
            title="Reason",
            description="What the decision rests on, in a sentence. It is kept with the decision and may not be empty.",
        ),
        "verdict": Param(
            verdict_no,
            type=["null", "integer"],
            title="Verdict",
            description="The number of the verdict above, which the decision is about. Leave it as it is.",
        ),
    }
