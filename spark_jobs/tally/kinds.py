"""Maps the declared aggregates, and rejected records, to rows of one form.

A vote becomes one row for each kind it adds to. All kinds share the row's columns: ``first``, ``second`` and ``third``
(integers) and ``text`` (string) identify a total; ``a``, ``b`` and ``c`` are names outside the key.
"""

from dataclasses import dataclass
from typing import get_type_hints

from election.contracts import aggregates, topics
from election.contracts.aggregates import CONDITIONS, Aggregate, Total

MINUTE = 60_000  # milliseconds


@dataclass(frozen=True, eq=False)
class Kind:
    """One output topic. ``slots`` gives a row's columns from a parsed record, ``fields`` the message's from the row.

    Both are SQL expressions; ``fields`` is in the order of the message's declaration. ``key`` names the columns that
    follow election and generation in the Kafka key. ``of`` is SQL for the votes that add to the kind, or None
    if all do.
    """

    topic: str
    slots: dict[str, str]
    key: tuple[str, ...]
    fields: dict[str, str]
    of: str | None = None


def _kind(aggregate: Aggregate) -> Kind:
    """Assigns the columns of a row to the fields of the aggregate's total: numbers and texts, and names in their order.

    Two texts share a column, separated by a slash, which the first text never contains.
    """
    form = get_type_hints(aggregate.message)
    numbers = [part for part in aggregate.key if form[part.name] is int]
    texts = [part for part in aggregate.key if part not in numbers]
    if [*numbers, *texts] != list(aggregate.key):
        raise TypeError(f"{aggregate.topic}: declare numbers before texts in its key")
    slots, fields = {}, {}
    for slot, part in [*zip(_NUMBERS, numbers, strict=False), *zip(_NAMES, aggregate.names, strict=False)]:
        slots[slot], fields[part.name] = part.adds, slot
    if texts:
        slots["text"] = texts[0].adds if len(texts) == 1 else f"concat_ws('/', {', '.join(t.adds for t in texts)})"
        parts = ("text",) if len(texts) == 1 else _TEXTS
        fields |= {part.name: sql for part, sql in zip(texts, parts, strict=False)}
    own = [name for name in aggregate.message.__struct_fields__ if name not in Total.__struct_fields__]
    if unplaced := set(own) - set(fields):
        raise TypeError(f"{aggregate.topic}: a row of the count has no column for {sorted(unplaced)}")
    key = tuple(slot for slot in (*_NUMBERS, "text") if slot in slots)
    of = None if aggregate.of == "all" else CONDITIONS[aggregate.of]
    return Kind(aggregate.topic, slots, key, {name: fields[name] for name in own}, of)


_NUMBERS = ("first", "second", "third")
_TEXTS = ("substring_index(text, '/', 1)", "substring(text, instr(text, '/') + 1)")
_NAMES = ("a", "b", "c")
AGGREGATES = tuple(map(_kind, aggregates.AGGREGATES))

# A rejected record is a total of its own, identified by its origin.
REJECTED = Kind(
    topics.REJECTED,
    {
        "first": "CAST(partition AS BIGINT)",
        "second": "offset",
        "text": "topic",
        "a": "translate(base64(key), '\\r\\n', '')",  # Spark breaks base64 into lines
        "b": "translate(base64(value), '\\r\\n', '')",
        "c": "reason",
    },
    ("text", "first", "second"),
    {
        "stage": "'count'",
        "election": "election",
        "topic": "text",
        "partition": "first",
        "offset": "second",
        "key": "a",
        "value": "b",
        "reason": "c",
        "detail": "concat('votes_topic: ', c)",
        # Spark writes current_timestamp() into its generated code, and would compile the code again for each batch.
        "rejected_at": "CAST(reflect('java.lang.System', 'currentTimeMillis') AS BIGINT)",
    },
)
