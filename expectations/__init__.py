"""Suites of expectations as code: one module per table or topic, each with ``suite(look)``.

``suite`` returns None if nothing is expected yet. An expectation has a name, the sentence it protects, what to do when
it fails, and a severity: ``critical`` stops the run, ``warning`` is only reported.
"""

ELECTION = "(SELECT current_setting('election.no')::int)"
"""In a query: the number of the validated election. As a subquery it is evaluated once, not for every row."""
NEW = "(current_setting('election.seen') = '' OR age(v.xmin) <= age(current_setting('election.seen')::xid))"
"""In a query: whether the row ``v`` was written since the last validation; true for all rows in a full validation."""
LOOK = "Look at the rows with the read-only login that `election status` names."
SEED = (
    "Nothing is published yet: clear the electorate's tasks (or run `election seed SLUG`) to complete the electorate."
)
