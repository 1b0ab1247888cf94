"""The service `metrics`: what Postgres, Kafka and the other services say at this moment, in Prometheus's format.

It has no figure of its own and names no voter (docs/decisions/0071-metrics.md).
"""
