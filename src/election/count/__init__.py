"""The count: the long-running Spark job that turns votes into totals, and what starts, stops and waits for it."""

from election.count.waiting import wait_until_counted

__all__ = ["wait_until_counted"]
