"""An example of every topic's message, for the documentation: `python -m election.contracts.examples` prints the page.

A field's value comes from `_BY_NAME` if its name is there, otherwise from its type.
"""

import re
import textwrap
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from election.contracts.messages import SCHEMA_VERSION, Decoder, encode
from election.contracts.topics import TOPICS, Topic

_BY_NAME: dict[str, Any] = {
    "schema_version": SCHEMA_VERSION,
    "ballot_id": "9f86d081884c7d659a2feaa0c55ad015",
    "election": 7,
    "election_slug": "ynys-mon",
    "voter": 123,
    "due": 61_250,
    "district": 1,
    "contest": 1,
    "contest_id": "W07000041",
    "contest_name": "Ynys Môn",
    "candidate": 3,
    "candidate_name": "Aled ap Dafydd",
    "candidate_id": "aled-ap-dafydd",
    "party": "PC",
    "party_name": "Plaid Cymru",
    "location": 12,
    "country": "Wales",
    "region": "Wales",
    "city": "Holyhead",
    "votes": 10_418,
    "minute": 1_576_192_320_000,
    "hour": 1_576_191_600_000,
    "member": "3",
    "ranking": "3,1,2",
    "label": "Aled ap Dafydd",
    "stage": "casting",
    "topic": "ballots_topic",
    "partition": 4,
    "offset": 815,
    "key": "Ny8xMjM=",
    "value": "e30=",
    "reason": "wrong_type",
    "detail": "Object missing required field `schema_version`",
    "state_bytes": 196_000_000,
    "application_id": "app-20191213024500-0000",
    "size": 1,
    "root": "d95c6f4f…",
    "head": "election/ynys-mon/7\n1\n2VxvT…=\n\n\u2014 election/ynys-mon/7 5Zz5…\n",
    "verifier_key": "election/ynys-mon/7+e59cf9c7+Ad3…",
    "ui_url": "http://127.0.0.1:14040",
    "cast_at": 1_576_192_345_678,
    "sealed_at": 1_576_192_346_000,
    "rejected_at": 1_576_192_345_678,
    "at": 1_576_192_345_678,
    "batch_at": 1_576_192_345_000,
    "batch_ms": 305,
}
# Members that are absent in the simple case; the topic's description names them.
_ABSENT = {
    "VoteMessage": {"ranking", "district", "position"},
    "ExternalBallot": {"votes"},
}
_BY_TYPE = {int: 1, float: 2_000.0, str: "text", bool: False}

_HEAD = """# Messages by topic

UTF-8 JSON, one object a message. This page is generated from `src/election/contracts` by
`python -m election.contracts.examples`; `election schemas` prints the JSON Schema of each. Readers ignore fields that
they do not know. Times are milliseconds since 1970-01-01 UTC. `rejected_topic` keeps a record that cannot be used.
"""


def page() -> str:
    """The page in Markdown: each topic with its key, its configuration and an example."""
    return "\n".join([_HEAD, *(_section(topic) for topic in TOPICS)])


def example(form: type[msgspec.Struct]) -> msgspec.Struct:
    """A message of the form that a reader accepts."""
    hints = get_type_hints(form)
    absent = _ABSENT.get(form.__name__, set())
    message = form(**{name: _value(name, hints[name]) for name in form.__struct_fields__ if name not in absent})
    Decoder(form)(encode(message))
    return message


def _value(name: str, hint: Any) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    return _BY_TYPE[next((kind for kind in get_args(hint) if kind is not type(None)), hint)]


def _section(topic: Topic) -> str:
    described = " ".join(topic.description.replace("``", "`").split())
    said = re.sub(rf"^`{topic.name}`( \(compacted\))?[:.] *", "", described)
    kept = "Compacted." if topic.config.get("cleanup.policy") == "compact" else "Every record is kept."
    text = textwrap.fill(f"{said[:1].upper()}{said[1:]} {kept}", 120, break_on_hyphens=False)
    return f"## `{topic.name}`\n\n{text}\n\n```json\n{encode(example(topic.form)).decode()}\n```\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
