"""The tally: starts, stops, watches and waits for the Spark job that turns votes into totals."""

from election.count.waiting import wait_until_counted

__all__ = ["wait_until_counted"]
