"""An election-night results platform: register, publish, cast, count, reconcile, show.

Stages (``electorate``, ``publication``, ``casting``, ``count``, ``reconciliation``,
``quality``, ``results``) hand over through Postgres tables and Kafka topics only and never
import each other; ``contracts`` says what a row and a message are, ``storage`` and
``messaging`` how to reach them.
"""
