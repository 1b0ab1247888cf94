"""Schemas derived from the messages: the published JSON Schema, and the one with which Spark parses."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from election.contracts.messages import SCHEMA_VERSION
from election.contracts.topics import BALLOTS, TOPICS


def json_schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every topic's message, by topic."""
    schemas = {topic.name: msgspec.json.schema(topic.form) for topic in TOPICS}
    for schema in schemas.values():
        for form in schema["$defs"].values():
            if "schema_version" in form.get("properties", {}):
                form["properties"]["schema_version"] = {"const": SCHEMA_VERSION}  # another one is refused
    ballot = schemas[BALLOTS]["$defs"]
    ballot["ExternalBallot"]["oneOf"] = [_only("contest", "candidate", never="votes"), _only("votes", never="contest")]
    ballot["ExternalVote"]["oneOf"] = [_only("candidate", never="ranking"), _only("ranking", never="candidate")]
    for topic in TOPICS:
        schemas[topic.name]["$defs"][topic.form.__name__]["description"] = topic.description
    return schemas


def _only(*members: str, never: str) -> dict[str, Any]:
    return {"required": list(members), "not": {"required": [never]}}


def spark_ddl(form: type[msgspec.Struct]) -> str:
    """The message as Spark SQL DDL, as in ``a BIGINT, b STRING``. All columns are nullable: missing fields are null."""
    hints = get_type_hints(form, include_extras=False)
    return ", ".join(f"`{name}` {_spark_type(hints[name])}" for name in form.__struct_fields__)


def required(form: type[msgspec.Struct]) -> list[str]:
    """Fields that may not be null or absent."""
    hints = get_type_hints(form)
    return [name for name in form.__struct_fields__ if type(None) not in get_args(hints[name])]


def _spark_type(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _spark_type(args[0])
    if origin in (Union, types.UnionType):
        return _spark_type(next(arg for arg in args if arg is not type(None)))
    if origin is Literal or hint is str:
        return "STRING"
    if origin is tuple:
        return f"ARRAY<{_spark_type(args[0])}>"
    return {int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}[hint]
