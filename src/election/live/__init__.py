"""Every election at this moment, for readers of results: the totals on the topics and the public views of Postgres.

One consumer and one connection in a process; snapshots of them that all its readers share. The dashboard and the
results feed both read through it, so that they show the same figures.
"""
