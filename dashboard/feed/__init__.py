"""The data in the background: one reader of Kafka and one of Postgres in a process, shared by every session."""

from dashboard.feed.snapshots import Feed, feed

__all__ = ["Feed", "feed"]
