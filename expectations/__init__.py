"""Suites of expectations as code: a module a table or topic, each with ``suite(look)``.

A suite is None where there is nothing to expect yet. An expectation has a name, the sentence it protects, what to do
when it fails, and a severity: ``critical`` stops the run, ``warning`` is reported.
"""

ELECTION = "(SELECT current_setting('election.no')::int)"
"""In a query: the number of the election that is looked at. As a subquery it is evaluated once, not a row."""
NEW = "(current_setting('election.seen') = '' OR age(v.xmin) <= age(current_setting('election.seen')::xid))"
"""In a query: whether the row ``v`` was written since the last look, where only such are looked at."""
LOOK = "Look at the rows with the read-only login that `election status` names."
SEED = (
    "Nothing is published yet: clear the electorate's tasks (or run `election seed SLUG`) to complete the electorate."
)
