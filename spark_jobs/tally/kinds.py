"""What is counted: for each aggregated topic, what its totals are told apart by and what its messages say.

A ballot becomes one row per kind it adds to. All kinds share the row's columns: ``first`` and ``second`` (integers)
and ``text`` (string) tell totals apart, ``a``, ``b`` and ``c`` are names that only go along.
"""

from dataclasses import dataclass

from election.contracts import topics

MINUTE = 60_000  # milliseconds


@dataclass(frozen=True, eq=False)
class Kind:
    """One output topic. ``slots`` gives a row's columns from a parsed record, ``fields`` the message's from the row.

    Both are SQL expressions; ``fields`` is in the order of the message's declaration. ``key`` names the columns that
    follow election and generation in the Kafka key.
    """

    topic: str
    slots: dict[str, str]
    key: tuple[str, ...]
    fields: dict[str, str]
    valid_only: bool = False


AGGREGATES = (
    Kind(
        topics.VOTES_PER_CANDIDATE,
        {"first": "contest", "second": "candidate", "a": "contest_name", "b": "candidate_name", "c": "party"},
        ("first", "second"),
        {"contest": "first", "contest_name": "a", "candidate": "second", "candidate_name": "b", "party": "c"},
        valid_only=True,
    ),
    Kind(
        topics.BALLOTS_PER_CONTEST,
        {"first": "contest", "text": "if(candidate IS NULL, 'invalid', 'valid')", "a": "contest_name"},
        ("first", "text"),
        {"contest": "first", "contest_name": "a", "validity": "text"},
    ),
    Kind(topics.VOTES_PER_PARTY, {"text": "party"}, ("text",), {"party": "text"}, valid_only=True),
    Kind(
        topics.TURNOUT_BY_LOCATION,
        {"first": "location", "a": "country", "b": "region", "c": "city"},
        ("first",),
        {"location": "first", "country": "a", "region": "b", "city": "c"},
    ),
    Kind(topics.TURNOUT_BY_GENDER, {"text": "gender"}, ("text",), {"gender": "text"}),
    Kind(topics.TURNOUT_BY_AGE_GROUP, {"text": "age_group"}, ("text",), {"age_group": "text"}),
    Kind(
        topics.VOTES_PER_MINUTE,
        {
            "first": "minute",
            "text": "if(series = 'party', concat('party/', party), concat('candidate/', candidate))",
            "a": "if(series = 'party', party, candidate_name)",
        },
        ("first", "text"),
        {
            "minute": "first",
            "series": "substring_index(text, '/', 1)",
            "member": "substring(text, instr(text, '/') + 1)",
            "label": "a",
        },
        valid_only=True,
    ),
)

# A record that cannot be used is a total of its own, told apart by its origin.
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
        # Spark writes current_timestamp() into the code it generates, and would compile each batch's anew.
        "rejected_at": "CAST(reflect('java.lang.System', 'currentTimeMillis') AS BIGINT)",
    },
)
